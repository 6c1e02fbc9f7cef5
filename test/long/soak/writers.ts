import { setTimeout as wait } from 'node:timers/promises'
import type { Random } from '../../support/random.ts'
import type { RestartableServer } from './servers.ts'
import { type KnownTask, type Write, writePlans } from './writes.ts'

/** What the servers acknowledged, to compare with the log. */
export interface Ledger {
  /** Acknowledged versions (`id@version`) with the title written. */
  acknowledged: Map<string, string | undefined>
  /** How often each task was deleted by a write whose answer has no version. */
  deleted: Map<string, number>
  /** Writes that may or may not have been committed: no answer, or a server error. */
  unknown: Write[]
  /** Number of acknowledged events. */
  events: number
  /** Number of writes by outcome, like "201" or "refused: NOT_FOUND". */
  answers: Map<string, number>
}

export interface Writers {
  ledger: Ledger
  stop(): Promise<void>
}

export interface WritersOptions {
  servers: readonly RestartableServer[]
  token: string
  count: number
  projectIds: readonly string[]
  random: Random
}

const TIMEOUT_MS = 60_000
/** Pause before the next write while a server is down. */
const RETRY_PAUSE_MS = 20

interface ReturnedTask {
  id: string
  version: number
  projectId: string
}

export function startWriters({ servers, token, count, projectIds, random }: WritersOptions): Writers {
  const tasks: KnownTask[] = []
  const byId = new Map<string, KnownTask>()
  const plan = writePlans(random, projectIds, tasks)
  const ledger: Ledger = { acknowledged: new Map(), deleted: new Map(), unknown: [], events: 0, answers: new Map() }
  let stopped = false

  function acknowledge(write: Write, returned: readonly ReturnedTask[]): void {
    for (const { id, version, projectId } of returned) {
      ledger.acknowledged.set(`${id}@${version}`, write.mark)
      const known = byId.get(id) ?? { id, projectId, deleted: false }
      if (!byId.has(id)) tasks.push(known)
      byId.set(id, known)
      write.succeeded?.(known)
      ledger.events++
    }
  }

  function acknowledgeDeletion({ tasks: [task], succeeded }: Write): void {
    if (!task) return
    succeeded?.(task)
    ledger.deleted.set(task.id, (ledger.deleted.get(task.id) ?? 0) + 1)
    ledger.events++
  }

  async function write(): Promise<void> {
    const server = random.pick(servers)
    const wanted = plan()
    const overRest = random.chance(0.5)
    server.writing++
    try {
      const { status, body } = await (overRest ? sendRest : sendGraphql)(server.url, token, wanted)
      const code: string | undefined = overRest ? body?.code : body?.errors?.[0]?.extensions.code
      note(code === undefined ? String(status) : `refused: ${code}`)
      if (status >= 500 || code === 'UNAVAILABLE' || code === 'INTERNAL') ledger.unknown.push(wanted)
      else if (status === 204) acknowledgeDeletion(wanted)
      else if (code === undefined) acknowledge(wanted, tasksIn(overRest ? body : body.data))
    } catch (error) {
      // No server listened, so nothing was sent.
      const refused = (error as { cause?: { code?: string } }).cause?.code === 'ECONNREFUSED'
      note(refused ? 'not sent' : 'no answer')
      if (!refused) ledger.unknown.push(wanted)
      await wait(RETRY_PAUSE_MS)
    } finally {
      server.writing--
    }
  }

  function note(answer: string): void {
    ledger.answers.set(answer, (ledger.answers.get(answer) ?? 0) + 1)
  }

  const running = Array.from({ length: count }, async () => {
    while (!stopped) await write()
  })
  return {
    ledger,
    async stop() {
      stopped = true
      await Promise.all(running)
    },
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the answers of several operations
type Answer = { status: number; body: any }

async function send(url: string, method: string, token: string, body: object | undefined): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(TIMEOUT_MS),
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: text ? JSON.parse(text) : undefined }
}

const sendRest = (url: string, token: string, { rest: { method, path, body } }: Write) =>
  send(`${url}/api/v1${path}`, method, token, body)

const sendGraphql = (url: string, token: string, { graphql }: Write) => send(`${url}/graphql`, 'POST', token, graphql)

/** Returns the tasks in the answer of a single write or a batch. */
function tasksIn(answer: object): ReturnedTask[] {
  if ('version' in answer) return [answer as ReturnedTask]
  if ('outcomes' in answer)
    return (answer.outcomes as { task: ReturnedTask | null }[]).flatMap(({ task }) => task ?? [])
  return Object.values(answer).flatMap((inner) => (inner && typeof inner === 'object' ? tasksIn(inner) : []))
}
