import fc from 'fast-check'
import type { Prisma } from '../../src/generated/prisma/client.ts'
import type { Filter, ModelTask, ModelViewer, Order } from './task-model.ts'

/** Generates tasks with few distinct values, for ties in every order, and queries for them. */

const STATUSES = ['PENDING', 'IN_PROGRESS', 'COMPLETED', 'CANCELLED'] as const

/** Words without inflection; some sort differently by UTF-16 or collation than by code point. */
const TITLES = [
  'alpha',
  'Alpha bravo',
  'Bravo',
  'bravo zulu',
  'Éclair alpha',
  'eclair',
  'E\u0301clair zulu',
  '\u{1f600} zulu',
  '\uff5e alpha',
  'Zulu “quoted” 100%',
]
const DESCRIPTIONS = [null, null, 'bravo', 'Of an éclair, and zulu.', 'ALPHA']

const SEARCHES = [
  'alpha',
  'ZULU',
  'eclair',
  'E\u0301CLAIR',
  'br',
  'écl',
  'alpha br',
  'zulu éclair',
  '"bravo", (zulu)!',
  'tango',
]

// Far in the past or future, so that no task becomes overdue during the test.
const DUE = [
  null,
  '0001-01-01T00:00:00.000Z',
  '2001-05-05T12:00:00.000Z',
  '2001-05-05T12:00:00.001Z',
  '2091-01-01T00:00:00.120Z',
  '9999-12-31T23:59:59.999Z',
]
const DAYS = ['0001-01-01', '2001-05-05', '2090-12-31', '2091-01-01', '9999-12-31']
/** A time, a day or neither. */
const DUE_DATES = [...DUE.map((dueAt) => ({ dueAt })), ...DAYS.map((day) => ({ dueOn: new Date(day) }))]
const WRITTEN = [
  '1969-12-31T23:59:59.999Z',
  '2024-02-29T08:00:00.000Z',
  '2024-02-29T08:00:00.100Z',
  '2025-07-01T00:00:00.000Z',
]

/** Later than all of the above. */
const LATER = ['2025-08-01T00:00:00.000Z', '2025-09-01T00:00:00.000Z', '2025-10-01T00:00:00.000Z']

/** A project with its labels and possible parent tasks. */
export interface ModelProject {
  id: string
  labelIds: string[]
  parentIds: string[]
}

/** Draws a row to insert. A row added after the others may also be newer than all of them. */
export function newTask(
  projects: readonly ModelProject[],
  people: readonly string[],
  after = false,
): fc.Arbitrary<Prisma.TaskCreateManyInput> {
  const time = fc.constantFrom(...WRITTEN)
  return fc.oneof(
    ...projects.map((project) =>
      fc
        .record({
          // Avoids duplicate ids: fast-check is biased towards the smallest and largest.
          id: fc.noShrink(fc.noBias(fc.uuid())),
          projectId: fc.constant(project.id),
          parentId: fc.constantFrom(null, ...project.parentIds),
          labelIds: fc.subarray(project.labelIds),
          title: fc.constantFrom(...TITLES),
          description: fc.constantFrom(...DESCRIPTIONS),
          status: fc.constantFrom(...STATUSES),
          priority: fc.integer({ min: 1, max: 3 }),
          startAt: fc.constantFrom(null, DUE[1]!),
          due: fc.constantFrom(...DUE_DATES),
          completedAt: time,
          createdAt: fc.constantFrom(...WRITTEN, ...(after ? LATER : [])),
          updatedAt: time,
          creatorId: fc.constantFrom(null, ...people),
          assigneeIds: fc.subarray([...people], { maxLength: 2 }),
          deletedAt: fc.constantFrom(null, null, null, null, WRITTEN[1]!),
        })
        .map(({ due, ...row }) => ({ ...row, ...due })),
    ),
  )
}

