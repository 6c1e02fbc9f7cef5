import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Prisma, Task } from '../../src/generated/prisma/client.ts'
import { graphql } from '../support/clients.ts'
import { check, draws, SEED, timeout } from '../support/draws.ts'
import { type Caller, data, overGraphql } from '../support/operations.ts'
import { makeProject, makeUser } from '../support/rows.ts'
import { type OwnServer, ownServer, signUp, signUpAdmin } from '../support/server.ts'
import { drawOf, type ModelProject, type Names, newTask } from '../support/task-arbitraries.ts'
import { type Filter, MODEL_QUERY, toModel } from '../support/task-model.ts'

/**
 * Filters have two implementations: SQL in the lists, and JavaScript over the task state stored
 * with each event. These tests compare both for the same changes. No generated filter depends on
 * the current time: dates are far in the past or in the future, see DUE.
 */

const DRAWS = draws(60)
/**
 * Number of filters compared per draw, each before and after its changes. No two changes of a draw
 * target the same task.
 */
const FILTERS = 4
const MOST_CHANGES = 4
/** Fits on one page of a list. */
const MOST_TASKS = 80
const PAGE = 100

/** Fields that an update may change. */
const FIELDS = ['title', 'description', 'status', 'priority', 'dueAt', 'parentId', 'assigneeIds', 'labelIds'] as const

interface Change {
  kind: 'create' | 'update' | 'delete' | 'restore' | 'remove' | 'move'
  /** Selects one of the tasks that the change can apply to. */
  place: number
  /** One row per project: the new task, or the values of an update. */
  rows: Prisma.TaskCreateManyInput[]
  fields: (typeof FIELDS)[number][]
}

interface Draw {
  viewer: string
  filters: Filter[]
  changes: Change[]
}

interface Logged {
  cursor: string
  type: string
  subjectId: string
  changes: { field: string }[]
}

/** Undefined for an event that the filter does not report. */
type Match = 'ENTERED' | 'STAYED' | 'LEFT' | undefined

let server: OwnServer
let admin: Caller
/** Keyed by the viewer's name. */
let callers: Record<string, Caller>
let names: Names[]
let projects: ModelProject[]
/** Tasks that filters refer to. They stay in projects that every viewer can see. */
let parentIds: string[]
let drawn: fc.Arbitrary<Draw>

const tally = { draws: 0, changes: 0, events: 0, ENTERED: 0, STAYED: 0, LEFT: 0, unmatched: 0 }

beforeAll(async () => {
  console.info(`TEST_SEED=${SEED} repeats the changes and filters that are drawn`)
  server = await ownServer({ RATE_LIMIT: 'off' })
  const { db, url } = server
  const [owner, member] = [await signUpAdmin(server), await signUp(server, 'Member')]
  admin = { url, token: owner.token }
  callers = { ADMIN: admin, MEMBER: { url, token: member.token } }
  const people = [owner.id, member.id, (await makeUser(db)).id]

  projects = []
  for (const key of ['WEB', 'SHOP', 'HIDDEN']) {
    const { id } = await makeProject(db, { key })
    const labels = ['bug', 'idea'].map((name) => ({ projectId: id, name, color: '#1d76db' }))
    const labelIds = (await db.label.createManyAndReturn({ data: labels })).map((label) => label.id)
    const members = people.filter((person) => key !== 'HIDDEN' || person !== member.id)
    const seats = members.map((userId) => ({ projectId: id, userId, role: 'EDITOR' as const }))
    await db.membership.createMany({ data: seats })
    projects.push({ id, labelIds, parentIds: [] })
  }
  const visible = projects.slice(0, 2)

  const first = fc.sample(newTask(visible, people), { seed: SEED, numRuns: 5 })
  await db.task.createMany({ data: first.map((row) => ({ ...row, deletedAt: null })) })
  parentIds = first.map((row) => row.id!)
  const keys = (await db.task.findMany({ select: { key: true } })).map((task) => task.key)
  // Moved tasks can still be found by their old keys.
  for (const { id, projectId } of first.slice(0, 3))
    data(await overGraphql.moveTask(admin, id!, visible.find((project) => project.id !== projectId)!.id))
  projects = projects.map((project) => ({ ...project, parentIds }))
  for (const row of fc.sample(newTask(projects, people), { seed: SEED + 1, numRuns: 20 })) await create(row)

  const parents = (await db.task.findMany({ ...MODEL_QUERY, where: { id: { in: parentIds } } })).map(toModel)
  names = [
    { name: 'MEMBER', id: member.id, seen: visible },
    { name: 'ADMIN', id: owner.id, seen: projects },
  ].map(({ name, id, seen }) => ({
    viewer: { name, id, projectIds: seen.map((project) => project.id) },
    labelIds: seen.flatMap((project) => project.labelIds),
    parents,
    people: [...people, crypto.randomUUID()],
    // Some of these keys may not be assigned yet.
    keys: [...keys, ...keys.slice(0, 2).map((key) => key.toLowerCase()), 'WEB-9', 'SHOP-20'],
  }))
  drawn = fc.oneof(...names.map((one) => drawFor(one, people)))
})
afterAll(() => server?.close())

