import type { Random } from '../../support/random.ts'

/** A request that is meant to keep the server busy, or to make a large answer. */
export interface Hostile {
  kind: string
  query: string
  variables?: Record<string, unknown>
}

/** Repeats a text, with its index. */
export const repeat = (count: number, make: (index: number) => string, separator = ' ') =>
  Array.from({ length: count }, (_, index) => make(index)).join(separator)

const LEAVES = ['id', 'key', 'title', 'description', 'status', 'priority', 'createdAt', 'version']
const LISTS = ['assignees', 'labels', 'relations', 'relations(first: 1000)']
const ONE = ['project', 'creator', 'parent']

/** A selection of a task: lists in lists, with aliases, directives and fragments in between. */
function ofTask(random: Random, depth: number): string {
  const parts = [random.pick(LEAVES), random.pick(LEAVES)]
  for (let count = random.below(4); depth > 0 && count > 0; count--) {
    const alias = random.chance(0.5) ? `a${random.below(1_000)}: ` : ''
    const directive = random.chance(0.2) ? ' @include(if: true)'.repeat(1 + random.below(3)) : ''
    const list = random.pick([...LISTS, ...ONE])
    const inner = list.startsWith('relations')
      ? `id relatedTask { ${ofTask(random, depth - 1)} }`
      : list === 'parent'
        ? ofTask(random, depth - 1)
        : 'id name'
    parts.push(`${alias}${list}${directive} { ${inner} }`)
  }
  return random.chance(0.2) ? `... on Task { ${parts.join(' ')} }` : parts.join(' ')
}

/** Any JSON value: deep, wide or long. */
export function oddValue(random: Random): unknown {
  const size = 10 ** (1 + random.below(4)) * 5
  return random.pick<() => unknown>([
    () => 'x'.repeat(size * 10),
    () => Object.fromEntries(Array.from({ length: size }, (_, index) => [`field${index}`, index])),
    () => Array.from({ length: size }, (_, index) => index),
    () => Array.from({ length: size }, () => ({ priority: { gte: 'x' } })),
    () => Array.from({ length: random.below(1_500) }).reduce<unknown>((inner) => [inner], 1),
    () => Array.from({ length: random.below(700) }).reduce<unknown>((inner) => ({ and: [inner] }), {}),
    () => JSON.parse('{"__proto__": {"constructor": 1}, "toString": null}'),
    () => 1e308,
    () => null,
    () => '\u0001'.repeat(size),
  ])()
}

