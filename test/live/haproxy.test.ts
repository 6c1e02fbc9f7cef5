import { randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { json } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { type RunningServer, startServer } from '../../src/app/server.ts'
import { readConfig } from '../../src/config.ts'
import { eventStream, rest, subscribe, websocketClient } from '../support/clients.ts'
import { onPostgres, type TestDatabase, testDatabase, urlSettings } from '../support/database.ts'
import { documented, freePorts, isInstalled, type ProxyProcess, replaced, startHaproxy } from '../support/proxies.ts'
import { keepingLog, signUp } from '../support/server.ts'
import { until } from '../support/wait.ts'

const runs = onPostgres && isInstalled('haproxy')

interface Numbered extends RunningServer {
  log: ReturnType<typeof keepingLog>
}

let database: TestDatabase
let proxy: ProxyProcess
let configuration: string
let front: { url: string }
let toDatabase: string
let ports: number[]
let servers: (Numbered | undefined)[] = []

async function startNumbered(index: number, settings: Record<string, string> = {}): Promise<Numbered> {
  const log = keepingLog()
  const config = readConfig({
    PORT: String(ports[index]),
    JWT_SECRET: 'a secret for tests that is long enough',
    TRUSTED_PROXIES: '1',
    RATE_LIMIT: 'off',
    ...urlSettings(database.options),
    ...settings,
  })
  const server = { ...(await startServer(config, log)), log }
  servers[index] = server
  return server
}

async function stop(index: number): Promise<void> {
  const server = servers[index]
  servers[index] = undefined
  await server?.close()
}

/** Waits until HAProxy has found a server in this state so many times. */
const found = (state: 'UP' | 'DOWN', times: number) =>
  until(`HAProxy has found a server ${state} ${times} times`, () => {
    const lines = proxy.output.match(new RegExp(`Server taskwire/\\w+ is ${state}`, 'g'))
    return (lines?.length ?? 0) >= times
  })

beforeEach(async () => {
  if (!runs) return
  database = await testDatabase()
  ports = await freePorts(4)
  const [one, two, http, tcp] = ports
  const target = new URL(database.options.url ?? '')
  let text = documented('haproxy.cfg')
  text = replaced(text, 'bind 127.0.0.1:8080', `bind 127.0.0.1:${http}`)
  text = replaced(text, '127.0.0.1:4001', `127.0.0.1:${one}`)
  text = replaced(text, '127.0.0.1:4002', `127.0.0.1:${two}`)
  text = replaced(text, 'bind 127.0.0.1:5000', `bind 127.0.0.1:${tcp}`)
  text = replaced(text, '127.0.0.1:5432', target.host.replace(/^([^:]+)$/, '$1:5432'))
  configuration = text
  front = { url: `http://127.0.0.1:${http}` }
  target.host = `127.0.0.1:${tcp}`
  toDatabase = target.href
})

/** Starts HAProxy. It takes servers for ready until a check has failed. */
async function startProxy(): Promise<void> {
  proxy = await startHaproxy(configuration, ports.slice(2))
}

afterEach(async () => {
  if (!runs) return
  for (const server of servers) await server?.close()
  servers = []
  await proxy?.stop()
  await database.drop()
})

/** Creates tasks through the proxy with a few writers, until told to stop. */
function write(token: string) {
  const ids: string[] = []
  const failures: string[] = []
  let writing = true
  const one = async () => {
    while (writing) {
      const headers = { 'idempotency-key': randomUUID() }
      try {
        const { status, body, text } = await rest(front, 'POST /tasks', { token, headers, body: { title: 'A task' } })
        if (status === 201) ids.push(body.id)
        else failures.push(`${status} ${text}`)
      } catch (error) {
        failures.push(String((error as Error).cause ?? error))
      }
    }
  }
  const all = Promise.all([one(), one(), one()])
  onTestFinished(() => {
    writing = false
  })
  const more = async (count: number) => {
    const goal = ids.length + count
    await until(`${count} more tasks are written`, () => ids.length >= goal || failures.length > 0)
  }
  return {
    ids,
    failures,
    more,
    async end() {
      writing = false
      await all
    },
  }
}

/** Follows the events through the proxy, and resumes whenever the stream ends. */
function follow(token: string, after: string) {
  const seen: string[] = []
  let cursor = after
  let resumed = -1
  let following = true
  let current: Awaited<ReturnType<typeof eventStream>> | undefined
  const loop = async () => {
    while (following) {
      try {
        current = await eventStream(front, `/events/stream?after=${cursor}`, { token })
        resumed++
        for (;;) {
          const { event, id, data } = await current.inbox.next()
          if (event !== 'task.created') continue
          seen.push(data.taskId)
          cursor = id ?? cursor
        }
      } catch {
        // The stream has ended: resume it.
      }
    }
  }
  const done = loop()
  onTestFinished(() => {
    following = false
  })
  return {
    seen,
    get resumed() {
      return resumed
    },
    async end() {
      following = false
      current?.cut()
      await done
    },
  }
}

describe.runIf(runs)('behind HAProxy', () => {
  test('no request fails when one server after the other is restarted, and streams resume complete', async () => {
    await Promise.all([startNumbered(0), startNumbered(1)])
    await startProxy()
    const { token } = await signUp(front)
    const { cursor } = (await rest(front, 'GET /events/cursor', { token })).body
    const followers = Array.from({ length: 4 }, () => follow(token, cursor))
    const writers = write(token)
    await writers.more(20)
    for (const index of [0, 1]) {
      await stop(index)
      await found('DOWN', index + 1)
      await writers.more(20)
      await startNumbered(index)
      await found('UP', index + 1)
      await writers.more(20)
    }
    await writers.end()
    expect(writers.failures).toEqual([])
    for (const follower of followers) {
      await until('the stream has every task', () => follower.seen.length >= writers.ids.length)
      expect(follower.seen.toSorted()).toEqual(writers.ids.toSorted())
      await follower.end()
    }
    expect(followers.reduce((sum, { resumed }) => sum + resumed, 0)).toBeGreaterThan(0)
  })

  test('websockets work, and are told to come back when their server stops', async () => {
    await Promise.all([startNumbered(0), startNumbered(1)])
    await startProxy()
    const { token } = await signUp(front)
    const { cursor } = (await rest(front, 'GET /events/cursor', { token })).body
    const query = `subscription { taskEvents(after: "${cursor}") { type taskId } }`
    const created = (await rest(front, 'POST /tasks', { token, body: { title: 'A task' } })).body
    const sockets = [0, 1, 2].map(() => subscribe(websocketClient(front, token), query).inbox)
    for (const inbox of sockets) expect((await inbox.next()).data.taskEvents.taskId).toBe(created.id)
    await stop(0)
    await found('DOWN', 1)
    await startNumbered(0)
    await found('UP', 1)
    await stop(1)
    const again = subscribe(websocketClient(front, token), query).inbox
    expect((await again.next()).data.taskEvents.taskId).toBe(created.id)
    for (const inbox of sockets) await until('the old socket has ended', () => inbox.ended !== undefined)
  })

  test('clients are told apart by the address that HAProxy appends, whatever they claim', async () => {
    await startNumbered(0, { RATE_LIMIT: 'on' })
    await startProxy()
    const guess = (localAddress: string, claimed: string) =>
      new Promise<number>((resolve, reject) => {
        const body = JSON.stringify({ email: `${randomUUID()}@example.org`, password: 'wrong password' })
        const headers = { 'content-type': 'application/json', 'x-forwarded-for': claimed, connection: 'close' }
        const sent = request(
          `${front.url}/api/v1/auth/sign-in`,
          { method: 'POST', localAddress, headers },
          (answer) => {
            json(answer).then(() => resolve(answer.statusCode ?? 0), reject)
          },
        )
        sent.on('error', reject).end(body)
      })
    const statuses: number[] = []
    do statuses.push(await guess('127.0.0.1', `198.51.100.${statuses.length % 250}`))
    while (statuses.at(-1) === 401 && statuses.length < 200)
    expect(statuses.at(-1)).toBe(429)
    expect(await guess('127.0.0.2', '198.51.100.1')).toBe(401)
  })

  test('in front of PostgreSQL, cut idle connections cost no request and no line in the log', async () => {
    await startProxy()
    const server = await startNumbered(0, { DATABASE_URL: toDatabase })
    await found('UP', 1)
    const { token } = await signUp(front)
    const stream = await eventStream(front, '/events/stream', { token })
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => rest(front, 'POST /tasks', { token, body: { title: 'A task' } })),
      )
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201))
      for (const _ of answers) expect((await stream.inbox.next()).event).toBe('task.created')
    }
    expect(server.log.lines.filter(({ level }) => level !== 'info' && level !== 'debug')).toEqual([])
    onTestFinished(() => stream.cut())
  })
})
