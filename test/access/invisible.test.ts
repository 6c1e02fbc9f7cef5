import { createHook } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import { type GraphQLInputType, getNamedType, isInputObjectType } from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hashPassword } from '../../src/auth/passwords.ts'
import { readConfig } from '../../src/config.ts'
import { deriveRoutes } from '../../src/gateway/rest/routes.ts'
import { restStream, restView } from '../../src/gateway/rest/view.ts'
import { isId } from '../../src/rules.ts'
import { schema } from '../../src/schema.ts'
import { type RunningServer, startServer } from '../../src/server.ts'
import { rest } from '../support/clients.ts'
import { testDatabase } from '../support/database.ts'
import { keepingLog } from '../support/server.ts'
import { recordStatements, type StatementRecorder } from '../support/statements.ts'
import { makeWorlds, PASSWORD, type World } from './cast.ts'
import { documentOf, fits, restRequest, rootFields, type Variables } from './doors.ts'
import { OPENED } from './hidings.ts'
import { personas } from './matrix.ts'
import { PROBES } from './probes.ts'

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
    ...(recorder && { DATABASE_URL: recorder.url }),
  })
  server = await startServer(config, keepingLog())
  close = async () => {
    await server.close()
    await recorder?.close()
    await drop()
  }
  worlds = await makeWorlds({ db: server.db, config }, [...personas, 'ownr'])
  routes = await deriveRoutes(restView(schema))
  // The server has read what making the worlds logged: it does not do so in the middle of a request.
  await rest(server, 'GET /events/cursor', { token: worldOf('ownr').self.token })
})
afterAll(() => close?.())

const worldOf = (persona: World['persona']) => worlds.find((world) => world.persona === persona)!

/** An answer as whoever asked may compare it, and what it cost the database. */
interface Trace {
  status: number
  headers: Record<string, string>
  body: string
  statements: string[]
}

/** Of every answer its own, or of its body, which is compared without what was asked for. */
const ITS_OWN = ['date', 'x-request-id', 'server-timing', 'etag']

/** Runs one request and forgets in its answer what was asked for. */
async function trace(send: () => ReturnType<typeof rest>, asked: string): Promise<Trace> {
  const record = recorder ?? { during: async <T>(work: () => Promise<T>) => ({ result: await work(), statements: [] }) }
  const { result, statements } = await record.during(send)
  return {
    status: result.status,
    headers: Object.fromEntries([...result.headers].filter(([name]) => !ITS_OWN.includes(name))),
    body: result.text.replaceAll(asked, 'ASKED').replace(/"requestId":"[^"]+"/, '"requestId":"ITS OWN"'),
    statements,
  }
}

const fields = new Map(rootFields(schema).map((root) => [root.name, root]))

const GRAPHQL = 'POST /../../graphql'

/** The request of an operation, through each door that has a status and a body. */
const DOORS = {
  GraphQL: (field: string, variables: Variables, token: string) => {
    const root = fields.get(field)!
    const body = { query: documentOf(root), variables }
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

/** The answer to who follows something, and of a stream that opens no more than that. */
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
  // Looking at the log, which a stream does once it has opened, is over when this is.
  if (opened) await rest(server, 'GET /events/cursor', { token })
  return { status, headers, text, body: undefined }
}

function overRoute(route: Parameters<typeof restRequest>[0], variables: Variables, token: string) {
  const { call, body, version } = restRequest(route, variables)
  return rest(server, call, { token, body, headers: version ? { 'if-match': version } : {} })
}

type Door = (typeof DOORS)[keyof typeof DOORS]

/** The doors at which an operation can be asked this, aliases in REST by their paths. */
function doorsOf(field: string, variables: Variables): [string, Door][] {
  const name = fields.get(field)?.field.name
  const aliases = routes.filter((route) => route.fieldName === name && route.operationId !== name)
  return [
    ...Object.entries(DOORS),
    ...aliases
      .filter((route) => fits(route, variables))
      .map((route): [string, Door] => [route.path, (_field, ...asked) => overRoute(route, ...asked)]),
  ]
}

/**
 * Where an operation takes an id, or the key of a task: like "Mutation.createTask input.projectId". What contains itself is
 * entered once more.
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

/** As long as those of the cast's tasks. */
const nobodysKey = () => `P${randomUUID().replaceAll('-', '').slice(0, 9).toUpperCase()}-1`

describe('what is invisible and what is not there cannot be told apart', () => {
  test('by any operation that takes an id: each has its probe', () => {
    const probed = new Set(Object.keys(PROBES).map((name) => name.split(': ')[0]))
    expect([...probed].sort(), 'add to or take from test/access/probes.ts').toEqual(idArguments().sort())
  })

  test.each(Object.entries(PROBES))('%s', async (name, { shows, variables, hidden, personas: asking }) => {
    const [field = ''] = name.split(' ')
    for (const persona of asking) {
      const world = worldOf(persona)
      const other = worlds.findLast((one) => one.persona === 'ownr' && one !== world)!
      const ways = Object.entries(hidden(world, other))
      for (const [door, send] of doorsOf(field, variables('', world))) {
        const ask = (one: string) => trace(() => send(field, variables(one, world), world.self.token), one)
        const missing = new Map<boolean, Trace>()
        for (const [what, one] of ways) {
          const like = isId(one)
          if (!missing.has(like)) missing.set(like, await ask(like ? randomUUID() : nobodysKey()))
          const found = await ask(one)
          expect(found, `${what}, asked for by ${persona} over ${door}`).toEqual(missing.get(like))
          expect(found.body, `${what}, asked for by ${persona} over ${door}`).toContain(shows)
          if (recorder) expect(found.statements.length, 'the statements of a request are recorded').toBeGreaterThan(0)
        }
      }
    }
  })

  test('of accounts by addMember: a disabled one and none at all', async () => {
    const { self, projectId } = worldOf('ownr')
    for (const [door, send] of Object.entries(DOORS)) {
      const ask = (email: string) =>
        trace(() => send('Mutation.addMember', { projectId, input: { email, role: 'VIEWER' } }, self.token), email)
      expect(await ask(worldOf('disa').self.email), door).toEqual(await ask('nobody@example.org'))
    }
  })
})

describe('a sign-in with an unknown address, a wrong password, or to an account that cannot be signed in to', () => {
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

  // As the account of somebody who signs in at an outside identity provider only.
  beforeAll(() => server.db.user.update({ where: { id: worldOf('comm').self.id }, data: { passwordHash: null } }))

  test.each(Object.entries(doors))('looks the same and asks the database the same over %s', async (_door, send) => {
    const nobody = `nobody-${randomUUID()}@example.org`
    const unknown = await trace(() => send(nobody, PASSWORD), nobody)
    expect(unknown.body).toMatch(/"UNAUTHENTICATED"|"invalid_grant"/)
    if (recorder) expect(unknown.statements.length).toBeGreaterThan(0)
    for (const [email, password] of attempts()) {
      expect(await trace(() => send(email, password), email), `${email} with ${password}`).toEqual(unknown)
    }
  })

  test('hashes as much: a password is compared in any case', async () => {
    expect(await countHashings(() => hashPassword(PASSWORD)), 'hashings can be counted').toBe(1)
    for (const [email, password] of [['nobody@example.org', PASSWORD] as const, ...attempts()]) {
      for (const [door, send] of Object.entries(doors)) {
        const count = await countHashings(() => send(email, password))
        expect(count, `${email} with ${password} over ${door}`).toBe(1)
      }
    }
  })

  /** The server is in this process: what it hands to native code is seen here. That of argon2 bears no name. */
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
