// Changes to tasks. Each sends the version that it is based on.

import { api } from '../shared/api.js'
import { isConflict, loadTask } from './load.js'
import { statusName } from './store.js'

const ifMatch = (version) => ({ 'If-Match': `"v${version}.0"` })
const idempotent = () => ({ 'Idempotency-Key': randomKey() })

/** `crypto.randomUUID` exists only in secure contexts. */
export const randomKey = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16)).join('-')

/** Returns a function that creates a task. Called again, it does not create a second one. */
export function taskCreation(input) {
  const headers = idempotent()
  return () => api('POST /tasks', { body: input, headers })
}

export const deleteTask = ({ id, version }) => api(`DELETE /tasks/${id}`, { headers: ifMatch(version) })

export const createComment = (taskId, body) =>
  api(`POST /tasks/${taskId}/comments`, { body: { body }, headers: idempotent() })

/** Changes fields of a task. Throws a Refusal with status 412 if somebody else has changed it since. */
export const updateTask = ({ id, version }, changes) =>
  api(`PATCH /tasks/${id}`, { body: changes, headers: ifMatch(version) })

const sendMove = ({ id, version }, to) => api(`POST /tasks/${id}/position`, { body: to, headers: ifMatch(version) })

/**
 * Moves a task to a status and a place in it, shown at once. If somebody else has moved it
 * meanwhile, theirs stays and a notice offers to move it anyway; other changes do not matter.
 */
export async function moveTask(board, id, to) {
  const task = board.store.get(id)
  board.store.setMove(id, to)
  board.changed()
  try {
    board.store.apply(await sendMove(task, to))
  } catch (error) {
    if (isConflict(error)) await moveAgain(board, task, to)
    else board.notify({ text: `${task.key} was not moved. ${error.message}`, kind: 'bad' })
  } finally {
    board.store.setMove(id, undefined)
    board.changed()
  }
}

async function moveAgain(board, task, to) {
  const theirs = await loadTask(task.id)
  board.store.apply(theirs)
  if (theirs.status === task.status && theirs.rank === task.rank) {
    board.store.apply(await sendMove(theirs, to))
    return
  }
  const who = board.lastActor(task.id) ?? 'Someone'
  board.notify({
    text: `${who} moved ${task.key} to ${statusName(theirs.status)} at the same time.`,
    kind: 'warn',
    action: { name: `Move it to ${statusName(to.status)}`, run: () => moveTask(board, task.id, to) },
  })
}
