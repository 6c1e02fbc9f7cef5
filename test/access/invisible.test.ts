import { createHook } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import { type GraphQLInputType, getNamedType, isInputObjectType } from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { schema } from '../../src/app/schema.ts'
import { type RunningServer, startServer } from '../../src/app/server.ts'
import { hashPassword } from '../../src/auth/passwords.ts'
import { readConfig } from '../../src/config.ts'
import { restStream } from '../../src/gateway/operation.ts'
import { deriveRoutes } from '../../src/gateway/rest/routes.ts'
import { restView } from '../../src/gateway/rest/view.ts'
import { isId } from '../../src/schema/rules.ts'
import { rest } from '../support/clients.ts'
import { onPostgres, testDatabase } from '../support/database.ts'
import { graphqlBody } from '../support/files.ts'
import { keepingLog, QUICK_TO_STOP } from '../support/server.ts'
import { OF_THE_SERVER, recordStatements, type StatementRecorder } from '../support/statements.ts'
import { makeWorlds, PASSWORD } from './cast.ts'
import { documentOf, fits, restRequest, rootFields, type Variables } from './doors.ts'
import { OPENED } from './hidings.ts'
import { personas } from './personas.ts'
import { PROBES } from './probes.ts'
import { inTurn } from './rotation.ts'
import type { World } from './world.ts'

let server: RunningServer
let recorder: StatementRecorder | undefined
let worlds: World[]
let routes: Awaited<ReturnType<typeof deriveRoutes>>
let close: () => Promise<void>

beforeAll(async () => {
  const { options, drop } = await testDatabase()
  recorder = options.url ? await recordStatements(options.url) : undefined
  const config = readConfig({
    PORT: '0',
    DATA_DIR: options.dataDir,
    JWT_SECRET: 'a secret for tests that is long enough',
    RATE_LIMIT: 'off',
    BACKGROUND_WORK: 'off',
    ...(recorder && { DATABASE_URL: recorder.url }),
  })
  server = await startServer(config, keepingLog(), undefined, QUICK_TO_STOP)
  close = async () => {
    await server.close()
    await recorder?.close()
    await drop()
  }
  worlds = await makeWorlds({ db: server.db, config }, [...personas, 'ownr'])
  routes = await deriveRoutes(restView(schema))
  // Makes the server read the events of the new worlds now, not in the middle of a request.
  await rest(server, 'GET /events/cursor', { token: worldOf('ownr').self.token })
})
afterAll(() => close?.())

const worldOf = (persona: World['persona']) => worlds.find((world) => world.persona === persona)!

/** The parts of a response that a client can compare, and the statements it cost. */
interface Trace {
  status: number
  headers: Record<string, string>
  body: string
  statements: string[]
}

/** Headers that differ per response, or depend on the body, which is compared separately. */
const ITS_OWN = ['date', 'x-request-id', 'server-timing', 'etag']

/** Runs one request and replaces the requested id in its response. */
async function trace(send: () => ReturnType<typeof rest>, asked: string): Promise<Trace> {
  const record = recorder ?? { during: async <T>(work: () => Promise<T>) => ({ result: await work(), statements: [] }) }
  const { result, statements } = await record.during(send)
  return {
    status: result.status,
    headers: Object.fromEntries([...result.headers].filter(([name]) => !ITS_OWN.includes(name))),
    body: result.text.replaceAll(asked, 'ASKED').replace(/"requestId":"[^"]+"/, '"requestId":"ITS OWN"'),
    // The server looks the viewer up again whenever its cache is not current.
    statements: statements.filter((sql) => !OF_THE_SERVER.test(sql)),
  }
}

const fields = new Map(rootFields(schema).map((root) => [root.name, root]))

const GRAPHQL = 'POST /../../graphql'

