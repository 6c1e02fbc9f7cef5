// The state of the dialog in which a task is edited.

import { createComment, deleteTask, updateTask } from './actions.js'
import { showFiles } from './files.js'
import { isConflict, loadComments, loadTask } from './load.js'
import { changesOf, editableOf, FIELD_NAMES, rebase } from './merge.js'

/** Opens a task in the dialog. */
export function openEditor(board, id) {
  const base = board.store.get(id)
  if (!base) return
  const shown = { merged: '', problem: '', comments: undefined, files: undefined, said: undefined }
  const editor = { id, base, draft: editableOf(base), conflicts: {}, ...shown }
  board.set({ editor })
  void showComments(board, editor)
  void showFiles(board, id)
}

export async function showComments(board, editor) {
  const comments = await loadComments(editor.id).catch(() => [])
  if (board.editor?.id === editor.id) {
    board.editor.comments = comments
    board.changed()
  }
}

/** Takes a newer version of the open task into the draft, and shows what conflicts. */
export function takeTheirs(board, theirs, who = 'Someone') {
  const { editor } = board
  const { draft, taken, conflicts } = rebase({ ...editor, theirs })
  const merged =
    taken.length > 0
      ? `${who} changed the ${taken.map((field) => FIELD_NAMES[field]).join(', ')}. It is merged here.`
      : ''
  const earlier = Object.fromEntries(Object.entries(editor.conflicts).filter(([field]) => !(field in conflicts)))
  const added = Object.fromEntries(Object.entries(conflicts).map(([field, value]) => [field, { value, who }]))
  Object.assign(editor, { base: theirs, draft, merged: merged || editor.merged, conflicts: { ...earlier, ...added } })
  board.changed()
}

/** Ends a conflict with one of the two values. */
export function resolve(board, field, value) {
  const { editor } = board
  editor.draft = { ...editor.draft, [field]: value }
  const { [field]: _, ...rest } = editor.conflicts
  editor.conflicts = rest
  board.changed()
}

export async function save(board) {
  const { editor } = board
  const changes = changesOf(editor.base, editor.draft)
  if (Object.keys(changes).length === 0) return board.set({ editor: undefined })
  editor.problem = ''
  try {
    board.store.apply(await updateTask(editor.base, changes))
    board.set({ editor: undefined })
  } catch (error) {
    if (!isConflict(error)) return fail(board, error)
    const theirs = await loadTask(editor.id)
    board.store.apply(theirs)
    if (theirs.version > editor.base.version) takeTheirs(board, theirs, board.lastActor(editor.id))
    // What only one side changed is merged, so there is nothing to ask.
    if (Object.keys(editor.conflicts).length === 0) await save(board)
  }
}

export async function comment(board, body) {
  try {
    await createComment(board.editor.id, body)
    await showComments(board, board.editor)
    return true
  } catch (error) {
    fail(board, error)
    return false
  }
}

export async function remove(board) {
  const { base } = board.editor
  try {
    await deleteTask(base)
    board.store.remove(base.id, base.version + 1)
    board.set({ editor: undefined })
  } catch (error) {
    if (isConflict(error)) takeTheirs(board, await loadTask(base.id), board.lastActor(base.id))
    fail(board, error)
  }
}

function fail(board, error) {
  if (board.editor) board.editor.problem = error.message
  board.changed()
}
