import { expect, test } from 'vitest'
import { purgeCounts } from '../../src/app/rate-limits.ts'
import { eventStream, graphql, rest } from '../support/clients.ts'
import { onPostgres } from '../support/database.ts'
import { freshServerForTest, signUp, type TestServer, type TestUser } from '../support/server.ts'
import { closeServers, ownServers } from '../support/servers.ts'
import { openSocket } from '../support/sockets.ts'
import { until } from '../support/wait.ts'

const HOUR = { RATE_LIMIT_WINDOW: '3600' }
/** Costs one point for the request and the object, and one for the field. */
const ME = '{ me { id } }'
const SUBSCRIPTION = 'subscription { taskEvents { taskId } }'

interface Answer {
  status: number
  headers: Headers
  code?: string
}

async function answerOf(response: Response): Promise<Answer> {
  const { status, headers } = response
  const isStream = headers.get('content-type')?.startsWith('text/event-stream')
  if (status === 200 && isStream) {
    await response.body?.cancel()
    return { status, headers }
  }
  const text = await response.text()
  // A refused subscription answers with one event.
  const body = JSON.parse(isStream ? (/^data: (.+)$/m.exec(text)?.[1] ?? '') : text) as {
    code?: string
    errors?: { extensions: { code: string } }[]
  }
  const code = body.errors?.[0]?.extensions.code ?? body.code
  return { status, headers, ...(code && { code }) }
}

/** Every door of HTTP, by name. */
const DOORS: Record<string, (server: TestServer, headers: Record<string, string>) => Promise<Response>> = {
  'POST /graphql': ({ url }, headers) =>
    fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ query: ME }),
    }),
  'GET /graphql': ({ url }, headers) => fetch(`${url}/graphql?query=${encodeURIComponent(ME)}`, { headers }),
  'a subscription over SSE': ({ url }, headers) =>
    fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: SUBSCRIPTION }),
    }),
  'GET /me': ({ url }, headers) => fetch(`${url}/api/v1/me`, { headers }),
  'GET /events/stream': ({ url }, headers) =>
    fetch(`${url}/api/v1/events/stream`, { headers: { ...headers, accept: 'text/event-stream' } }),
}

const bearer = ({ token }: TestUser) => ({ authorization: `Bearer ${token}` })

function remaining(headers: Headers): number {
  const [, points] = /^"\w+";r=(\d+);t=[1-9]\d*$/.exec(headers.get('ratelimit') ?? '') ?? []
  return Number(points)
}

/** Spends points of a user until fewer than a request costs are left, and returns them. */
async function spendAll(server: TestServer, headers: Record<string, string>): Promise<void> {
  for (let request = 0; request < 1_000; request++) {
    const answer = await answerOf(await DOORS['GET /me']!(server, headers))
    if (answer.status === 429) return
  }
  throw new Error('no request was refused')
}

test('every answer says what is left, and an operation takes its complexity', async () => {
  const server = await freshServerForTest({ ...HOUR, RATE_LIMIT_POINTS: '5000' })
  const user = await signUp(server)
  let before = 5_000
  for (const [door, ask] of Object.entries(DOORS)) {
    const { status, headers } = await answerOf(await ask(server, bearer(user)))
    expect(status, door).toBe(200)
    expect(headers.get('ratelimit-policy'), door).toBe('"user";q=5000;w=3600')
    const after = remaining(headers)
    expect(before - after, door).toBeGreaterThanOrEqual(2)
    before = after
  }
  const cost = async (query: string) => {
    const { headers } = await answerOf(
      await fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: { ...bearer(user), 'content-type': 'application/json' },
        body: JSON.stringify({ query }),
      }),
    )
    const spent = before - remaining(headers)
    before = remaining(headers)
    return spent
  }
  expect(await cost(ME)).toBe(2)
  expect(await cost('{ me { id name email } }')).toBe(4)
  expect(await cost('{ tasks(first: 100) { nodes { id title } } }')).toBe(1 + 100 * 3)
  expect(await cost('{ nonsense }')).toBe(1)
  expect(await cost('{')).toBe(1)
})