/** Sends an operation through each door that has a status and a body. */
const DOORS = {
  GraphQL: (field: string, variables: Variables, token: string) => {
    const root = fields.get(field)!
    const body = { query: documentOf(root), variables }
    const form = graphqlBody(body.query, variables)
    if (form instanceof FormData) return rest(server, GRAPHQL, { token, raw: form })
    if (root.kind === 'subscription') return openStream('POST /graphql', token, body)
    return rest(server, GRAPHQL, { token, body })
  },
  REST: (field: string, variables: Variables, token: string) => {
    const root = fields.get(field)!
    const stream = restStream(root.field)
    if (!stream) return overRoute(routes.find((one) => one.operationId === root.field.name)!, variables, token)
    const route = { method: 'GET', path: `/api/v1${stream.path}`, rest: {}, pathParameters: [], fills: {} } as const
    return openStream(restRequest(route, variables).call, token)
  },
}

/** Opens a stream. Returns the refusal, or a placeholder body if the stream opened. */
async function openStream(call: string, token: string, body?: object): ReturnType<typeof rest> {
  const [method = '', path = ''] = call.split(' ')
  const abort = new AbortController()
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: {
      accept: 'application/json, text/event-stream',
      authorization: `Bearer ${token}`,
      ...(body && { 'content-type': 'application/json' }),
    },
    body: body ? JSON.stringify(body) : null,
    signal: abort.signal,
  })
  const { status, headers } = response
  const opened = headers.get('content-type')?.startsWith('text/event-stream')
  const text = opened ? OPENED : await response.text()
  abort.abort()
  // Waits until the stream has read the log, which it does after opening.
  if (opened) await rest(server, 'GET /events/cursor', { token })
  return { status, headers, text, body: undefined }
}

function overRoute(route: Parameters<typeof restRequest>[0], variables: Variables, token: string) {
  const { call, body, raw, version } = restRequest(route, variables)
  const headers = { ...(version && { 'if-match': version }), ...(raw !== undefined && { 'content-type': 'text/csv' }) }
  return rest(server, call, { token, body, headers, ...(raw !== undefined && { raw }) })
}

type Door = (typeof DOORS)[keyof typeof DOORS]

/** Returns the doors that accept these variables; REST aliases are named by their paths. */
function doorsOf(field: string, variables: Variables): [string, Door][] {
  const name = fields.get(field)?.field.name
  const aliases = routes.filter((route) => route.fieldName === name && route.operationId !== name)
  const inRest = routes.some((route) => route.fieldName === name) || restStream(fields.get(field)!.field) !== undefined
  return [
    ...Object.entries(DOORS).filter(([door]) => door !== 'REST' || inRest),
    ...aliases
      .filter((route) => fits(route, variables))
      .map((route): [string, Door] => [route.path, (_field, ...asked) => overRoute(route, ...asked)]),
  ]
}

/**
 * Lists every argument that takes an id or a task key, such as "Mutation.createTask
 * input.projectId". Enters a recursive input once more.
 */
function idArguments(): string[] {
  const within = (type: GraphQLInputType, path: string, around: readonly string[]): string[] => {
    const named = getNamedType(type)
    if (named.name === 'ID') return [path]
    if (!isInputObjectType(named) || around.filter((name) => name === named.name).length > 1) return []
    return Object.values(named.getFields()).flatMap((field) => {
      const at = `${path}.${field.name}`
      return named.name === 'TaskFilter' && field.name === 'key'
        ? [at]
        : within(field.type, at, [...around, named.name])
    })
  }
  return [...fields].flatMap(([name, { field }]) =>
    field.args.flatMap((arg) => within(arg.type, `${name} ${arg.name}`, [])),
  )
}

/** Returns an unused key of the same length as those of the cast's tasks. */
const nobodysKey = () => `P${randomUUID().replaceAll('-', '').slice(0, 9).toUpperCase()}-1`

