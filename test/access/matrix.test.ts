import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { schema } from '../../src/app/schema.ts'
import { type OwnServer, ownServer } from '../support/server.ts'
import { inBatches } from './batches.ts'
import { makeWorlds } from './cast.ts'
import { type Cell, disagreements, foreignAddress, steady, wrongCells } from './cells.ts'
import { type Answer, type Ask, type Door, openDoors, rootFields, type Variables } from './doors.ts'
import { eventName, isAmong } from './events.ts'
import { leak } from './leaks.ts'
import { type Row, rows, rowsOf } from './matrix.ts'
import { describePersona, PERSONAS, type Persona, personas } from './personas.ts'
import type { Recipe, Seen } from './recipe.ts'
import { recipes } from './recipes.ts'
import { inTurn } from './rotation.ts'
import { tracesOf } from './traces.ts'
import type { World } from './world.ts'

let server: OwnServer
let doors: Awaited<ReturnType<typeof openDoors>>
/** One world per persona. While queries run, the database contains nothing else. */
let worlds: World[]

beforeAll(async () => {
  // Without background work, nobody is notified of what the tests do.
  server = await ownServer({ RATE_LIMIT: 'off', WS_MAX_SOCKETS_PER_USER: '1000', BACKGROUND_WORK: 'off' })
  doors = await openDoors(server, schema)
  worlds = await makeWorlds(server, personas)
})
afterAll(() => server?.close())

const recipeOf = (row: Row): Recipe => recipes[row.name] ?? {}

/** Returns the doors that accept the variables of a row, limited to those its recipe names. */
function doorsOf(row: Row): Door[] {
  const { protocols, variables = () => ({}) } = recipeOf(row)
  const asked = variables(worlds[0]!)
  const open = (doors.get(row.field) ?? []).filter((door) => door.takes(asked))
  return protocols ? open.filter(({ name }) => protocols.includes(name)) : open
}

/** Returns the doors that a persona takes in a row. Personas of equal outcome take turns. */
function doorsFor(row: Row, persona: Persona): readonly Door[] {
  const alike = personas.filter((one) => row.expected[one] === row.expected[persona])
  return inTurn(doorsOf(row), rows.indexOf(row) + alike.indexOf(persona))
}

