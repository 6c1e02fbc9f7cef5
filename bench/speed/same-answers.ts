/** Checks, before anything is timed, that all servers give the same answers. */
import { isDeepStrictEqual } from 'node:util'
import { BY_ID, CREATE } from './queries.ts'
import type { Protocol, Server } from './servers.ts'
import { type BenchRequest, requestsOf, serves, translated, type WorkItem } from './work.ts'
import type { World } from './world.ts'

/** Requests of each work item. */
const SAMPLE = 40

interface Answer {
  name: string
  protocol: Protocol
  request: BenchRequest
  answer: unknown
}

/** Sends a sample of each item, and requests that must be refused. Needs a fresh database. */
export async function sampleAnswers(
  url: string,
  server: Server,
  items: readonly WorkItem[],
  world: World,
): Promise<Answer[]> {
  const answers: Answer[] = []
  // Reads first, because the writes change their answers.
  const kinds: WorkItem['kind'][] = ['read', 'write']
  for (const kind of kinds) {
    for (const item of items.filter((one) => one.kind === kind && serves(server, one))) {
      for (const request of requestsOf(item, world, SAMPLE)) {
        const answer = comparable(await send(url, translated(server, request)), kind === 'read' ? CURSORS : WRITTEN)
        answers.push({ name: item.name, protocol: item.protocol, request, answer })
      }
    }
  }
  for (const { name, protocol, request } of refusals(world)) {
    if (!server.protocols.includes(protocol)) continue
    answers.push({ name, protocol, request, answer: outcome(await send(url, translated(server, request))) })
  }
  return answers
}

/** Describes the first difference in each work item. */
export function differences(expected: readonly Answer[], server: string, found: readonly Answer[]): string[] {
  const byRequest = new Map(expected.map((one) => [keyOf(one), one.answer]))
  const problems = new Map<string, string>()
  for (const one of found) {
    const where = difference(byRequest.get(keyOf(one)), one.answer)
    if (where === undefined || problems.has(one.name)) continue
    const request = JSON.stringify(one.request.body ?? one.request.path).slice(0, 1000)
    problems.set(one.name, `${server} answers ${one.name} differently. ${where}\n  ${request}`)
  }
  return [...problems.values()]
}

/** Returns the path and both values of the first difference, if there is one. */
function difference(expected: unknown, found: unknown, path = 'answer'): string | undefined {
  if (isDeepStrictEqual(expected, found)) return undefined
  if (typeof expected === 'object' && typeof found === 'object' && expected && found) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(found)])) {
      const [mine, theirs] = [expected, found].map((one) => (one as Record<string, unknown>)[key])
      const where = difference(mine, theirs, `${path}.${key}`)
      if (where !== undefined) return where
    }
  }
  return `${path}: ${JSON.stringify(expected)} became ${JSON.stringify(found)}`.slice(0, 500)
}

const keyOf = ({ name, request }: Answer) => JSON.stringify([name, request])

interface Received {
  status: number
  body: unknown
}

async function send(url: string, { method, path, token, body }: BenchRequest): Promise<Received> {
  const headers: Record<string, string> = { accept: 'application/json', 'content-type': 'application/json' }
  if (token) headers.authorization = `Bearer ${token}`
  if (!body) delete headers['content-type']
  const response = await fetch(`${url}${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) })
  return { status: response.status, body: await response.json() }
}

/** Values that differ by nature. Only their type is compared. */
const CURSORS = new Set(['startCursor', 'endCursor'])
const WRITTEN = new Set([...CURSORS, 'id', 'key', 'number', 'createdAt', 'updatedAt', 'completedAt'])

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

/**
 * Puts aside what may differ: cursors, how a time is written, and the payload around the result of
 * a mutation.
 */
function comparable({ status, body }: Received, typeOnly: ReadonlySet<string>): unknown {
  const text = JSON.stringify(body, (key, value) => {
    if (typeOnly.has(key) && value !== null) return typeof value
    if (typeof value === 'string' && TIME.test(value)) return new Date(value).toISOString()
    return value?.result ?? value
  })
  return { status, body: JSON.parse(text) }
}

/** The status and the error code: messages may differ. */
function outcome({ status, body }: Received): unknown {
  const { code, errors } = body as { code?: string; errors?: { extensions?: { code?: string } }[] }
  return { status, code: code ?? errors?.[0]?.extensions?.code }
}

function refusals({ callers, hiddenTaskId }: World): { name: string; protocol: Protocol; request: BenchRequest }[] {
  const token = callers[0]?.token ?? ''
  const projectId = callers[0]?.readable[0]?.id ?? ''
  const get = (token: string) => ({ method: 'GET', path: `/api/v1/tasks/${hiddenTaskId}`, token }) as const
  const ask = (token: string, query: string, variables: object) =>
    ({ method: 'POST', path: '/graphql', token, body: { query, variables } }) as const
  const create = { method: 'POST', path: '/api/v1/tasks', token, body: { projectId, title: 'Not allowed' } } as const
  return [
    { name: 'signed out', protocol: 'rest', request: get('') },
    { name: 'signed out', protocol: 'graphql', request: ask('', BY_ID, { id: hiddenTaskId }) },
    { name: 'invalid token', protocol: 'rest', request: get('invalid') },
    { name: 'invalid token', protocol: 'graphql', request: ask('invalid', BY_ID, { id: hiddenTaskId }) },
    { name: 'hidden task', protocol: 'rest', request: get(token) },
    { name: 'hidden task', protocol: 'graphql', request: ask(token, BY_ID, { id: hiddenTaskId }) },
    { name: 'low role', protocol: 'rest', request: create },
    { name: 'low role', protocol: 'graphql', request: ask(token, CREATE, { input: create.body }) },
  ]
}
