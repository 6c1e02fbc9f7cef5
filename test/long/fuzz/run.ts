import { Agent, request } from 'node:http'
import { createRandom } from '../../support/random.ts'
import { drawRaw, judgeRaw, sendRaw } from './raw.ts'
import { drawRequest, type FuzzRequest, operationsOf } from './requests.ts'
import type { KnownValues } from './values.ts'

export interface FuzzReport {
  requests: number
  /** Number of requests sent as raw bytes. */
  raw: number
  /** Number of answers by status, raw requests not included. */
  statuses: Record<number, number>
  /** Each with its request and answer. */
  problems: string[]
}

export interface FuzzOptions {
  url: string
  /** Determines the requests. Their answers also depend on the order in which they arrive. */
  seed: number
  requests: number
  atOnce?: number
}

/** A request for Node's client, or raw bytes that it would refuse to send. */
type Sendable = FuzzRequest | Buffer

interface Answer {
  status: number
  type: string
  text: string
}

const MAX_PROBLEMS = 20
const PASSWORD = 'a password that is long enough'
/** Percentage of requests sent as raw bytes. */
const RAW_PERCENT = 5
/**
 * Number of requests per round. Each round starts with new accounts, since requests may sign the
 * callers out.
 */
const ROUND = 250

/**
 * Sends valid and invalid requests generated from the server's OpenAPI document and checks every
 * answer: no 5xx, a status that the document lists for the operation, and
 * `application/problem+json` for every error. Mixes in raw bytes, for which only server errors and
 * malformed answers count.
 */
export async function fuzz({ url, seed, requests, atOnce = 16 }: FuzzOptions): Promise<FuzzReport> {
  const random = createRandom(seed)
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce })
  const send = (one: Pick<FuzzRequest, 'method' | 'path' | 'headers' | 'body'>) => sendHttp(agent, url, one)
  const document = JSON.parse((await send({ method: 'GET', path: '/openapi.json', headers: {}, body: undefined })).text)
  const operations = operationsOf(document)
  const report: FuzzReport = { requests: 0, raw: 0, statuses: {}, problems: [] }
  const known: KnownValues = { components: document.components.schemas, ids: [] }

  let account = 0
  const json = (body: object) => Buffer.from(JSON.stringify(body))
  const headers = { 'content-type': 'application/json' }
  async function signUp(): Promise<{ token: string; ids: string[] }> {
    const body = json({ email: `${seed}-${account++}@example.org`, password: PASSWORD, name: 'Fuzzer' })
    // Each account registers from an address of its own, so that the limit of registrations can stay on.
    const from = { ...headers, 'x-forwarded-for': `10.0.${(account >> 8) & 255}.${account & 255}` }
    const { accessToken: token, user } = JSON.parse(
      (await send({ method: 'POST', path: '/auth/register', headers: from, body })).text,
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
    known.ids = [...people.flatMap(({ ids }) => ids), ...known.ids].slice(0, 40)
    const tokens = people.map(({ token }) => token)
    const round = Array.from(
      { length: Math.min(ROUND, requests - report.requests) },
      (): Sendable =>
        random.below(100) < RAW_PERCENT ? drawRaw(random) : drawRequest(operations, known, tokens, random),
    )
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        for (let one = round.shift(); one; one = round.shift()) {
          const problem = await (Buffer.isBuffer(one) ? tryRaw(one) : tryRequest(one))
          report.requests++
          if (problem && report.problems.length < MAX_PROBLEMS) report.problems.push(problem)
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
    const describe = (problem: string) => `${problem}: ${JSON.stringify(sent.toString('latin1').slice(0, 2_000))}`
    try {
      const problem = judgeRaw(await sendRaw(url, sent))
      return problem && describe(problem)
    } catch (error) {
      return describe(`no answer (${(error as Error).message})`)
    }
  }
}

function judge(sent: FuzzRequest, { status, type, text }: Answer): string | undefined {
  const { operation, method, path, headers, body } = sent
  const describe = (problem: string) =>
    `${problem}: ${method} ${path} ${JSON.stringify(headers)} ${body?.toString().slice(0, 500) ?? ''}\n  answered ${status} ${type} ${text.slice(0, 500)}`
  // A download ends when its credential is revoked, as other requests of the same user may do.
  if (status === 0 && text === 'aborted' && isDownload(path)) return undefined
  if (status === 0) return describe('no answer')
  if (status >= 500) return describe('server error')
  if (status >= 400 && method !== 'HEAD' && !type.startsWith('application/problem+json') && !isOAuth(path))
    return describe('error that is not problem+json')
  if (operation && !operation.statuses.includes(String(status))) return describe('undocumented status')
  if (/[/+]json/.test(type) && text !== '') {
    try {
      JSON.parse(text)
    } catch {
      return describe('malformed JSON')
    }
  }
  return undefined
}

/** The token endpoint answers errors in the format of RFC 6749. */
const isOAuth = (path: string) => path.startsWith('/auth/token')

const isDownload = (path: string) => /^\/(me|tasks)\/export\b|\/content\b/.test(path)

function sendHttp(
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
