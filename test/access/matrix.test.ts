import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { schema } from '../../src/schema.ts'
import { type TestServer, testServer } from '../support/server.ts'
import { inBatches } from './batches.ts'
import { makeWorlds, type World } from './cast.ts'
import { type Cell, disagreements, foreignAddress, wrongCells } from './cells.ts'
import { type Answer, type Ask, openDoors, PROTOCOLS, type Protocol, rootFields, type Variables } from './doors.ts'
import { PERSONAS, personas, type Row, rows, rowsOf } from './matrix.ts'
import { type Recipe, recipes, type Seen } from './recipes.ts'
import { tracesOf } from './traces.ts'

let server: TestServer
let doors: Awaited<ReturnType<typeof openDoors>>

beforeAll(async () => {
  server = await testServer({ RATE_LIMIT: 'off', WS_MAX_SOCKETS_PER_USER: '1000' })
  doors = await openDoors(server, schema)
})
afterAll(() => server?.close())

const recipeOf = (row: Row): Recipe => recipes[row.name] ?? {}

/** The doors a row is tried at: all that its operation has, unless its recipe names some of them. */
function doorsOf(row: Row): [Protocol, Ask][] {
  const { protocols = PROTOCOLS } = recipeOf(row)
  const open = doors.get(row.field) ?? {}
  return protocols.flatMap((protocol): [Protocol, Ask][] => (open[protocol] ? [[protocol, open[protocol]]] : []))
}

describe('the table', () => {
  const fields = rootFields(schema).map((field) => field.name)

  test('has a row for each field of Query, Mutation and Subscription', () => {
    const missing = fields.filter((name) => !rows.some((row) => row.field === name))
    expect(missing, 'add to TABLE in test/access/matrix.ts who may do this').toEqual([])
  })

  test('has no row for what is no field', () => {
    const stale = rows.filter((row) => !fields.includes(row.field)).map((row) => row.name)
    expect(stale, 'take these rows out of TABLE in test/access/matrix.ts').toEqual([])
  })

  test('has no row twice', () => {
    expect(rows.map((row) => row.name)).toEqual([...new Set(rows.map((row) => row.name))])
  })

  test('has a recipe for each row, and none beyond', () => {
    const missing = rows.map((row) => row.name).filter((name) => !recipes[name])
    expect(missing, 'add to test/access/recipes.ts how to ask this').toEqual([])
    const stale = Object.keys(recipes).filter((name) => !rows.some((row) => row.name === name))
    expect(stale, 'take these out of test/access/recipes.ts').toEqual([])
  })

  test('leaves no protocol of any operation untried', () => {
    const untried = [...doors].flatMap(([field, open]) => {
      const tried = rows
        .filter((row) => row.field === field)
        .flatMap((row) => doorsOf(row).map(([protocol]) => protocol))
      return Object.keys(open)
        .filter((protocol) => !tried.includes(protocol as Protocol))
        .map((one) => `${field}: ${one}`)
    })
    expect(untried, 'the protocols of these recipes leave a door out').toEqual([])
  })

  test('says of each list what is seen of it', () => {
    const typeOf = (name: string) => String(rootFields(schema).find((field) => field.name === name)?.field.type)
    const vague = rowsOf('Query').filter((row) => typeOf(row.field).includes('Connection') && !recipeOf(row).sees)
    expect(
      vague.map((row) => row.name),
      'add `sees` to its recipe',
    ).toEqual([])
  })
})