/** A list to read to its end and back. */
export interface Draw {
  /** Name of the viewer. */
  viewer: string
  filter: Filter
  orderBy: Order[]
  /** Page size, raised if there would be too many pages. */
  size: number
  forwardsOver: 'GraphQL' | 'REST'
  /** Conditions that REST sends in its JSON `filter` instead of parameters. */
  inJson: (keyof Filter)[]
}

/** Ids and keys that the viewer may use in a filter without a refusal. */
export interface Names {
  viewer: ModelViewer
  labelIds: string[]
  parents: ModelTask[]
  people: string[]
  keys: string[]
}

/** Draws a list query, or a search if `ranked` orders are given. */
export function drawOf(names: Names, ranked?: fc.Arbitrary<Order[]>): fc.Arbitrary<Draw> {
  const searched = fc.record<Filter>(ranked ? { search: fc.constantFrom(...SEARCHES) } : {})
  const conditions = Object.keys(conditionsOf(names)) as (keyof Filter)[]
  return fc
    .record({
      viewer: fc.constant(names.viewer.name),
      filter: fc.tuple(filterOf(names), searched).map(merge),
      orderBy: ranked ?? order(['CREATED_AT', 'UPDATED_AT', 'DUE_AT', 'PRIORITY', 'TITLE', 'NUMBER', 'RANK']),
      size: fc.integer({ min: 1, max: 30 }),
      forwardsOver: fc.constantFrom('GraphQL' as const, 'REST' as const),
      inJson: fc.oneof(fc.subarray(conditions, { maxLength: 0 }), fc.subarray(conditions)),
    })
    .map((draw): Draw => {
      // A search without an order would be sorted by relevance.
      const unordered = !ranked && draw.filter.search != null && draw.orderBy.length === 0
      return unordered ? { ...draw, orderBy: [{ field: 'CREATED_AT' }] } : draw
    })
    .filter(({ filter }) => lookupsIn(filter) <= MAX_LOOKUPS)
}

/** Maximum number of conditions on people, labels and words. */
const MAX_LOOKUPS = 20

function lookupsIn({ assigneeId, labelId, search, and, or, not }: Filter): number {
  const own = [assigneeId, labelId?.any, labelId?.all, search].filter((condition) => condition != null).length
  const inner = [...(and ?? []), ...(or ?? []), ...(not ? [not] : [])]
  return inner.reduce((sum, one) => sum + lookupsIn(one), own)
}

/** Draws at most two terms of different fields. */
export const order = (fields: readonly Order['field'][]): fc.Arbitrary<Order[]> =>
  fc.uniqueArray(
    fc.record(
      { field: fc.constantFrom(...fields), direction: fc.constantFrom('ASC' as const, 'DESC' as const) },
      { requiredKeys: ['field'] },
    ),
    { maxLength: 2, selector: (term) => term.field },
  )

/** Nests and, or, not up to three levels, with at most 36 filters; the limit is 50. */
function filterOf(names: Names): fc.Arbitrary<Filter> {
  const flat = fc.array(fc.oneof(...Object.values(conditionsOf(names))), { maxLength: 2 }).map(merge)
  const sometimes = (...some: fc.Arbitrary<Filter>[]) =>
    fc.oneof({ withCrossShrink: true }, { weight: 3, arbitrary: fc.constant({}) }, ...some)
  const within = (levels: number): fc.Arbitrary<Filter> => {
    if (levels === 0) return flat
    const { and, or, not } = connectives(within(levels - 1))
    return fc.tuple(flat, sometimes(and, or, not)).map(merge)
  }
  const { and, or, not } = connectives(within(2))
  const deleted = fc.constantFrom<Filter>({}, {}, {}, { deleted: false }, { deleted: null }, { deleted: true })
  return fc.tuple(flat, deleted, sometimes(and), sometimes(or), sometimes(not)).map(merge)
}

function connectives(inner: fc.Arbitrary<Filter>) {
  const several = fc.array(inner, { minLength: 1, maxLength: 2 })
  return {
    and: fc.record<Filter>({ and: several }),
    or: fc.record<Filter>({ or: several }),
    not: fc.record<Filter>({ not: inner }),
  }
}

