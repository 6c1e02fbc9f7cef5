import fc from 'fast-check'
import {
  buildSchema,
  type defaultFieldResolver,
  type ExecutionResult,
  execute,
  type GraphQLObjectType,
  type GraphQLScalarType,
  type GraphQLSchema,
} from 'graphql'
import { expect, test } from 'vitest'
import { executePlanned } from '../../src/gateway/execution/execute.ts'
import { readsProperty } from '../../src/gateway/operation.ts'
import { createPrepare } from '../../src/gateway/prepared-operation.ts'
import { check, draws, SEED, timeout } from '../support/draws.ts'
import { createRandom, type Random } from '../support/random.ts'

/** Answers must be those of graphql-js, which stays the oracle: values, order, errors and paths. */

const SCHEMA = `
  enum Color { RED GREEN }
  scalar Even
  interface Named { name: String required: String! }
  type Plain implements Named { name: String required: String! size(by: Int = 2, unit: Unit): Int even: Even color: Color self: Plain }
  type Rich implements Named { name: String required: String! items(first: Int! = 2): [Item!] loose: [Item] matrix: [[Int!]] names: [String]! plain: Plain! any: Any other: Named }
  type Item { id: ID! label: String rich: Rich }
  union Any = Plain | Rich | Item
  input Unit { factor: Int! = 1 names: [String!] }
  type Query { plain: Plain rich: Rich! named: Named any: [Any] maybe(fail: Boolean): Rich }
  type Mutation { first: Rich second(by: Int): Plain! third: [Named] }
`

/** What the fields of one run return: what they were drawn to, at a promise or at once. */
interface Behavior {
  seed: number
}

const KINDS = [
  'value',
  'value',
  'value',
  'value',
  'null',
  'undefined',
  'throw',
  'error',
  'late',
  'late',
  'late throw',
  'wrong',
]

function makeSchema(): GraphQLSchema {
  const schema = buildSchema(SCHEMA)
  const even = schema.getType('Even') as GraphQLScalarType
  even.serialize = (value) => {
    if (value === 8) return null
    if (typeof value !== 'number' || value % 2 !== 0) throw new Error(`${String(value)} is odd`)
    return value
  }
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__') || !('getFields' in type) || !('interfaces' in type.toConfig())) continue
    for (const field of Object.values((type as GraphQLObjectType).getFields())) {
      const resolve = (
        _source: object,
        args: object,
        context: Behavior,
        info: Parameters<typeof defaultFieldResolver>[3],
      ) => respond(`${type.name}.${field.name} ${JSON.stringify(args)} ${keys(info.path)}`, String(field.type), context)
      const column = (source: { required?: unknown }, ...rest: [object, Behavior, never]) =>
        source.required === undefined ? resolve(source, ...rest) : source.required
      if (field.name === 'required') field.resolve = readsProperty(column as never, 'required')
      else if (field.name !== 'name') field.resolve = resolve as never
    }
  }
  return schema
}

const keys = (path: { prev: unknown; key: unknown } | undefined): string =>
  path ? `${keys(path.prev as typeof path)}/${String(path.key)}` : ''

function hash(text: string): number {
  let value = 2_166_136_261
  for (const character of text) value = Math.imul(value ^ character.charCodeAt(0), 16_777_619) >>> 0
  return value >>> 3
}

function respond(place: string, type: string, { seed }: Behavior): unknown {
  const drawn = hash(`${seed} ${place}`)
  const isRequiredInList = type.endsWith('!') && /\/\d/.test(place)
  // graphql-js leaves a rejection unhandled if an item of its list throws at once.
  return isRequiredInList
    ? Promise.resolve().then(() => drawResponse(place, type, drawn))
    : drawResponse(place, type, drawn)
}

function drawResponse(place: string, type: string, drawn: number): unknown {
  switch (KINDS[drawn % KINDS.length]) {
    case 'null':
      return null
    case 'undefined':
      return undefined
    case 'throw':
      throw new Error(`thrown at ${place}`)
    case 'error':
      return new Error(`returned at ${place}`)
    case 'late':
      return Promise.resolve().then(() => drawValue(type, drawn))
    case 'late throw':
      return Promise.reject(new Error(`rejected at ${place}`))
    case 'wrong':
      return 'wrong'
    default:
      return drawValue(type, drawn)
  }
}