test('the last point admits a request, and the next one is refused on every door', async () => {
  const server = await freshServerForTest({ ...HOUR, RATE_LIMIT_POINTS: '3' })
  const [ada, bob] = [await signUp(server), await signUp(server)]
  const open = await openSocket(server, bearer(ada))
  expect(await graphql(server, ME, {}, ada)).toMatchObject({ status: 200, data: { me: { id: ada.id } } })
  for (const [door, ask] of Object.entries(DOORS)) {
    const { status, headers, code } = await answerOf(await ask(server, bearer(ada)))
    expect({ status, code }, door).toEqual({ status: 429, code: 'RATE_LIMITED' })
    expect(remaining(headers), door).toBe(0)
    expect(headers.get('ratelimit-policy'), door).toBe('"user";q=3;w=3600')
    const seconds = Number(headers.get('retry-after'))
    expect(seconds, door).toBeGreaterThan(0)
    expect(seconds, door).toBeLessThanOrEqual(3_600)
  }
  const { errors } = await open.ask(ME)
  expect(errors).toMatchObject([
    {
      message: expect.stringMatching(
        /^The 3 points for 3600 s are used up \(RATE_LIMIT_POINTS\)\. Try again in \d+ s\.$/,
      ),
      extensions: { code: 'RATE_LIMITED', retryAfter: expect.any(Number) },
    },
  ])
  expect((await open.follow(SUBSCRIPTION).next()).errors).toMatchObject([{ extensions: { code: 'RATE_LIMITED' } }])
  expect(open.closing).toBeUndefined()
  expect((await openSocket(server, bearer(ada))).closing).toMatchObject({ code: 4429 })
  expect((await graphql(server, ME, {}, bob)).status).toBe(200)
  expect(server.log.lines.filter(({ level }) => level === 'error')).toEqual([])
})

test('an API key has points of its own, and requests without a credential those of their address', async () => {
  const server = await freshServerForTest({
    ...HOUR,
    RATE_LIMIT_POINTS: '40',
    RATE_LIMIT_ADDRESS_POINTS: '4',
    TRUSTED_PROXIES: '1',
  })
  const user = await signUp(server)
  const made = await rest(server, 'POST /api-keys', {
    token: user.token,
    body: { name: 'script', scopes: ['tasks:read'] },
  })
  expect(made.status, made.text).toBe(201)
  const key = { 'x-api-key': made.body.secret as string }
  await spendAll(server, bearer(user))
  const withKey = await rest(server, 'GET /tasks?limit=1', { headers: key })
  expect([withKey.status, withKey.headers.get('ratelimit-policy')]).toEqual([200, '"key";q=40;w=3600'])

  const anonymous = async (address: string) => {
    const { status, headers } = await rest(server, 'GET /me', { headers: { 'x-forwarded-for': address } })
    return [status, headers.get('ratelimit')?.replace(/;t=.*/, '')]
  }
  for (const left of [3, 2, 1, 0]) expect(await anonymous('2001:db8::1')).toEqual([401, `"address";r=${left}`])
  expect(await anonymous('2001:db8::2')).toEqual([429, '"address";r=0'])
  expect(await anonymous('2001:db8:0:1::1')).toEqual([401, '"address";r=3'])
  expect(await anonymous('198.51.100.7')).toEqual([401, '"address";r=3'])
})

test('the next window gives the points back', async () => {
  const server = await freshServerForTest({ RATE_LIMIT_WINDOW: '1', RATE_LIMIT_POINTS: '3' })
  const user = await signUp(server)
  await until('a request is refused', async () => (await graphql(server, ME, {}, user)).status === 429)
  await until('a request is admitted', async () => (await graphql(server, ME, {}, user)).status === 200)
})

test('RATE_LIMIT=off lifts the limits and sends no headers', async () => {
  const server = await freshServerForTest({ ...HOUR, RATE_LIMIT: 'off', RATE_LIMIT_POINTS: '1' })
  const user = await signUp(server)
  for (const [door, ask] of Object.entries(DOORS)) {
    const { status, headers } = await answerOf(await ask(server, bearer(user)))
    expect([status, headers.get('ratelimit'), headers.get('ratelimit-policy')], door).toEqual([200, null, null])
  }
})