describe('the access matrix', () => {
  const fields = rootFields(schema).map((field) => field.name)

  test('has a row for each field of Query, Mutation and Subscription', () => {
    const missing = fields.filter((name) => !rows.some((row) => row.field === name))
    expect(missing, 'add rows for these fields to the file of the noun in test/access/nouns').toEqual([])
  })

  test('has no row for an unknown field', () => {
    const stale = rows.filter((row) => !fields.includes(row.field)).map((row) => row.name)
    expect(stale, 'remove these rows from TABLE in test/access/matrix.ts').toEqual([])
  })

  test('has no duplicate rows', () => {
    expect(rows.map((row) => row.name)).toEqual([...new Set(rows.map((row) => row.name))])
  })

  test('has exactly one recipe per row', () => {
    const missing = rows.map((row) => row.name).filter((name) => !recipes[name])
    expect(missing, 'add these recipes to the file of the noun in test/access/nouns').toEqual([])
    const stale = Object.keys(recipes).filter((name) => !rows.some((row) => row.name === name))
    expect(stale, 'remove these recipes from test/access/recipes.ts').toEqual([])
  })

  test('covers every protocol and REST alias of every operation', () => {
    const untried = [...doors].flatMap(([field, open]) => {
      const tried = rows.filter((row) => row.field === field).flatMap((row) => doorsOf(row).map(({ name }) => name))
      return open.filter(({ name }) => !tried.includes(name)).map(({ name }) => `${field}: ${name}`)
    })
    expect(untried, 'the recipes do not cover these doors').toEqual([])
  })

  test('states the visible set of each list', () => {
    const typeOf = (name: string) => String(rootFields(schema).find((field) => field.name === name)?.field.type)
    const vague = rowsOf('Query').filter((row) => /Connection|\[/.test(typeOf(row.field)) && !recipeOf(row).sees)
    expect(
      vague.map((row) => row.name),
      'add `sees` to its recipe',
    ).toEqual([])
  })
})

describe('a query', () => {
  const pages = ({ field }: Row) =>
    rootFields(schema).some(({ name, field: { args } }) => name === field && args.some((arg) => arg.name === 'first'))

  /** Reads all pages of a list into one answer. Returns any other result unchanged. */
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

  /** Returns the items of a list with or without pages. */
  const nodesOf = (data: Answer['data']): { id?: string; type: string; subjectId: string }[] | undefined =>
    // `nodes` has null for what is hidden.
    Array.isArray(data) ? data.filter((node) => node !== null) : data?.nodes

  async function expectedNames(seen: Seen): Promise<string[]> {
    if ('ids' in seen) return [...seen.ids].sort()
    const events = await server.db.event.findMany({ where: { projectId: { in: seen.eventsOf } } })
    return events
      .filter((event) => isAmong(seen, event))
      .map(eventName)
      .sort()
  }

  test.each(rowsOf('Query'))('$name', async (row) => {
    const { variables = () => ({}), is, sees } = recipeOf(row)
    const paged = pages(row) ? { first: 100 } : {}
    const cells = await inBatches(
      worlds.flatMap((world) => doorsFor(row, world.persona).map((door) => ({ world, door }))),
      async ({ world, door }): Promise<Cell> => {
        const { persona } = world
        const answer = await askAll(door.ask, { ...variables(world), ...paged }, world)
        return { door: door.name, persona, world, expected: row.expected[persona], answer }
      },
    )
    const names = new Map<World, string[]>()
    if (sees) for (const world of worlds) names.set(world, await expectedNames(sees(world, worlds)))
    const wrong = wrongCells(cells, ({ expected, answer: { data }, world }) => {
      if (expected !== 'OK') return undefined
      if (is && data?.id !== is(world)) return `returned ${data?.id} instead of ${is(world)}`
      const seen = nodesOf(data)?.map((node) => node.id ?? eventName(node))
      if (sees && seen?.sort().join() !== names.get(world)?.join()) return `listed ${seen}, not ${names.get(world)}`
      return foreignAddress(data, world) ?? leak(data, world, worlds)
    })
    expect(wrong).toBe('')
    expect(disagreements(cells)).toEqual([])
    for (const world of worlds) {
      const [first, ...others] = cells.filter((cell) => cell.world === world).map(({ answer }) => answer.data)
      for (const other of others) expect(unordered(other), PERSONAS[world.persona].who).toEqual(unordered(first))
    }
  })

  /** Ignores what changes between requests, and the order of items of equal age. */
  function unordered(data: Answer['data']): unknown {
    const texts = nodesOf(data)?.map((node) => JSON.stringify(steady(node)))
    return texts?.sort() ?? steady(data)
  }
})

describe('a mutation', () => {
  /** An invalid credential closes a websocket before it can run a public operation. */
  const isShut = (row: Row, persona: Persona, { name }: Door) =>
    name === 'websocket' && row.expected.anon === 'OK' && describePersona(persona).disabled === true

  /** Worlds of refused personas. Nothing may change in them, so all doors of all rows share them. */
  const unchanged = new Map<Persona, World>()
  /** Traces of each world when it was made. */
  const before = new Map<World, string>()

  /** Gives each allowed persona its own world at each door, so that cells are independent. */
  async function planCells(row: Row): Promise<{ door: Door; world: World }[]> {
    const cells = personas
      .flatMap((persona) => doorsFor(row, persona).map((door) => ({ persona, door })))
      .filter(({ persona, door }) => !isShut(row, persona, door))
    const isRefused = (persona: Persona) => row.expected[persona] !== 'OK'
    const allowed = cells.filter(({ persona }) => !isRefused(persona)).map(({ persona }) => persona)
    const missing = personas.filter((persona) => isRefused(persona) && !unchanged.has(persona))
    const made = await makeWorlds(server, [...allowed, ...missing])
    for (const world of made.splice(allowed.length)) unchanged.set(world.persona, world)
    return cells.map(({ persona, door }) => ({
      door,
      world: (isRefused(persona) ? unchanged.get(persona) : made.shift())!,
    }))
  }

  test.each(rowsOf('Mutation'))('$name', async (row) => {
    const { variables = () => ({}), traceless, changes = () => true } = recipeOf(row)
    const planned = await planCells(row)
    const asking = [...new Set(planned.map(({ world }) => world))]
    const made = asking.filter((world) => !before.has(world))
    for (const [world, traces] of await tracesOf(server.db, made)) before.set(world, traces)
    const cells = await inBatches(planned, async ({ door, world }): Promise<Cell> => {
      const answer = await door.ask(variables(world), world.credential)
      return { door: door.name, persona: world.persona, world, expected: row.expected[world.persona], answer }
    })
    const after = await tracesOf(server.db, asking)
    const isChanged = (world: World) => after.has(world) && before.get(world) !== after.get(world)
    for (const [persona, world] of unchanged) if (isChanged(world)) unchanged.delete(persona)
    const wrong = wrongCells(cells, ({ expected, world }) => {
      const changed = isChanged(world)
      if (expected !== 'OK' || !changes(world)) return changed ? 'had an effect although nothing may change' : undefined
      return changed || traceless ? undefined : 'reported success but changed nothing'
    })
    expect(wrong).toBe('')
    expect(disagreements(cells)).toEqual([])
  })
})
