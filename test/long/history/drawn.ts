import { randomUUID } from 'node:crypto'
import type { LoggedEvent } from '../../../src/events/log.ts'
import type { Random } from '../../support/random.ts'
import { type History, newHistory, type TaskCall, type TaskState } from './record.ts'

const PROJECTS = ['here', 'there']
const TASKS = 4
/** Of each task. The search for an order has to try many if more overlap. */
const CALLS = 20
const REACH_MS = 3

type Task = TaskState & { id: string; deleted: boolean }

/** Draws a history of a correct server, with its log: each call takes effect at one moment in it. */
export function drawHistory(random: Random): { history: History; log: LoggedEvent[] } {
  const history = newHistory()
  const log: LoggedEvent[] = []
  const tasks: Task[] = []
  let now = 10

  const around = () => ({ start: now - random.below(REACH_MS * 10) / 10, end: now + random.below(REACH_MS * 10) / 10 })
  const note = (call: Omit<TaskCall, 'start' | 'end'>) => {
    const isUnknown = call.outcome === 'ok' && call.kind !== 'read' && random.chance(0.1)
    const { start, end } = around()
    history.tasks.push(
      isUnknown
        ? { ...call, outcome: 'unknown', answer: undefined, start, end: Number.POSITIVE_INFINITY }
        : { ...call, start, end },
    )
  }
  const append = (type: string, { id, version, projectId }: Task, title?: string) =>
    log.push({
      position: BigInt(log.length + 1),
      type,
      projectId,
      subjectId: id,
      actorId: null,
      version,
      changes: title === undefined ? {} : { title: { from: null, to: title } },
      at: new Date(0),
      state: null,
    })
  const answerOf = ({ version, title, projectId }: Task): TaskState => ({ version, title, projectId })

  function create(): void {
    const task = { id: randomUUID(), version: 1, title: randomUUID(), projectId: random.pick(PROJECTS), deleted: false }
    tasks.push(task)
    append('task.created', task, task.title)
    const { id: taskId, title, projectId } = task
    note({ kind: 'create', outcome: 'ok', taskId, title, projectId, answer: answerOf(task) })
  }

  function change(task: Task): void {
    const { id: taskId } = task
    const kind = random.pick(['update', 'update', 'move', 'delete', 'restore', 'read'] as const)
    const [title, projectId] = [randomUUID(), random.pick(PROJECTS)]
    const facts = { kind, taskId, ...(kind === 'update' && { title }), ...(kind === 'move' && { projectId }) }
    if (task.deleted && kind !== 'restore') return void note({ ...facts, outcome: 'missing' })
    if (kind === 'update' && random.chance(0.2)) {
      return void note({ ...facts, outcome: 'conflict', expected: task.version + 1 })
    }
    const isIdle =
      kind === 'read' || (kind === 'move' ? projectId === task.projectId : kind === 'restore' && !task.deleted)
    if (!isIdle) task.version++
    if (kind === 'update') task.title = title
    if (kind === 'move') task.projectId = projectId
    if (kind === 'delete' || kind === 'restore') task.deleted = kind === 'delete'
    const type = kind === 'delete' ? 'task.deleted' : kind === 'restore' ? 'task.restored' : 'task.updated'
    if (!isIdle) append(type, task, kind === 'update' ? title : undefined)
    note({ ...facts, outcome: 'ok', ...(kind !== 'delete' && { answer: answerOf(task) }) })
  }

  for (let turn = 0; turn < TASKS * CALLS; turn++) {
    now++
    if (tasks.length < TASKS && random.chance(0.2)) create()
    else if (tasks.length > 0) change(random.pick(tasks))
    if (!random.chance(0.2)) continue
    const projectId = random.pick(PROJECTS)
    const shown = tasks.filter((task) => task.projectId === projectId && !task.deleted)
    const { start, end } = around()
    history.lists.push({ start, end, projectId, tasks: new Map(shown.map((task) => [task.id, answerOf(task)])) })
  }
  return { history, log }
}
