import { setTimeout as wait } from 'node:timers/promises'
import type { Random } from '../../fuzz/random.ts'
import type { MortalServer } from './servers.ts'
import { type KnownTask, type Write, writePlans } from './writes.ts'

/** What the writers were told, for comparing it with the log. */
export interface Ledger {
  /** Versions that were acknowledged, as `id@version`, with the title that came with them. */
  acknowledged: Map<string, string | undefined>
  /** Answers without a version: how often the task was deleted. */
  deleted: Map<string, number>
  /** Writes whose answer did not come, or that may have been made although it was an error. */
  unknown: Write[]
  /** Events that are in the log for sure. */
  events: number
  /** Requests by what became of them, like "201" or "refused: NOT_FOUND". */
  answers: Map<string, number>
}

export interface Writers {
  ledger: Ledger
  stop(): Promise<void>
}

export interface WritersOptions {
  servers: readonly MortalServer[]
  token: string
  count: number
  projectIds: readonly string[]
  random: Random
}

const PATIENCE_MS = 60_000
/** As long as nobody listens. */
const NO_ANSWER_PAUSE_MS = 20

interface ShownTask {
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

  function acknowledge(write: Write, shown: readonly ShownTask[]): void {
    for (const { id, version, projectId } of shown) {
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
      // Nobody listened: nothing was sent.
      const refused = (error as { cause?: { code?: string } }).cause?.code === 'ECONNREFUSED'
      note(refused ? 'not sent' : 'no answer')
      if (!refused) ledger.unknown.push(wanted)
      await wait(NO_ANSWER_PAUSE_MS)
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
    signal: AbortSignal.timeout(PATIENCE_MS),
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: text ? JSON.parse(text) : undefined }
}

const sendRest = (url: string, token: string, { rest: { method, path, body } }: Write) =>
  send(`${url}/api/v1${path}`, method, token, body)

const sendGraphql = (url: string, token: string, { graphql }: Write) => send(`${url}/graphql`, 'POST', token, graphql)

/** The tasks in the answer of one write, or of a batch. */
function tasksIn(answer: object): ShownTask[] {
  if ('version' in answer) return [answer as ShownTask]
  if ('outcomes' in answer) return (answer.outcomes as { task: ShownTask | null }[]).flatMap(({ task }) => task ?? [])
  return Object.values(answer).flatMap((inner) => (inner && typeof inner === 'object' ? tasksIn(inner) : []))
}
