import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { onPostgres } from '../support/database.ts'
import { newTask } from '../support/factories.ts'
import { sharedServer, signUp, type TestServer } from '../support/server.ts'

/** Requests per measurement, in flight at once, and measurements, of which the best counts. */
const [REQUESTS, AT_ONCE, ROUNDS] = [400, 16, 5]

/**
 * Guards against an operation that becomes several times as expensive. Compares CPU time, which a
 * busy machine changes little, with that of a bare handler that sends the same answer in the same
 * process. Client and server both count. The embedded database would count too, so it is left out.
 */
describe.runIf(onPostgres)('the CPU time of a request, against a bare handler that sends the same answer', () => {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })
  let server: TestServer
  let token: string
  let id: string
  let projectId: string
  let answer = ''
  const bare = createServer((_request, response) => {
    response.setHeader('Content-Type', 'application/json').end(answer)
  })

  beforeAll(async () => {
    server = await sharedServer()
    const user = await signUp(server)
    token = user.token
    for (let index = 0; index < 20; index++) {
      const task = await newTask({ url: server.url, token })
      id = task.id
      projectId = task.projectId
    }
    await new Promise<void>((resolve) => bare.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => {
    agent.destroy()
    bare.close()
  })

  const bareUrl = () => `http://127.0.0.1:${(bare.address() as AddressInfo).port}`

  function send(url: string, method: string, body?: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      const sent = request(url, { agent, method, headers }, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
        })
        response.on('end', () => resolve(text))
      })
      sent.on('error', reject).end(body)
    })
  }

  /** Returns microseconds of CPU per request of each, in rounds that take turns. */
  async function costsOf(acts: readonly (() => Promise<unknown>)[]): Promise<number[]> {
    const costs = acts.map(() => Number.POSITIVE_INFINITY)
    for (let round = 0; round < ROUNDS; round++) {
      for (const [index, act] of acts.entries()) costs[index] = Math.min(costs[index] ?? 0, await costOf(act))
    }
    return costs
  }

  async function costOf(act: () => Promise<unknown>): Promise<number> {
    const before = process.cpuUsage()
    let left = REQUESTS
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        while (left-- > 0) await act()
      }),
    )
    const { user, system } = process.cpuUsage(before)
    return (user + system) / REQUESTS
  }

  const FIELDS = 'id key title status priority dueAt projectId version createdAt updatedAt'

  test.each<[string, number, () => [path: string, method: string, body?: string]]>([
    ['a task by id over REST', 8, () => [`/api/v1/tasks/${id}`, 'GET']],
    ['a list of 20 over REST', 24, () => [`/api/v1/tasks?projectId=${projectId}`, 'GET']],
    [
      'a task by id over GraphQL',
      9,
      () => ['/graphql', 'POST', JSON.stringify({ query: `{ task(id: "${id}") { ${FIELDS} } }` })],
    ],
    [
      'a list of 20 over GraphQL',
      24,
      () => ['/graphql', 'POST', JSON.stringify({ query: `{ tasks { nodes { ${FIELDS} } } }` })],
    ],
  ])('%s costs at most %i times as much', async (_what, limit, call) => {
    const [path, method, body] = call()
    answer = await send(`${server.url}${path}`, method, body)
    const [yardstick = 0, cost = 0] = await costsOf(
      [bareUrl(), `${server.url}${path}`].map((url) => () => send(url, method, body)),
    )
    const ratio = cost / yardstick
    expect(ratio, `${ratio.toFixed(1)} times ${yardstick.toFixed(0)} µs`).toBeLessThan(limit)
  })
})
