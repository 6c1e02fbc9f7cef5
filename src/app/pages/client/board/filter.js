// What the board shows of its tasks.

export const NO_FILTER = { text: '', assignee: '', label: '', priority: '' }

export const isFiltered = (filter) => Object.values(filter).some((value) => value !== '')

/** Returns a function that tells if a task is shown. */
export function createMatch(filter, myId) {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean)
  const assignee = filter.assignee === 'me' ? myId : filter.assignee
  const least = Number(filter.priority || 1)
  return (task) => {
    if (task.priority < least) return false
    if (filter.label && !task.labelIds.includes(filter.label)) return false
    if (assignee === 'none' ? task.assigneeIds.length > 0 : assignee && !task.assigneeIds.includes(assignee))
      return false
    if (words.length === 0) return true
    const text = `${task.key} ${task.title} ${task.description ?? ''}`.toLowerCase()
    return words.every((word) => text.includes(word))
  }
}