function drawValue(type: string, drawn: number): unknown {
  if (type.endsWith('!')) return drawValue(type.slice(0, -1), drawn)
  if (type.startsWith('[')) {
    const inner = type.slice(1, -1)
    return Array.from({ length: drawn % 4 }, (_, index) => {
      const item = hash(`${drawn} ${index}`)
      const value = item % 7 === 0 ? null : drawValue(inner.replace(/^Named/, 'Listed'), item)
      // A null among required items fails at once: see `respond`.
      const isLate = drawn % 3 === 1 || (value === null && inner.endsWith('!'))
      return isLate ? Promise.resolve(value) : value
    })
  }
  const names = {
    Named: ['Plain', 'Rich', 'Nothing'],
    Listed: ['Plain', 'Rich'],
    Any: ['Plain', 'Rich', 'Item'],
  } as Record<string, string[]>
  switch (type) {
    case 'String':
    case 'ID':
      return `text ${drawn}`
    case 'Int':
    case 'Even':
      return drawn % 10
    case 'Color':
      return drawn % 5 === 0 ? 'BLUE' : 'RED'
    default: {
      const kinds = names[type] ?? [type]
      const required = drawn % 3 === 0 ? undefined : drawn % 3 === 1 ? null : `own ${drawn}`
      return { __typename: kinds[drawn % kinds.length], name: drawn % 2 ? 'a name' : () => 'a called name', required }
    }
  }
}

const DIRECTIVES = [
  '',
  '',
  '',
  '',
  '',
  ' @skip(if: $yes)',
  ' @include(if: $yes)',
  ' @include(if: $no)',
  ' @skip(if: true)',
]

/** Fields of each type, and the type of what they select. */
const FIELDS: Record<string, [text: string, inner?: string][]> = {
  Named: [['__typename'], ['name'], ['required']],
  Plain: [['size'], ['size(by: $by)'], ['size(by: 3, unit: {factor: $by})'], ['even'], ['color'], ['self', 'Plain']],
  Rich: [
    ['matrix'],
    ['names'],
    ['items', 'Item'],
    ['items(first: 3)', 'Item'],
    ['loose', 'Item'],
    ['plain', 'Plain'],
    ['any', 'Any'],
    ['other', 'Named'],
  ],
  Item: [['__typename'], ['id'], ['label'], ['rich', 'Rich']],
  Any: [['__typename']],
  query: [
    ['plain', 'Plain'],
    ['rich', 'Rich'],
    ['named', 'Named'],
    ['any', 'Any'],
    ['maybe(fail: $yes)', 'Rich'],
  ],
  mutation: [
    ['first', 'Rich'],
    ['second(by: $by)', 'Plain'],
    ['third', 'Named'],
  ],
}
const FRAGMENTS: Record<string, string[]> = {
  Named: ['... on Plain', '... on Rich', '... on Named', '...'],
  Plain: ['... on Plain', '... on Named', '...'],
  Rich: ['... on Rich', '... on Named', '...'],
  Item: ['... on Item', '...'],
  Any: ['... on Plain', '... on Rich', '... on Item', '... on Named'],
}
const DECLARED = `
  fragment Common on Named { __typename n: required }
  fragment Deep on Rich { plain { color ...Common } deepItems: items { label rich @skip(if: $no) { names ...Common } } }
`

function selectionOf(type: string, random: Random, depth: number): string {
  const fields = [...(type === 'Plain' || type === 'Rich' ? (FIELDS.Named ?? []) : []), ...(FIELDS[type] ?? [])]
  const usable = depth > 0 ? fields : fields.filter(([, inner]) => !inner)
  const one = (): string => {
    const directive = random.pick(DIRECTIVES)
    if (FRAGMENTS[type] && random.chance(0.25)) {
      if (type !== 'Item' && random.chance(0.3)) return type === 'Rich' || type === 'Any' ? '...Deep' : '...Common'
      const fragment = random.pick(FRAGMENTS[type])
      return `${fragment}${directive} ${selectionOf(/on (\w+)/.exec(fragment)?.[1] ?? type, random, depth - 1)}`
    }
    const [text, inner] = random.pick(usable.length > 0 ? usable : [['__typename'] as [string]])
    const alias = random.chance(0.2) ? `${random.pick(['a', 'b', '__proto__'])}: ` : ''
    return `${alias}${text}${directive}${inner ? ` ${selectionOf(inner, random, depth - 1)}` : ''}`
  }
  return `{ ${Array.from({ length: 1 + random.below(4) }, one).join(' ')} }`
}