test('the defaults leave a board of 2,000 cards and an import of 100,000 rows far below the limit', async () => {
  const server = await freshServerForTest()
  const user = await signUp(server)
  const policy = (headers: Headers) => Number(/q=(\d+)/.exec(headers.get('ratelimit-policy') ?? '')?.[1])
  const first = await rest(server, 'GET /me', { token: user.token })
  const query = `query ($first: Int) { tasks(first: $first) { nodes {
    id key title description status priority dueAt project { key name } assignees { id name } labels { id name color }
  } pageInfo { endCursor hasNextPage } } }`
  expect((await graphql(server, query, { first: 100 }, user)).errors).toBeUndefined()
  const second = await rest(server, 'GET /me', { token: user.token })
  const rows = Array.from({ length: 100 }, (_, index) => ({ title: `Row ${index}` }))
  const imported = await rest(server, 'POST /tasks/bulk', { token: user.token, body: { items: rows } })
  expect(imported.status, imported.text).toBe(200)
  const board = (2_000 / 100) * (remaining(first.headers) - remaining(second.headers))
  const whole = (100_000 / 100) * (remaining(second.headers) - remaining(imported.headers))
  expect(board).toBeGreaterThan(0)
  expect(board + whole).toBeLessThan(policy(first.headers) / 3)
})

test.runIf(onPostgres)(
  'servers with one database add up what they count, without a statement per request',
  async () => {
    const servers = await ownServers({ ...HOUR, RATE_LIMIT_POINTS: '100' })
    try {
      const [one, two] = servers as unknown as [TestServer, TestServer]
      const user = await signUp(one)
      await spendAll(one, bearer(user))
      await until('the other server knows', async () => {
        const { headers } = await answerOf(await DOORS['GET /me']!(two, bearer(user)))
        return remaining(headers) === 0
      })
      expect((await graphql(two, ME, {}, user)).status).toBe(429)
      await one.db.$executeRaw`INSERT INTO "RateCount" VALUES ('user long ago', now() - interval '1 second', 1)`
      expect(await purgeCounts(one.db)).toBe(1)
      await until('the points of both servers are stored', async () => {
        const counts = await one.db.rateCount.findMany({ where: { key: `user ${user.id}` } })
        return counts.length === 1 && counts[0]!.points >= 100n
      })
    } finally {
      await closeServers(servers)
    }
  },
)

test.runIf(onPostgres)('a user runs at most MAX_OPERATIONS_PER_USER at a time, streams not counted', async () => {
  const server = await freshServerForTest({ MAX_OPERATIONS_PER_USER: '2' })
  const [ada, bob] = [await signUp(server), await signUp(server)]
  expect((await eventStream(server, '/events/stream', { token: ada.token })).response.status).toBe(200)
  const update = (user: TestUser) => rest(server, 'PATCH /me', { token: user.token, body: { name: 'New name' } })
  const asked = await server.db.$transaction(async (tx) => {
    await tx.$queryRaw`SELECT FROM "User" WHERE "id" = ${ada.id}::uuid FOR UPDATE`
    const asked = [update(ada), update(ada), update(ada)]
    const refused = await Promise.race(asked)
    expect(refused).toMatchObject({
      status: 429,
      body: {
        code: 'RATE_LIMITED',
        detail: 'You already run 2 operations (MAX_OPERATIONS_PER_USER). Wait for one to end.',
      },
    })
    expect(refused.headers.get('retry-after')).toBe('1')
    expect((await graphql(server, ME, {}, bob)).status).toBe(200)
    return asked
  })
  expect((await Promise.all(asked)).map(({ status }) => status).sort()).toEqual([200, 200, 429])
  expect((await update(ada)).status).toBe(200)
})

test('one warning says that X-Forwarded-For arrives while TRUSTED_PROXIES is 0', async () => {
  const warnings = ({ log }: TestServer) => log.lines.filter(({ message }) => message.includes('TRUSTED_PROXIES'))
  const forwarded = { headers: { 'x-forwarded-for': '198.51.100.7' } }
  const server = await freshServerForTest()
  await rest(server, 'GET /me')
  expect(warnings(server)).toEqual([])
  for (let request = 0; request < 3; request++) await rest(server, 'GET /me', forwarded)
  expect(warnings(server)).toMatchObject([{ level: 'warn' }])
  const behind = await freshServerForTest({ TRUSTED_PROXIES: '1' })
  await rest(behind, 'GET /me', forwarded)
  expect(warnings(behind)).toEqual([])
})