/** Each draws documents of one kind. */
const KINDS: Record<string, (random: Random) => Omit<Hostile, 'kind'>> = {
  'lists × lists': (random) => ({
    query: `{ tasks(first: ${random.pick([1, 20, 100])}) { nodes { ${ofTask(random, 4)} } } }`,
  }),
  'relations²': (random) => ({
    query: `{ tasks(first: ${random.pick([1, 10, 100])}) { nodes { ${random.pick([
      'relations { relatedTask { relations { relatedTask { description } } } }',
      'relations { relatedTask { description title relations(first: 5) { id type relatedTask { id description } } } }',
      'relations(first: 1000) { id }',
      'relations(first: 30) { relatedTask { id description relations(first: 30) { id } } }',
    ])} } } }`,
  }),
  'many aliases': (random) => ({
    query: `{ ${repeat(random.pick([20, 99, 250, 1_200]), (index) => `a${index}: ${random.pick(['me { id }', 'tasks(first: 100) { nodes { id title } }', 'eventCursor', '__typename'])}`)} }`,
  }),
  'repeated fields': (random) => {
    const count = random.pick([50, 150, 300, 1_200])
    const field = random.pick(['me { id }', 'me { id name email }', 'me { ... on User { id } }', 'eventCursor'])
    return { query: `{ ${field.repeat(count)} }` }
  },
  fragments: (random) => {
    const count = 2 + random.below(random.pick([10, 50, 98]))
    const spreads = (from: number) =>
      repeat(1 + random.below(4), () => `...F${Math.min(from + 1 + random.below(count - from), count - 1)}`)
    const bodies = repeat(
      count,
      (index) => `fragment F${index} on Task { id parent { id } ${index < count - 1 ? spreads(index) : ''} }`,
    )
    const doubling = repeat(
      count,
      (index) =>
        `fragment F${index} on Task { a: parent { id ${index < count - 1 ? `...F${index + 1}` : ''} } b: parent { id ${index < count - 1 ? `...F${index + 1}` : ''} } }`,
    )
    return { query: `{ tasks(first: 1) { nodes { ...F0 } } } ${random.pick([bodies, doubling])}` }
  },
  'fragments of each operation': (random) => {
    const count = 5 + random.below(45)
    return {
      query: `${repeat(count, (index) => `query Q${index}($id: ID!) { ...F${index} }`)} ${repeat(count, (index) => `fragment F${index} on Query { task(id: $id) { id } ${index > 0 ? `...F${index - 1}` : ''} }`)}`,
    }
  },
  directives: (random) => ({
    query: `{ me { id ${repeat(random.pick([10, 500, 1_500]), (index) => random.pick(['@skip(if: false)', `@unknown${index}`, '@include(if: true)']))} } }`,
  }),
  nesting: (random) => {
    const depth = random.pick([10, 45, 60, 140, 400, 2_400])
    return random.pick([
      { query: `{ tasks { nodes ${'{ parent '.repeat(depth)} { id } ${'}'.repeat(depth)} } }` },
      { query: `{ tasks(first: ${'['.repeat(depth)}1${']'.repeat(depth)}) { totalCount } }` },
      { query: `{ tasks(filter: ${'{and: '.repeat(depth)}{}${'}'.repeat(depth)}) { totalCount } }` },
      { query: `query ($v: ${'['.repeat(depth)}Int${']'.repeat(depth)}) { tasks(first: $v) { totalCount } }` },
      { query: `{${'... on Query {'.repeat(depth)} me { id } ${'}'.repeat(depth)}}` },
      { query: '{'.repeat(depth) },
    ])
  },
  introspection: (random) => ({
    query: random.pick([
      '{ __schema { types { name fields(includeDeprecated: true) { name args { name type { name ofType { name } } } type { name fields { name type { name } } } } } } }',
      '{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }',
      '{ __schema { types { possibleTypes { name } interfaces { name } inputFields { name type { inputFields { name type { name } } } } } } }',
      `{ ${repeat(random.pick([2, 10, 200]), (index) => `a${index}: __schema { types { name } }`)} }`,
      `{ ${repeat(random.pick([2, 10, 200]), (index) => `a${index}: __type(name: "Task") { fields { name type { fields { name } } } }`)} }`,
    ]),
  }),
  'long names and values': (random) => {
    const long = 'x'.repeat(random.pick([500, 10_000, 60_000, 500_000]))
    return random.pick([
      { query: `{ ${long} }` },
      { query: `{ me { ${long} } }` },
      { query: `{ task(id: "${long}") { id } }` },
      { query: `{ task(${long}: 1) { id } }` },
      { query: `query ${long} { me { id } }` },
      { query: `{ me { id @${long} } }` },
      { query: `{ me { ...${long} } }` },
      { query: `{ tasks(first: ${long.replaceAll('x', '9')}) { totalCount } }` },
      { query: `{ tasks(filter: {status: [${long}]}) { totalCount } }` },
      { query: `{ tasks(filter: {dueAt: {gte: "${long}"}}) { totalCount } }` },
      { query: `{ me { id } } #${long}` },
      { query: `${long} { me { id } }` },
      { query: 'query ($id: ID!) { task(id: $id) { id } }', variables: { id: long } },
      { query: 'query ($key: String!) { events(types: [$key]) { nodes { type } } }', variables: { key: long } },
      {
        query: 'mutation ($title: String!) { createTask(input: {title: $title}) { id } }',
        variables: { title: long.repeat(2) },
      },
    ])
  },
  'unknown names': (random) => {
    const count = random.pick([10, 500, 1_200])
    return random.pick([
      { query: `{ ${repeat(count, (index) => `taskz${index}`)} }` },
      { query: `{ tasks(${repeat(count, (index) => `firzt${index}: 1`)}) { totalCount } }` },
      { query: `{ tasks(filter: {${repeat(count, (index) => `priorit${index}: 1`)}}) { totalCount } }` },
      { query: `{ tasks(filter: {status: [${repeat(count, (index) => `PENDIN${index}`)}]}) { totalCount } }` },
      { query: `query (${repeat(count, (index) => `$v${index}: Int`)}) { me { id } }` },
      { query: `query (${repeat(count, (index) => `$v${index}: Nonsense${index}`)}) { me { id } }` },
      { query: `query (${repeat(count, () => '$v: Int')}) { me { id } }` },
    ])
  },
  variables: (random) => ({
    query: random.pick([
      'query ($v: TaskFilter) { tasks(filter: $v) { totalCount } }',
      'query ($v: [TaskOrder!]) { tasks(orderBy: $v) { totalCount } }',
      'query ($v: Int) { tasks(first: $v) { totalCount } }',
      'query ($v: ID!) { task(id: $v) { id } }',
      'query ($v: [ID!]) { tasks(filter: {assigneeId: {in: $v}}) { totalCount } }',
      'mutation ($v: CreateTaskInput!) { createTask(input: $v) { id } }',
      'mutation ($v: BulkCreateTasksInput!) { bulkCreateTasks(input: $v) { failed } }',
    ]),
    variables: { v: oddValue(random), other: oddValue(random) },
  }),
  'odd text': (random) => ({
    query: random.pick([
      '"'.repeat(60_000),
      '"\\'.repeat(30_000),
      '""" \\"""'.repeat(7_000),
      '#\n'.repeat(30_000),
      ','.repeat(65_000),
      '{a'.repeat(100),
      `{ task(id: "${'\\u0041'.repeat(10_000)}") { id } }`,
      `{ task(id: """${'\n  a'.repeat(15_000)}""") { id } }`,
      '\u{1f4a3}'.repeat(16_000),
      '{ me { id } } '.repeat(300),
      'fragment F on User { ...F } { me { ...F } }',
      '',
    ]),
  }),
}

const NAMES = Object.keys(KINDS)

export function drawDocument(random: Random): Hostile {
  const kind = random.pick(NAMES)
  return { kind, ...(KINDS[kind]?.(random) ?? { query: '' }) }
}
