import { Agent, request } from 'node:http'
import { createRandom } from './random.ts'
import { drawRaw, judgeRaw, sendRaw } from './raw.ts'
import { drawRequest, type FuzzRequest, operationsOf } from './requests.ts'
import type { World } from './values.ts'

export interface FuzzReport {
  requests: number
  /** How many of them were bytes on a bare connection. */
  raw: number
  /** How many answers to the others had each status. */
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

/** Either a request for node's client, or what it would refuse to send. */
type Asked = FuzzRequest | Buffer

interface Answer {
  status: number
  type: string
  text: string
}

const MOST_PROBLEMS = 20
const PASSWORD = 'a password that is long enough'
/** How many of a hundred are bytes on a bare connection. */
const RAW = 5
/** Requests after which whoever was signed out by one of them signs in again. */
const ROUND = 250

/**
 * Sends requests made from the server's own OpenAPI document, right and wrong ones, and holds every answer against it: none is a 5xx, each has a
 * status that the document lists for the operation, and what is no success is `application/problem+json`. Between them come bytes
 * that are no requests, of which only a fault of the server's is held against it.
 */
export async function fuzz({ url, seed, requests, atOnce = 16 }: FuzzOptions): Promise<FuzzReport> {
  const random = createRandom(seed)
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce })
  const send = (one: Pick<FuzzRequest, 'method' | 'path' | 'headers' | 'body'>) => ask(agent, url, one)
  const document = JSON.parse((await send({ method: 'GET', path: '/openapi.json', headers: {}, body: undefined })).text)
  const operations = operationsOf(document)
  const report: FuzzReport = { requests: 0, raw: 0, statuses: {}, problems: [] }
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
    const tokens = people.map(({ token }) => token)
    const round = Array.from(
      { length: Math.min(ROUND, requests - report.requests) },
      (): Asked => (random.below(100) < RAW ? drawRaw(random) : drawRequest(operations, world, tokens, random)),
    )
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        for (let one = round.shift(); one; one = round.shift()) {
          const problem = await (Buffer.isBuffer(one) ? tryRaw(one) : tryRequest(one))
          report.requests++
          if (problem && report.problems.length < MOST_PROBLEMS) report.problems.push(problem)
        }
      }),
    )
  }
  agent.destroy()
  return report

  async function tryRequest(one: FuzzRequest): Promise<string | undefined> {
    const answer = await send(one).catch((error: Error) => ({ status: 0, type: '', text: error.message }))
    report.statuses[answer.status] = (report.statuses[answer.status] ?? 0) + 1
    return judge(one, answer)
  }

  async function tryRaw(sent: Buffer): Promise<string | undefined> {
    report.raw++
    const told = (problem: string) => `${problem}: ${JSON.stringify(sent.toString('latin1').slice(0, 2_000))}`
    try {
      const problem = judgeRaw(await sendRaw(url, sent))
      return problem && told(problem)
    } catch (error) {
      return told(`no answer (${(error as Error).message})`)
    }
  }
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
