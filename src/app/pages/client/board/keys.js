// Moving a card with the arrow keys on its grip.

import { STATUSES, statusName } from './store.js'

/** Returns where an arrow key moves a card, or undefined if it is at the edge. `shown` are the cards by status. */
export function placeForKey(key, task, shown) {
  const column = shown[task.status]
  const index = column.findIndex(({ id }) => id === task.id)
  const { status } = task
  if (key === 'ArrowUp') return index > 0 ? { status, beforeId: column[index - 1].id } : undefined
  if (key === 'ArrowDown') return index < column.length - 1 ? { status, afterId: column[index + 1].id } : undefined
  const step = key === 'ArrowRight' ? 1 : key === 'ArrowLeft' ? -1 : 0
  const next = step && STATUSES[STATUSES.findIndex(({ id }) => id === status) + step]
  if (!next) return undefined
  const first = shown[next.id][0]
  return { status: next.id, ...(first && { beforeId: first.id }) }
}

/** Describes a place to a screen reader. */
export function describePlace(task, { status, beforeId, afterId }, shown) {
  const rest = shown[status].filter(({ id }) => id !== task.id)
  const before = rest.findIndex(({ id }) => id === beforeId)
  const after = rest.findIndex(({ id }) => id === afterId)
  const place = before >= 0 ? before : after >= 0 ? after + 1 : rest.length
  return `${task.key}: ${statusName(status)}, ${place + 1} of ${rest.length + 1}`
}