function drawFor(one: Names, people: string[]): fc.Arbitrary<Draw> {
  const change = fc.record<Change>({
    kind: fc.oneof(
      { weight: 4, arbitrary: fc.constant('update' as const) },
      { weight: 3, arbitrary: fc.constantFrom('create', 'delete', 'restore', 'remove') },
      fc.constant('move' as const),
    ),
    place: fc.nat(),
    rows: fc.tuple(...projects.map((project) => newTask([project], people))),
    fields: fc.subarray([...FIELDS], { minLength: 1, maxLength: 3 }),
  })
  const filter = drawOf(one).map((draw) => draw.filter)
  return fc.record({
    viewer: fc.constant(one.viewer.name),
    filters: fc.array(filter, { minLength: FILTERS, maxLength: FILTERS }),
    changes: fc.array(change, { minLength: 1, maxLength: MOST_CHANGES, size: 'max' }),
  })
}

test('a filter on the log agrees with the lists before and after every change', { timeout }, async () => {
  // Do not shrink: every further run starts from the tasks that this one left behind.
  await check(DRAWS, drawn, SEED, compareJudges, { endOnFailure: true })
  console.info(`matches reported by the log: ${JSON.stringify(tally)}`)
  expect(tally.draws).toBe(DRAWS)
  expect(tally.events).toBeGreaterThan(tally.changes / 2)
  // Make sure that tasks actually enter and leave the filters.
  for (const match of ['ENTERED', 'STAYED', 'LEFT'] as const) expect(tally[match], match).toBeGreaterThan(DRAWS / 5)
})

async function compareJudges({ viewer, filters, changes }: Draw): Promise<void> {
  const caller = callers[viewer]!
  const { eventCursor, ...before } = await read(caller, BEFORE, filters)
  const tasks = await server.db.task.findMany({ orderBy: { id: 'asc' } })
  const made: string[] = []
  for (const change of changes) made.push(await make(change, tasks))
  const { log, ...after } = await read(caller, AFTER, filters, eventCursor)
  const events: Logged[] = log.nodes

  for (const [place, filter] of filters.entries()) {
    const asked = `TEST_SEED=${SEED}: for the ${viewer}, of ${JSON.stringify(filter)}, by\n${made.join('\n')}`
    const [was, is] = [idsOf(before[`list${place}`]), idsOf(after[`list${place}`])]
    const actual = new Map<string, Match>(
      after[`match${place}`].nodes.map(({ cursor, match }: Matched) => [cursor, match]),
    )
    const expected = expectedMatches(events, was, is, actual)
    expect(shown(events, actual), asked).toEqual(shown(events, expected))
    expect(
      [...actual.keys()].filter((cursor) => !expected.has(cursor)),
      asked,
    ).toEqual([])
    const logged = new Set(events.map((event) => event.subjectId))
    expect(
      [...was.symmetricDifference(is)].filter((id) => !logged.has(id)),
      `not logged: ${asked}`,
    ).toEqual([])
    for (const match of expected.values()) tally[match ?? 'unmatched']++
  }
  tally.draws++
  tally.changes += changes.length
  tally.events += events.length
}

/**
 * Derives the expected match of each event from the lists. A move is two events, a removal from the
 * old project and an arrival in the new one, so it is never STAYED: the removal is compared with
 * the list before, the arrival with the list after. When a task has several events, as one that
 * moves with its parent, no list shows the states between them: each event must start where the
 * previous one ended.
 */
function expectedMatches(events: Logged[], was: Set<string>, is: Set<string>, actual: Map<string, Match>) {
  const between = new Map<string, boolean>()
  return new Map<string, Match>(
    events.map((event, index) => {
      const { cursor, type, subjectId: id, changes } = event
      const arrives = type === 'task.updated' && changes.some(({ field }) => field === 'projectId')
      const last = !events.slice(index + 1).some((later) => later.subjectId === id)
      const begin = !arrives && (between.get(id) ?? was.has(id))
      const end = type !== 'task.removed' && (last ? is.has(id) : isIn(actual.get(cursor)))
      between.set(id, end)
      return [cursor, end ? (begin ? 'STAYED' : 'ENTERED') : begin ? 'LEFT' : undefined]
    }),
  )
}

const isIn = (match: Match) => match === 'ENTERED' || match === 'STAYED'

