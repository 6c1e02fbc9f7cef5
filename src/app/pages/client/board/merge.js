// Three-way merge of a task that two people edit.

export const EDITABLE = ['title', 'description', 'status', 'priority', 'dueOn', 'dueAt', 'assigneeIds', 'labelIds']

export const FIELD_NAMES = {
  title: 'title',
  description: 'description',
  status: 'status',
  priority: 'priority',
  dueOn: 'due date',
  dueAt: 'due time',
  assigneeIds: 'assignees',
  labelIds: 'labels',
}

const key = (value) => JSON.stringify(Array.isArray(value) ? [...value].sort() : (value ?? null))
export const same = (a, b) => key(a) === key(b)

export const editableOf = (task) => Object.fromEntries(EDITABLE.map((field) => [field, task[field] ?? null]))

/** Returns the fields in which the draft differs from what it started from. */
export const changesOf = (base, draft) =>
  Object.fromEntries(EDITABLE.filter((field) => !same(base[field], draft[field])).map((field) => [field, draft[field]]))

/**
 * Moves a draft onto a newer task. Fields that only one side changed are merged.
 * Returns the new draft, the fields taken over, and the conflicts: fields that both changed, with the other value.
 */
export function rebase({ base, draft, theirs }) {
  const merged = { ...draft }
  const taken = []
  const conflicts = {}
  for (const field of EDITABLE) {
    if (same(base[field], theirs[field]) || same(draft[field], theirs[field])) continue
    if (same(base[field], draft[field])) {
      merged[field] = theirs[field] ?? null
      taken.push(field)
    } else conflicts[field] = theirs[field] ?? null
  }
  return { draft: merged, taken, conflicts }
}
