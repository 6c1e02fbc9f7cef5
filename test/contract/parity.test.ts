import { beforeAll, describe, expect, test } from 'vitest'
import { schema } from '../../src/app/schema.ts'
import { deriveRoutes } from '../../src/gateway/rest/routes.ts'
import { restView } from '../../src/gateway/rest/view.ts'
import { makeWorlds } from '../access/cast.ts'
import { steady } from '../access/cells.ts'
import { type Answer, type Door, openDoors, rootFields, type Variables } from '../access/doors.ts'
import { type Row, rows } from '../access/matrix.ts'
import { type Persona, personas } from '../access/personas.ts'
import { PROBES } from '../access/probes.ts'
import { recipes } from '../access/recipes.ts'
import { tracesOf } from '../access/traces.ts'
import type { World } from '../access/world.ts'
import { sharedServer, type TestServer } from '../support/server.ts'
import { refusalIn, rowsWithoutOwn, withoutOwn } from './parity.ts'
import { INVALID } from './parity-invalid.ts'

/** Runs every shared operation over GraphQL and REST. Results and errors must be the same. */

const operations = rootFields(schema).filter(({ kind }) => kind !== 'subscription')
const exempt = (root: (typeof operations)[number]) =>
  (root.field.extensions.rest as { none?: string } | undefined)?.none
const shared = operations.filter((root) => exempt(root) === undefined)
const sharedRows = rows.filter((row) => shared.some(({ name }) => name === row.field))

let server: TestServer
let doors: Awaited<ReturnType<typeof openDoors>>
let worlds: World[]

beforeAll(async () => {
  server = await sharedServer()
  doors = await openDoors(server, schema)
  worlds = await makeWorlds(server, personas)
})

const worldOf = (persona: Persona) => worlds.find((world) => world.persona === persona)!

/** Picks a persona with access: the owner, or an ADMIN if only an ADMIN is allowed. */
const allowed = ({ expected }: Pick<Row, 'expected'>): Persona => (expected.ownr === 'OK' ? 'ownr' : 'admn')

/** An invalid id. Rejected in an input; in the path of a REST alias it is just an unknown path. */
const NO_ID = 'no id'

/** Returns the GraphQL door, then every REST path that takes these variables. */
function doorsFor(field: string, variables: Variables): [Door, ...Door[]] {
  const [graphql, ...others] = (doors.get(field) ?? []).filter(({ name }) => name !== 'websocket')
  const inPath = !JSON.stringify(variables).includes(NO_ID)
  const rest = others.filter((door) => door.name === 'REST' || (inPath && door.takes(variables)))
  if (!graphql || rest.length === 0) throw new Error(`${field} has not both protocols`)
  return [graphql, ...rest]
}

/** Sends a request that changes nothing to all doors at once. */
async function askAll(field: string, variables: Variables, { credential }: World): Promise<[Answer, ...Answer[]]> {
  const asking = doorsFor(field, variables).map((door) => door.ask(variables, credential))
  return (await Promise.all(asking)) as [Answer, ...Answer[]]
}

/** Checks that all errors are the same and returns that error. */
function sameRefusal([first, ...others]: readonly [Answer, ...Answer[]]): ReturnType<typeof refusalIn> {
  for (const other of others) {
    expect.soft(refusalIn(other), `${first.exchange}\n${other.exchange}`).toEqual(refusalIn(first))
  }
  return refusalIn(first)
}

/** Converts a list to its REST form, which omits null values in the envelope. */
function inRest(data: Answer['data']): unknown {
  return data?.nodes ? Object.fromEntries(Object.entries(data).filter(([, value]) => value !== null)) : data
}

const isDone = (row: Row) => row.expected[allowed(row)] === 'OK'

describe('the operations', () => {
  test('all have a REST route or a reason for having none', async () => {
    const routed = new Set((await deriveRoutes(restView(schema))).map(({ fieldName }) => fieldName))
    const missing = shared.filter(({ field }) => !routed.has(field.name)).map(({ name }) => name)
    expect(missing, 'neither a route nor `rest: { none: … }`').toEqual([])
    const reasons = operations.filter(exempt).map((root) => [root.name, exempt(root)])
    const names = ['Query.node', 'Query.nodes', 'Mutation.renewConnection']
    expect(reasons).toEqual(names.map((name) => [name, expect.stringMatching(/.{20}/)]))
  })

  test('are all compared by the tests below', () => {
    const asked = new Set(sharedRows.filter(isDone).map((row) => row.field))
    const unasked = shared.filter(({ name }) => !asked.has(name)).map(({ name }) => name)
    expect(unasked, 'add a successful row to the file of the noun in test/access/nouns').toEqual([])
    const untried = shared.filter(({ name, field }) => field.args.length > 0 && !INVALID[name])
    expect(
      untried.map(({ name }) => name),
      'add invalid input to the file of the noun in test/access/nouns',
    ).toEqual([])
    const stale = Object.keys(INVALID).filter((name) => !shared.some((root) => root.name === name))
    expect(stale, 'remove these from test/contract/parity-invalid.ts').toEqual([])
  })
})