describe('a hidden object is indistinguishable from a nonexistent one', () => {
  let recorded = 0

  test('every argument that takes an id has a probe', () => {
    const probed = new Set(Object.keys(PROBES).map((name) => name.split(': ')[0]))
    expect([...probed].sort(), 'add or remove probes in the file of the noun in test/access/nouns').toEqual(
      idArguments().sort(),
    )
  })

  test.each(Object.entries(PROBES))('%s', async (name, { shows, variables, hidden, personas: asking }) => {
    const [field = ''] = name.split(' ')
    const turn = Object.keys(PROBES).indexOf(name)
    for (const [index, persona] of asking.entries()) {
      const world = worldOf(persona)
      const other = worlds.findLast((one) => one.persona === 'ownr' && one !== world)!
      const ways = Object.entries(hidden(world, other))
      for (const [door, send] of inTurn(doorsOf(field, variables('', world)), turn + index)) {
        const ask = (one: string) => trace(() => send(field, variables(one, world), world.self.token), one)
        const missing = new Map<boolean, Trace>()
        for (const [what, one] of ways) {
          const like = isId(one)
          if (!missing.has(like)) missing.set(like, await ask(like ? randomUUID() : nobodysKey()))
          const found = await ask(one)
          expect(found, `${what}, requested by ${persona} over ${door}`).toEqual(missing.get(like))
          expect(found.body, `${what}, requested by ${persona} over ${door}`).toContain(shows)
          recorded += found.statements.length
        }
      }
    }
  })

  test.runIf(onPostgres)('the statements of these requests were compared', () => {
    expect(recorded).toBeGreaterThan(100)
  })

  test('addMember treats a disabled account like an unknown address', async () => {
    const { self, projectId } = worldOf('ownr')
    for (const [door, send] of Object.entries(DOORS)) {
      const ask = (email: string) =>
        trace(() => send('Mutation.addMember', { projectId, input: { email, role: 'VIEWER' } }, self.token), email)
      expect(await ask(worldOf('disa').self.email), door).toEqual(await ask('nobody@example.org'))
    }
  })
})

describe('a sign-in that fails for any reason', () => {
  const attempts = (): [string, string][] => {
    const { email } = worldOf('view').self
    return [
      [email, 'a wrong password'],
      [email, PASSWORD.toUpperCase()],
      [worldOf('disa').self.email, PASSWORD],
      [worldOf('disa').self.email, 'a wrong password'],
      [worldOf('comm').self.email, PASSWORD],
    ]
  }

  const doors: Record<string, (email: string, password: string) => ReturnType<typeof rest>> = {
    GraphQL: (email, password) => DOORS.GraphQL('Mutation.signIn', { input: { email, password } }, ''),
    REST: (email, password) => DOORS.REST('Mutation.signIn', { input: { email, password } }, ''),
    'the OAuth 2 token endpoint': (username, password) =>
      rest(server, 'POST /auth/token', {
        raw: String(new URLSearchParams({ grant_type: 'password', username, password })),
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      }),
  }

  // Simulates an account that signs in only through an external identity provider.
  beforeAll(() => server.db.user.update({ where: { id: worldOf('comm').self.id }, data: { passwordHash: null } }))

  test.each(Object.entries(doors))('answers alike and runs the same statements over %s', async (_door, send) => {
    const nobody = `nobody-${randomUUID()}@example.org`
    const unknown = await trace(() => send(nobody, PASSWORD), nobody)
    expect(unknown.body).toMatch(/"UNAUTHENTICATED"|"invalid_grant"/)
    if (recorder) expect(unknown.statements.length).toBeGreaterThan(0)
    for (const [email, password] of attempts()) {
      expect(await trace(() => send(email, password), email), `${email} with ${password}`).toEqual(unknown)
    }
  })

  test('hashes exactly one password, even for an unknown address', async () => {
    expect(await countHashings(() => hashPassword(PASSWORD)), 'the hook must count one hash').toBe(1)
    for (const [email, password] of [['nobody@example.org', PASSWORD] as const, ...attempts()]) {
      for (const [door, send] of Object.entries(doors)) {
        const count = await countHashings(() => send(email, password))
        expect(count, `${email} with ${password} over ${door}`).toBe(1)
      }
    }
  })

  /** Counts calls into argon2, which run in this process as async resources without a type name. */
  async function countHashings(work: () => Promise<unknown>): Promise<number> {
    let count = 0
    const hook = createHook({ init: (_id, type) => void (type === 'undefined' && count++) }).enable()
    try {
      await work()
    } finally {
      hook.disable()
    }
    return count
  }
})
