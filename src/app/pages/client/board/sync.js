// Keeps a board current: a snapshot of a project, then the event stream from the same cursor.

import { follow } from '../shared/live.js'
import { loadCursor, loadLabels, loadPeople, loadTasks } from './load.js'
import { FIELD_NAMES } from './merge.js'
import { createStore, statusName } from './store.js'

const ACTIVITY_SHOWN = 30
const FRESH_MS = 4_000
/** Events that arrive within this time after a new connection were missed during the cut. */
const CATCH_UP_MS = 5_000
/** If none arrives for this long after another, all that were missed have arrived. */
const QUIET_MS = 1_000
/** A shorter cut is mentioned only if something was missed. Tokens that expire cause them. */
const LONG_CUT_MS = 3_000

/** Opens a project on the board and follows it until the signal aborts. */
export async function openProject(board, project, signal) {
  Object.assign(board, { project, store: createStore(), people: [], labels: [], activity: [], loading: true })
  board.actors.clear()
  board.changed()
  const keep = (values) => {
    signal.throwIfAborted()
    Object.assign(board, values)
  }
  const refresh = {
    member: async () => keep({ people: await loadPeople(project.id) }),
    label: async () => keep({ labels: await loadLabels(project.id) }),
  }
  const cursor = await loadCursor()
  if (signal.aborted) return
  const store = board.store
  const catchUp = createCatchUp(board)
  const endStream = follow({
    query: { projectId: project.id, include: 'actor' },
    after: cursor,
    onState: catchUp.onState,
    onExpired: () => board.reopen(),
    onEvent(event) {
      const [noun] = event.type.split('.')
      if (noun === 'task') applyTask(board, store, event)
      else if (noun === 'comment') board.onComment(event)
      else if (noun === 'attachment') applyFile(board, store, event)
      else if (refresh[noun]) void refresh[noun]().then(board.changed, () => undefined)
      catchUp.onEvent()
      board.changed()
    },
  })
  signal.addEventListener('abort', endStream)
  const onPage = (tasks) => {
    signal.throwIfAborted()
    for (const task of tasks) store.apply(task)
    board.changed()
  }
  await Promise.all([refresh.member(), refresh.label(), loadTasks(project.id, onPage)])
  board.loading = false
  board.changed()
}

function applyTask(board, store, event) {
  const { task, taskId, actor, version } = event
  const before = store.get(taskId)
  const here = task && task.projectId === board.project.id && task.deletedAt === null
  const isNews = here ? store.apply(task) : store.remove(taskId, version)
  if (actor) board.actors.set(taskId, actor)
  board.onTask(taskId, task, actor)
  // The answer to an own change may have come first.
  if (isNews) board.fresh.set(taskId, { actor, until: Date.now() + FRESH_MS })
  const text = describe(event, task ?? before)
  if (text) note(board, { cursor: event.cursor, text, actor })
}

function applyFile(board, store, { type, subjectId, actor, changes, cursor }) {
  const added = type === 'attachment.created'
  // The event of a deletion names only the file's id.
  const open = board.editor?.files?.find(({ id }) => id === subjectId)
  const { taskId, filename = 'a file' } = added
    ? Object.fromEntries(changes.map(({ field, to }) => [field, to]))
    : (open ?? {})
  if (taskId) board.onFile(taskId)
  const key = store.get(taskId)?.key
  const where = key ? ` ${added ? 'to' : 'from'} ${key}` : ''
  if (key || !added) note(board, { cursor, actor, text: `${added ? 'attached' : 'deleted'} ${filename}${where}` })
}

function note(board, line) {
  board.activity = [line, ...board.activity].slice(0, ACTIVITY_SHOWN)
}

function describe({ type, changes }, task) {
  if (!task) return undefined
  const name = `${task.key} ${task.title}`
  if (type === 'task.created') return `added ${name}`
  if (type === 'task.deleted') return `deleted ${name}`
  if (type === 'task.restored') return `restored ${name}`
  if (type === 'task.removed') return `moved ${name} to another project`
  const status = changes.find(({ field }) => field === 'status')
  if (status) return `moved ${name} to ${statusName(status.to)}`
  const fields = changes.map(({ field }) => FIELD_NAMES[field]).filter(Boolean)
  return fields.length > 0 ? `changed the ${fields.join(', ')} of ${name}` : `moved ${name}`
}

/** Shows the state of the connection, and after a cut how many changes it had missed. */
function createCatchUp(board) {
  let cutAt
  let wasLong = false
  /** Undefined unless it is catching up. */
  let missed
  let latest
  let timer

  function tellAfter(ms) {
    clearTimeout(timer)
    timer = setTimeout(tell, ms)
  }

  function tell() {
    const changes = missed === 1 ? '1 change' : `${missed} changes`
    const text = `Connected again. ${missed ? `${changes} caught up.` : 'Nothing was missed.'}`
    if (missed || wasLong) board.notify({ text, kind: 'good' })
    missed = undefined
  }

  return {
    onEvent() {
      if (missed === undefined) return
      missed++
      tellAfter(Math.min(QUIET_MS, latest - Date.now()))
    },
    onState(state) {
      board.stream = state
      board.changed()
      if (state === 'cut') cutAt ??= Date.now()
      if (state !== 'live' || cutAt === undefined) return
      wasLong = Date.now() - cutAt > LONG_CUT_MS
      cutAt = undefined
      missed ??= 0
      latest = Date.now() + CATCH_UP_MS
      tellAfter(CATCH_UP_MS)
    },
  }
}