describe('a successful read is the same over both protocols', () => {
  const done = sharedRows.filter((row) => row.field.startsWith('Query.') && isDone(row))

  test.each(done)('$name', async (row) => {
    const world = worldOf(allowed(row))
    const variables = recipes[row.name]?.variables?.(world) ?? {}
    const asked = [variables]
    const [whole] = await askAll(row.field, variables, world)
    const paged = shared.find(({ name }) => name === row.field)!.field.args.map(({ name }) => name)
    const cursor = whole.data?.pageInfo?.endCursor
    if (paged.includes('first')) asked.push({ ...variables, first: 1 })
    if (paged.includes('offset')) asked.push({ ...variables, first: 1, offset: 1 })
    if (cursor) asked.push({ ...variables, first: 1, after: cursor })
    if (cursor && paged.includes('last')) asked.push({ ...variables, last: 1, before: cursor })
    for (const one of asked) {
      const [first, ...others] = await askAll(row.field, one, world)
      expect(first.code, first.exchange).toBe('OK')
      for (const other of others) expect(steady(other.data), other.exchange).toEqual(steady(inRest(first.data)))
    }
  })
})

describe('a successful write is the same over both protocols', () => {
  const done = sharedRows.filter((row) => row.field.startsWith('Mutation.') && isDone(row))
  const variablesOf = (row: Row, world: World) => recipes[row.name]?.variables?.(world) ?? {}
  /** One world per row and door, all created together. */
  const own = new Map<Row, World[]>()

  beforeAll(async () => {
    const openTo = (row: Row) => doorsFor(row.field, variablesOf(row, worlds[0]!))
    const made = await makeWorlds(
      server,
      done.flatMap((row) => openTo(row).map(() => allowed(row))),
    )
    for (const row of done) own.set(row, made.splice(0, openTo(row).length))
  })

  test.each(done)('$name', async (row) => {
    const asking = own.get(row)!
    const answers: Answer[] = []
    for (const [index, door] of doorsFor(row.field, variablesOf(row, asking[0]!)).entries()) {
      answers.push(await door.ask(variablesOf(row, asking[index]!), asking[index]!.credential))
    }
    const traces = [...(await tracesOf(server.db, asking)).values()].map(rowsWithoutOwn)
    const [first, ...others] = answers
    for (const [index, other] of others.entries()) {
      const exchange = `${first!.exchange}\n${other.exchange}`
      expect([first!.code, other.code], exchange).toEqual(['OK', 'OK'])
      // A REST deletion has no response body.
      if (other.data === undefined) expect(other.exchange).toContain(' answered 204 ')
      else expect(withoutOwn(other.data), exchange).toEqual(withoutOwn(first!.data))
      expect(traces[index + 1], `${exchange}: the effects differ`).toEqual(traces[0])
    }
  })
})

describe('an access error is the same over both protocols', () => {
  test.each(sharedRows)('$name', async (row) => {
    for (const code of ['UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND'] as const) {
      const refused = personas.filter((one) => row.expected[one] === code)
      // One persona without the role, and one key without the scope.
      for (const persona of new Set([...refused.slice(0, 1), ...refused.slice(-1)])) {
        const world = worldOf(persona)
        const refusal = sameRefusal(await askAll(row.field, recipes[row.name]?.variables?.(world) ?? {}, world))
        expect(refusal.code, persona).toBe(code)
      }
    }
  })

  const probes = Object.keys(PROBES).filter((name) => shared.some((root) => name.startsWith(`${root.name} `)))

  test.each(probes)('%s: for an unknown or invalid id', async (name) => {
    const [field = ''] = name.split(' ')
    const persona = allowed(rows.find((row) => row.field === field)!)
    for (const id of ['01890000-0000-7000-8000-000000000000', NO_ID]) {
      const answers = await askAll(field, PROBES[name]!.variables(id, worldOf(persona)), worldOf(persona))
      const [first, ...others] = answers
      if (first.code !== 'OK') sameRefusal(answers)
      else for (const other of others) expect(withoutOwn(other.data)).toEqual(withoutOwn(inRest(first.data)))
    }
  })
})

describe('a validation error is the same over both protocols', () => {
  test.each(Object.keys(INVALID))('%s', async (field) => {
    const world = worldOf(allowed(rows.find((row) => row.name === field)!))
    for (const { variables, at, code = 'VALIDATION_FAILED' } of INVALID[field]!) {
      const asked = typeof variables === 'function' ? variables(world) : variables
      sameRefusal(await askAll(field, asked, worldOf('anon')))
      const answers = await askAll(field, asked, world)
      const refusal = sameRefusal(answers)
      const reported = { code: refusal.code, at: refusal.issues.map((issue) => issue.at).sort() }
      expect.soft(reported, answers[0].exchange).toEqual({ code, at: at.split(' ').filter(Boolean).sort() })
    }
  })
})
