import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Random } from '../../support/random.ts'
import type { Answered, Send, Sent } from './client.ts'
import type { History, Outcome, TaskCall, TaskState } from './record.ts'
import type { Stage } from './stage.ts'

export interface WorkerOptions {
  servers: readonly { url: string }[]
  send: Send
  owner: string
  random: Random
  stage: Stage
  history: History
  /** True once it must end. */
  stopped: () => boolean
}

/** Pause between two calls of a worker, and after a failure, in milliseconds. */
const PAUSE_MS = 25
const FAILED_PAUSE_MS = 150

/** Runs random operations on random servers, one after another, and records everything. */
export async function runWorker(options: WorkerOptions): Promise<void> {
  const { servers, random, stage, history, owner, stopped } = options
  const call = (sent: Omit<Sent, 'token'>) => options.send(random.pick(servers), { token: owner, ...sent })

  function note(answered: Answered, facts: Pick<TaskCall, 'kind' | 'taskId'> & Partial<TaskCall>): Answered {
    const outcome = outcomeOf(answered.status)
    if (outcome === undefined) return answered
    const { start, end, body } = answered
    const answer = outcome === 'ok' && body ? stateOf(body) : undefined
    history.tasks.push({ ...facts, start, end, outcome, answer })
    return answered
  }

  async function create(): Promise<Answered> {
    if (stage.isFull) await stage.renew()
    const [title, projectId] = [randomUUID(), stage.project(random)]
    const attempt = async () => {
      const headers = { 'idempotency-key': title }
      const answered = await call({ method: 'POST', path: '/tasks', body: { title, projectId }, headers })
      const taskId = answered.status === 201 ? (answered.body.id as string) : undefined
      note(answered, { kind: 'create', taskId, title, projectId })
      if (taskId) stage.add(taskId)
      return answered
    }
    // Some send it again before they have an answer.
    const attempts = await Promise.all(random.chance(0.2) ? [attempt(), attempt()] : [attempt()])
    for (let tries = 0; tries < 5 && !stopped(); tries++) {
      const last = attempts.at(-1) as Answered
      if (last.end < Number.POSITIVE_INFINITY && random.chance(0.9)) return last
      await wait(FAILED_PAUSE_MS)
      attempts.push(await attempt())
    }
    return attempts.at(-1) as Answered
  }

  async function read(taskId: string): Promise<Answered> {
    return note(await call({ method: 'GET', path: `/tasks/${taskId}` }), { kind: 'read', taskId })
  }

  async function update(taskId: string): Promise<Answered> {
    const title = randomUUID()
    const sent = { method: 'PATCH', path: `/tasks/${taskId}`, body: { title } }
    if (random.chance(0.4)) return note(await call(sent), { kind: 'update', taskId, title })
    const before = await read(taskId)
    if (before.status !== 200 || !before.etag) return before
    await wait(random.below(20))
    const answered = await call({ ...sent, headers: { 'if-match': before.etag } })
    return note(answered, { kind: 'update', taskId, title, expected: before.body.version })
  }

  async function move(taskId: string): Promise<Answered> {
    const projectId = stage.project(random)
    const answered = await call({ method: 'POST', path: `/tasks/${taskId}/move`, body: { projectId } })
    return note(answered, { kind: 'move', taskId, projectId })
  }

  async function remove(taskId: string): Promise<Answered> {
    return note(await call({ method: 'DELETE', path: `/tasks/${taskId}` }), { kind: 'delete', taskId })
  }

  async function restore(taskId: string): Promise<Answered> {
    return note(await call({ method: 'POST', path: `/tasks/${taskId}/restore` }), { kind: 'restore', taskId })
  }

  async function bulk(first: string): Promise<Answered> {
    const ids = [...new Set([first, ...Array.from({ length: 3 }, () => stage.pick(random) ?? first)])]
    const items = ids.map((id) => ({ id, title: randomUUID() }))
    const answered = await call({ method: 'PATCH', path: '/tasks/bulk', body: { items } })
    for (const [index, { id, title }] of items.entries()) {
      const found = answered.body?.outcomes?.[index]
      const status = answered.status === 200 ? statusOf(found) : answered.status
      note({ ...answered, status, body: found?.task }, { kind: 'update', taskId: id, title })
    }
    return answered
  }

  async function list(): Promise<Answered> {
    const projectId = stage.project(random)
    const path = `/tasks?projectId=${projectId}&limit=100&fields=id,version,title,projectId`
    const answered = await call({ method: 'GET', path })
    if (answered.status !== 200) return answered
    const { nodes, pageInfo } = answered.body as {
      nodes: (TaskState & { id: string })[]
      pageInfo: { hasNextPage: boolean }
    }
    if (pageInfo.hasNextPage) return answered
    const tasks = new Map(nodes.map((node) => [node.id, stateOf(node)]))
    history.lists.push({ start: answered.start, end: answered.end, projectId, tasks })
    return answered
  }

  // biome-ignore format: one line for each share
  const plans = [
    create, create, create, update, update, update, update, update, read, read, read,
    move, remove, restore, restore, bulk, list,
  ]

  while (!stopped()) {
    const task = stage.pick(random)
    const { status } = await (task === undefined ? create() : random.pick(plans)(task))
    await wait(status === 0 || status >= 500 ? FAILED_PAUSE_MS : random.below(PAUSE_MS * 2))
  }
}

const stateOf = ({ version, title, projectId }: TaskState): TaskState => ({ version, title, projectId })

/** Returns the status that the item of a batch would have had alone. */
function statusOf({ status, error }: { status: string; error: { code: string } | null }): number {
  if (status === 'SUCCEEDED') return 200
  return error?.code === 'NOT_FOUND' ? 404 : 400
}

/** Returns undefined if the answer says only that nothing was done. */
function outcomeOf(status: number): Outcome | undefined {
  if (status === 0 || status >= 500) return 'unknown'
  if (status < 300) return 'ok'
  if (status === 404) return 'missing'
  return status === 412 ? 'conflict' : undefined
}