describe('a query', () => {
  let worlds: World[]

  beforeAll(async () => {
    worlds = await makeWorlds(server, personas)
  })

  /** All pages of a list as one answer; anything else as it is. */
  async function askAll(ask: Ask, variables: Variables, world: World): Promise<Answer> {
    const answer = await ask(variables, world.credential)
    let page = answer.data
    while (page?.pageInfo?.hasNextPage) {
      const next = await ask({ ...variables, after: page.pageInfo.endCursor }, world.credential)
      if (next.code !== 'OK') return next
      answer.data.nodes.push(...next.data.nodes)
      page = next.data
    }
    return answer
  }

  const eventName = ({ type, subjectId }: { type: string; subjectId: string }) => `${type} ${subjectId}`

  async function expectedNames(seen: Seen): Promise<string[]> {
    if ('ids' in seen) return [...seen.ids].sort()
    const { eventsOf, tasksOnly } = seen
    const events = await server.db.event.findMany({
      where: { projectId: { in: eventsOf }, ...(tasksOnly && { type: { startsWith: 'task.' } }) },
    })
    return events.map(eventName).sort()
  }

  test.each(rowsOf('Query'))('$name', async (row) => {
    const { variables = () => ({}), is, sees } = recipeOf(row)
    const paged = sees ? { first: 100 } : {}
    const cells = await inBatches(
      worlds.flatMap((world) => doorsOf(row).map(([protocol, ask]) => ({ world, protocol, ask }))),
      async ({ world, protocol, ask }): Promise<Cell> => {
        const { persona } = world
        const answer = await askAll(ask, { ...variables(world), ...paged }, world)
        return { door: protocol, persona, world, expected: row.expected[persona], answer }
      },
    )
    const names = new Map<World, string[]>()
    if (sees) for (const world of worlds) names.set(world, await expectedNames(sees(world, worlds)))
    const wrong = wrongCells(cells, ({ expected, answer: { data }, world }) => {
      if (expected !== 'OK') return undefined
      if (is && data?.id !== is(world)) return `saw ${data?.id}, not ${is(world)}`
      const seen = data?.nodes?.map(
        (node: { id?: string; type: string; subjectId: string }) => node.id ?? eventName(node),
      )
      if (sees && seen.sort().join() !== names.get(world)?.join()) return `saw ${seen}, not ${names.get(world)}`
      return foreignAddress(data, world)
    })
    expect(wrong).toBe('')
    expect(disagreements(cells)).toEqual([])
    for (const world of worlds) {
      const [first, ...others] = cells.filter((cell) => cell.world === world).map(({ answer }) => answer.data)
      for (const other of others) expect(unordered(other), PERSONAS[world.persona].who).toEqual(unordered(first))
    }
  })

  /** Times of use may move between two answers, and what is as old stands in any order. */
  function unordered(data: Answer['data']): unknown {
    if (!Array.isArray(data?.nodes)) return data
    const texts = data.nodes.map((node: object) => JSON.stringify({ ...node, lastUsedAt: null }))
    return texts.sort()
  }
})

describe('a mutation', () => {
  const worldsOf = new Map<string, { protocol: Protocol; ask: Ask; world: World }[]>()

  // Each cell has a world of its own, so that none has to care what the others did.
  beforeAll(async () => {
    const cells = rowsOf('Mutation').flatMap((row) =>
      doorsOf(row).flatMap(([protocol, ask]) => personas.map((persona) => ({ row, protocol, ask, persona }))),
    )
    const worlds = await makeWorlds(
      server,
      cells.map((cell) => cell.persona),
    )
    cells.forEach(({ row, protocol, ask }, index) => {
      const list = worldsOf.get(row.name) ?? []
      worldsOf.set(row.name, list)
      list.push({ protocol, ask, world: worlds[index]! })
    })
  })

  test.each(rowsOf('Mutation'))('$name', async (row) => {
    const { variables = () => ({}), traceless } = recipeOf(row)
    const planned = worldsOf.get(row.name) ?? []
    const worlds = planned.map(({ world }) => world)
    const before = await tracesOf(server.db, worlds)
    const cells = await inBatches(planned, async ({ protocol, ask, world }): Promise<Cell> => {
      const answer = await ask(variables(world), world.credential)
      return { door: protocol, persona: world.persona, world, expected: row.expected[world.persona], answer }
    })
    const after = await tracesOf(server.db, worlds)
    const wrong = wrongCells(cells, ({ expected, world }) => {
      const changed = before.get(world) !== after.get(world)
      if (expected !== 'OK') return changed ? 'was refused and had its effect all the same' : undefined
      return changed || traceless ? undefined : 'was told that it is done, and nothing was'
    })
    expect(wrong).toBe('')
    expect(disagreements(cells)).toEqual([])
  })
})