const merge = (parts: Filter[]): Filter => Object.assign({}, ...parts)

/** Draws each condition alone, sometimes null (no condition) or an empty list (matches nothing). */
function conditionsOf({ viewer, labelIds, parents, people, keys }: Names) {
  const some = (values: readonly string[]) => fc.subarray([...values], { maxLength: 4 })
  const persons = some(['me', ...people])
  const conditions = {
    status: fc.subarray([...STATUSES]),
    priority: fc.record(
      {
        in: fc.subarray([1, 2, 3]),
        gte: fc.integer({ min: 1, max: 4 }),
        lte: fc.integer({ min: 1, max: 4 }),
      },
      { requiredKeys: [] },
    ),
    projectId: fc.constantFrom(...viewer.projectIds),
    assigneeId: fc.oneof(persons, some(['me', 'none', ...people])),
    creatorId: persons,
    labelId: fc.record(
      { any: some(labelIds), all: fc.subarray([...labelIds], { maxLength: 2 }) },
      { requiredKeys: [] },
    ),
    parentId: fc.constantFrom('none', ...parents.flatMap(({ id, key }) => [id, id.toUpperCase(), key.toLowerCase()])),
    key: some(keys),
    startAt: rangeOf(DUE.filter((time) => time !== null)),
    dueAt: rangeOf(DUE.filter((time) => time !== null)),
    dueOn: rangeOf(DAYS),
    createdAt: rangeOf(WRITTEN),
    updatedAt: rangeOf(WRITTEN),
    completedAt: rangeOf(WRITTEN),
    overdue: fc.boolean(),
    search: fc.constantFrom(...SEARCHES),
  }
  return Object.fromEntries(
    Object.entries(conditions).map(([name, value]) => {
      const given = fc.oneof({ weight: 30, arbitrary: value as fc.Arbitrary<unknown> }, fc.constant(null))
      return [name, given.map((one): Filter => ({ [name]: one }))]
    }),
  )
}

/** Draws mostly one-sided ranges, because two ends often exclude everything. Null means no end. */
function rangeOf(times: readonly string[]) {
  const ends = (names: readonly string[]) =>
    fc.tuple(fc.constantFrom(...names), fc.constantFrom(null, ...times)).map(([name, time]) => ({ [name]: time }))
  const from = ends(['gte', 'gt'])
  const until = ends(['lte', 'lt'])
  return fc.oneof(
    from,
    until,
    fc.tuple(from, until).map(([a, b]) => ({ ...a, ...b })),
  )
}

/** Encodes the filter and order of a draw for REST. */
export function restQuery({ filter, orderBy, inJson }: Draw): URLSearchParams {
  const query = new URLSearchParams()
  const json: Filter = {}
  for (const [name, value] of Object.entries(filter)) {
    const parameters = inJson.includes(name as keyof Filter) ? undefined : parametersOf(name, value)
    if (!parameters) Object.assign(json, { [name]: value })
    for (const [parameter, text] of parameters ?? []) query.append(parameter, text)
  }
  if (Object.keys(json).length > 0) query.append('filter', JSON.stringify(json))
  for (const { field, direction } of orderBy) {
    const name = field.toLowerCase().replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
    query.append('orderBy', direction ? `${name}:${direction.toLowerCase()}` : name)
  }
  return query
}

/** Encodes a condition as parameters; undefined if they cannot express it. */
function parametersOf(name: string, value: unknown): [string, string][] | undefined {
  if (value === null || ['and', 'or', 'not'].includes(name)) return undefined
  if (Array.isArray(value)) return value.length > 0 ? value.map((one) => [name, String(one)]) : undefined
  if (typeof value !== 'object') return [[name, String(value)]]
  const operators = Object.entries(value as object).map(([operator, operand]) =>
    parametersOf(['in', 'any'].includes(operator) ? name : `${name}.${operator}`, operand),
  )
  return operators.every((one) => one !== undefined) ? operators.flat() : undefined
}