const idsOf = ({ nodes }: { nodes: { id: string }[] }) => new Set(nodes.map(({ id }) => id))

const shown = (events: Logged[], matches: Map<string, Match>) =>
  events.map(({ cursor, type, subjectId }) => `${type} ${subjectId} ${matches.get(cursor) ?? 'no match'}`)

/**
 * Applies the change to a task, removes that task from `tasks` and returns a description. Does
 * nothing when no task fits. The API may reject a generated change, such as a parent cycle.
 */
async function make({ kind, place, rows, fields }: Change, tasks: Task[]): Promise<string> {
  if (kind === 'create') {
    const row = rows[place % rows.length]!
    if (tasks.length < MOST_TASKS) await create(row)
    return `create ${JSON.stringify(row)}`
  }
  const spared = kind === 'delete' || kind === 'remove' ? parentIds : []
  const possible = tasks.filter((one) => (one.deletedAt !== null) === (kind === 'restore') && !spared.includes(one.id))
  const task = possible[place % possible.length]
  if (!task) return `${kind} nothing`
  tasks.splice(tasks.indexOf(task), 1)
  return `${kind} ${task.key} ${task.id} ${JSON.stringify(await CHANGES[kind](task, rows, fields, place))}`
}

/** A task is due at a time or on a day, so a change sets both. */
function due({ dueAt = null, dueOn = null }: Prisma.TaskCreateManyInput) {
  return { dueAt, dueOn: dueOn && new Date(dueOn).toISOString().slice(0, 10) }
}

/** Applies each kind of change and returns its input. */
const CHANGES = {
  async update({ id, projectId }: Task, rows: Change['rows'], fields: Change['fields']) {
    const row = await fitting(rows[projects.findIndex((project) => project.id === projectId)]!)
    const input = Object.assign({}, ...fields.map((field) => (field === 'dueAt' ? due(row) : { [field]: row[field] })))
    await overGraphql.updateTask(admin, id, input)
    return input
  },
  async move({ id }: Task, _rows: Change['rows'], _fields: Change['fields'], place: number) {
    const targets = parentIds.includes(id) ? projects.slice(0, 2) : projects
    const target = targets[place % targets.length]!
    await overGraphql.moveTask(admin, id, target.id)
    return { projectId: target.id }
  },
  async delete({ id }: Task) {
    await overGraphql.deleteTask(admin, id)
  },
  async restore({ id }: Task) {
    await overGraphql.restoreTask(admin, id)
  },
  /** Deletes the row, as deleting its project does. Purging the trash would log no event. */
  async remove({ id }: Task) {
    await server.db.task.delete({ where: { id } })
  },
}

/** Inserts the row directly, so that its dates can lie in the past. */
async function create(row: Prisma.TaskCreateManyInput): Promise<void> {
  await server.db.task.createMany({ data: [await fitting(row)] })
}

/** Drops the generated parent if it is in another project by now. */
async function fitting(row: Prisma.TaskCreateManyInput): Promise<Prisma.TaskCreateManyInput> {
  const where = { id: row.parentId ?? '', projectId: row.projectId }
  const parent = row.parentId == null ? null : await server.db.task.findFirst({ where })
  return { ...row, parentId: parent?.id ?? null }
}

interface Matched {
  cursor: string
  match: Match
}

const aliased = (field: (place: number) => string) =>
  Array.from({ length: FILTERS }, (_, place) => field(place)).join('\n')
const MORE = 'pageInfo { hasNextPage }'
const LISTS = aliased(
  (place) => `list${place}: tasks(filter: $filter${place}, first: ${PAGE}) { nodes { id } ${MORE} }`,
)
const FILTER_VARIABLES = aliased((place) => `$filter${place}: TaskFilter`)
const BEFORE = `query (${FILTER_VARIABLES}) { eventCursor ${LISTS} }`
const AFTER = `query ($after: String, ${FILTER_VARIABLES}) {
  log: events(types: ["task"], after: $after, first: ${PAGE}) { nodes { cursor type subjectId changes { field } } ${MORE} }
  ${LISTS}
  ${aliased((place) => `match${place}: events(filter: $filter${place}, after: $after, first: ${PAGE}) { nodes { cursor match } ${MORE} }`)}
}`

async function read(caller: Caller, query: string, filters: Filter[], after?: string) {
  const variables = { after, ...Object.fromEntries(filters.map((filter, place) => [`filter${place}`, filter])) }
  const answer = await graphql(caller, query, variables, { token: caller.token })
  expect(answer.errors, JSON.stringify(variables)).toBeUndefined()
  for (const [name, { pageInfo }] of Object.entries<{ pageInfo?: object }>(answer.data))
    if (name !== 'eventCursor') expect(pageInfo, name).toEqual({ hasNextPage: false })
  return answer.data
}
