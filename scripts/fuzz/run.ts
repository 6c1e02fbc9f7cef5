import { Agent, request } from 'node:http'
import { createRandom } from './random.ts'
import { drawRequest, type FuzzRequest, operationsOf } from './requests.ts'
import type { World } from './values.ts'

export interface FuzzReport {
  requests: number
  /** How many answers had each status. */
  statuses: Record<number, number>
  /** Each with what was asked and answered. */
  problems: string[]
}

export interface FuzzOptions {
  url: string
  /** Repeats the requests; what they meet depends on the order they arrive in. */
  seed: number
  requests: number
  atOnce?: number
}

interface Answer {
  status: number
  type: string
  text: string
}

const MOST_PROBLEMS = 20
const PASSWORD = 'a password that is long enough'
/** Requests after which whoever was signed out by one of them signs in again. */
const ROUND = 250

/**
 * Sends requests made from the server's own OpenAPI document, right and wrong ones, and holds every answer against it: none is a 5xx, each has a
 * status that the document lists for the operation, and what is no success is `application/problem+json`.
 */
export async function fuzz({ url, seed, requests, atOnce = 16 }: FuzzOptions): Promise<FuzzReport> {
  const random = createRandom(seed)
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce })
  const send = (one: Pick<FuzzRequest, 'method' | 'path' | 'headers' | 'body'>) => ask(agent, url, one)
  const document = JSON.parse((await send({ method: 'GET', path: '/openapi.json', headers: {}, body: undefined })).text)
  const operations = operationsOf(document)
  const report: FuzzReport = { requests: 0, statuses: {}, problems: [] }
  const world: World = { components: document.components.schemas, ids: [] }

  let account = 0
  const json = (body: object) => Buffer.from(JSON.stringify(body))
  const headers = { 'content-type': 'application/json' }
  async function signUp(): Promise<{ token: string; ids: string[] }> {
    const body = json({ email: `${seed}-${account++}@example.org`, password: PASSWORD, name: 'Fuzzer' })
    const { accessToken: token, user } = JSON.parse(
      (await send({ method: 'POST', path: '/auth/register', headers, body })).text,
    )
    const own = { ...headers, authorization: `Bearer ${token}` }
    const made = await send({ method: 'POST', path: '/tasks', headers: own, body: json({ title: 'Something' }) })
    const task = JSON.parse(made.text)
    const label = await send({
      method: 'POST',
      path: `/projects/${task.projectId}/labels`,
      headers: own,
      body: json({ name: 'x' }),
    })
    return { token, ids: [user.id, task.id, task.key, task.projectId, JSON.parse(label.text).id] }
  }

  while (report.requests < requests) {
    const people = [await signUp(), await signUp()]
    world.ids = [...people.flatMap(({ ids }) => ids), ...world.ids].slice(0, 40)
    const round = Array.from({ length: Math.min(ROUND, requests - report.requests) }, () =>
      drawRequest(
        operations,
        world,
        people.map(({ token }) => token),
        random,
      ),
    )
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        for (let one = round.shift(); one; one = round.shift()) {
          const answer = await send(one).catch((error: Error) => ({ status: 0, type: '', text: error.message }))
          report.requests++
          report.statuses[answer.status] = (report.statuses[answer.status] ?? 0) + 1
          const problem = judge(one, answer)
          if (problem && report.problems.length < MOST_PROBLEMS) report.problems.push(problem)
        }
      }),
    )
  }
  agent.destroy()
  return report
}

function judge(asked: FuzzRequest, { status, type, text }: Answer): string | undefined {
  const { operation, method, path, headers, body } = asked
  const told = (problem: string) =>
    `${problem}: ${method} ${path} ${JSON.stringify(headers)} ${body?.toString().slice(0, 500) ?? ''}\n  answered ${status} ${type} ${text.slice(0, 500)}`
  if (status === 0) return told('no answer')
  if (status >= 500) return told('a server error')
  if (status >= 400 && method !== 'HEAD' && !type.startsWith('application/problem+json') && !isOAuth(path))
    return told('an error that is no problem+json')
  if (operation && !operation.statuses.includes(String(status))) return told('a status that is not documented')
  if (type.includes('json') && text !== '') {
    try {
      JSON.parse(text)
    } catch {
      return told('JSON that is none')
    }
  }
  return undefined
}

/** Errors of the token endpoint are what RFC 6749 says. */
const isOAuth = (path: string) => path.startsWith('/auth/token')

function ask(
  agent: Agent,
  url: string,
  { method, path, headers, body }: Pick<FuzzRequest, 'method' | 'path' | 'headers' | 'body'>,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = body ? { 'content-length': String(body.length) } : {}
    const sent = request(
      `${url}/api/v1${path}`,
      { agent, method, headers: { ...headers, ...length }, timeout: 60_000 },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk) => chunks.push(chunk))
        response.once('error', reject)
        response.once('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            type: response.headers['content-type'] ?? '',
            text: Buffer.concat(chunks).toString(),
          }),
        )
      },
    )
    sent.once('timeout', () => sent.destroy(new Error('no answer within a minute')))
    sent.once('error', reject)
    sent.end(body)
  })
}
