// The tasks of one project: what the server has confirmed, and moves that wait for its answer.

export const STATUSES = [
  { id: 'PENDING', name: 'To do' },
  { id: 'IN_PROGRESS', name: 'In progress' },
  { id: 'COMPLETED', name: 'Completed' },
  { id: 'CANCELLED', name: 'Cancelled' },
]

export const statusName = (id) => STATUSES.find((status) => status.id === id)?.name ?? id

const byRank = (a, b) => (a.rank === b.rank ? compare(a.id, b.id) : compare(a.rank, b.rank))
const compare = (a, b) => (a < b ? -1 : 1)

export function createStore() {
  const tasks = new Map()
  /** Versions of tasks that are gone, so that an older answer does not bring them back. */
  const gone = new Map()
  /** Moves that the server has not answered, by task: `{status, beforeId, afterId}`. */
  const moves = new Map()
  let columns

  /** Takes a task from the server. Returns false if it is not newer than what is known. */
  function apply(task) {
    const known = tasks.get(task.id)?.version ?? gone.get(task.id) ?? -1
    if (task.version <= known && tasks.has(task.id)) return false
    if (task.version < known) return false
    tasks.set(task.id, task)
    gone.delete(task.id)
    columns = undefined
    return true
  }

  function remove(id, version) {
    const known = tasks.get(id)
    if (known && known.version > version) return false
    gone.set(id, version)
    columns = undefined
    return tasks.delete(id)
  }

  function setMove(id, move) {
    if (move) moves.set(id, move)
    else moves.delete(id)
    columns = undefined
  }

  /** Returns the tasks of each status in order, moves included. */
  function byStatus() {
    columns ??= sorted(tasks, moves)
    return columns
  }

  return {
    apply,
    remove,
    setMove,
    byStatus,
    get: (id) => tasks.get(id),
    isMoving: (id) => moves.has(id),
    size: () => tasks.size,
  }
}

function sorted(tasks, moves) {
  const columns = Object.fromEntries(STATUSES.map(({ id }) => [id, []]))
  for (const task of tasks.values()) if (!moves.has(task.id)) columns[task.status]?.push(task)
  for (const column of Object.values(columns)) column.sort(byRank)
  for (const [id, { status, beforeId, afterId }] of moves) {
    const task = tasks.get(id)
    const column = columns[status]
    if (!task || !column) continue
    const before = column.findIndex((other) => other.id === beforeId)
    const after = column.findIndex((other) => other.id === afterId)
    column.splice(before >= 0 ? before : after >= 0 ? after + 1 : column.length, 0, { ...task, status })
  }
  return columns
}