function operationOf(seed: number): string {
  const random = createRandom(seed)
  const kind = random.pick(['query', 'mutation'])
  const selection = selectionOf(kind, random, 5)
  const fragments = selection.includes('...Deep') ? DECLARED : selection.includes('...Common') ? COMMON : ''
  const used = VARIABLES.filter((declared) => (selection + fragments).includes(declared.split(':')[0] ?? ''))
  return `${kind} ${used.length > 0 ? `(${used.join(', ')})` : ''} ${selection} ${fragments}`
}
const VARIABLES = ['$by: Int = 4', '$yes: Boolean! = true', '$no: Boolean! = false']
const COMMON = DECLARED.split('\n')[1] ?? ''

const drawn = fc.record({
  seed: fc.nat(),
  variables: fc.record(
    { by: fc.constantFrom(null, 0, 7, 'x', 1.5), yes: fc.constantFrom(true, false, null, 'x'), no: fc.boolean() },
    { requiredKeys: [] },
  ),
})

/** What the server's own mistakes are called is not compared: clients see another message. */
const messageOf = ({ message }: Error) =>
  /^Abstract type|is no possible type|^Expected `|^Runtime Object type/.test(message)
    ? 'a mistake of a resolver'
    : message

/** Returns the place that is null because of an error: its own, or that of an object around it. */
function nulledPlace(data: unknown, path: readonly (string | number)[]): (string | number)[] {
  let value = data
  for (const [depth, key] of path.entries()) {
    if (value === null || value === undefined) return path.slice(0, depth)
    value = (value as Record<string | number, unknown>)[key]
  }
  return [...path]
}

const comparable = ({ data, errors = [] }: ExecutionResult) => ({
  data: JSON.stringify(data),
  // Invalid variables are told in words of our own.
  errors:
    data === undefined
      ? errors.length > 0
      : [
          ...new Set(
            errors.map((error) => {
              const place = nulledPlace(data, error.path ?? [])
              // Which of several errors is told first for an object around them depends on timing.
              const isOwn = place.length === error.path?.length
              return JSON.stringify(isOwn ? { ...error.toJSON(), message: messageOf(error) } : place)
            }),
          ),
        ].sort(),
})

test('answers and errors are those of graphql-js', { timeout }, async () => {
  const schema = makeSchema()
  const prepare = createPrepare(schema, { documents: { tokens: 50_000 } })
  let compared = 0
  await check(draws(1_000), drawn, SEED, async ({ seed, variables }) => {
    const text = operationOf(seed)
    const prepared = prepare(text)
    // Fields of two types can conflict.
    if ('errors' in prepared) return
    const contextValue: Behavior = { seed }
    const { planner, document } = prepared
    // The second run uses the plan of the first.
    const first = await executePlanned({ planner, variables, contextValue })
    const second = await executePlanned({ planner, variables, contextValue })
    const expected = await execute({ schema, document, variableValues: variables, contextValue })
    expect(comparable(first), text).toEqual(comparable(expected))
    expect(comparable(second), text).toEqual(comparable(expected))
    compared++
  })
  expect(compared).toBeGreaterThan(draws(1_000) / 3)
})

test('introspection is that of graphql-js', async () => {
  const schema = makeSchema()
  const text =
    '{ __schema { types { name kind fields(includeDeprecated: true) { name type { name ofType { name } } args { name defaultValue } } possibleTypes { name } } } __type(name: "Rich") { name } __typename }'
  const prepared = createPrepare(schema, { documents: { tokens: 50_000 } })(text)
  if ('errors' in prepared) throw new Error('invalid')
  const result = await executePlanned({ planner: prepared.planner, variables: {}, contextValue: {} })
  expect(comparable(result)).toEqual(comparable(await execute({ schema, document: prepared.document })))
})
