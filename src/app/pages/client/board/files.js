// Files on tasks: sending, listing, saving and deleting them.

import { api } from '../shared/api.js'
import { fetchFile, sendFile } from '../shared/transfer.js'
import { randomKey } from './actions.js'
import { loadFiles } from './load.js'

const DONE_SHOWN_MS = 4_000
/** The server limits how much one user does at a time, and several files are no faster together. */
let queue = Promise.resolve()

/** Attaches files to a task, one after the other, even if its dialog is closed meanwhile. */
export function attach(board, taskId, files) {
  for (const file of files) enqueue(board, { id: randomKey(), taskId, file, done: 0, problem: '' })
}

function enqueue(board, upload) {
  upload.stop = new AbortController()
  upload.problem = ''
  upload.done = 0
  board.set({ uploads: [...board.uploads.filter((one) => one !== upload), upload] })
  queue = queue.then(() => send(board, upload))
}

async function send(board, upload) {
  const { id, taskId, file, stop } = upload
  if (stop.signal.aborted) return
  try {
    await sendFile(`POST /tasks/${taskId}/attachments`, {
      query: { filename: file.name },
      // Tried again, the file is not attached twice.
      headers: { 'Idempotency-Key': id },
      file,
      signal: stop.signal,
      onProgress(bytes) {
        upload.done = bytes
        board.changed()
      },
    })
    drop(board, upload)
    say(board, taskId, `${file.name} is attached.`)
    await showFiles(board, taskId)
  } catch (error) {
    if (stop.signal.aborted) return
    upload.problem = error.message
    board.changed()
    // In the open dialog, the problem stands beside the file.
    if (board.editor?.id !== taskId) tell(board, upload)
  }
}

function tell(board, upload) {
  const key = board.store.get(upload.taskId)?.key ?? 'the task'
  board.notify({
    text: `${upload.file.name} was not attached to ${key}. ${upload.problem}`,
    kind: 'bad',
    action: { name: 'Try again', run: () => enqueue(board, upload) },
  })
}

export const tryAgain = (board, upload) => enqueue(board, upload)

/** Stops an upload, or forgets one that failed. */
export function cancel(board, upload) {
  upload.stop.abort()
  drop(board, upload)
}

function drop(board, upload) {
  board.set({ uploads: board.uploads.filter((one) => one !== upload) })
}

/** Returns how much of the files of a task has been sent, from 0 to 1, or undefined if none is on its way. */
export function progressOf(board, taskId) {
  const sending = board.uploads.filter((upload) => upload.taskId === taskId && !upload.problem)
  if (sending.length === 0) return undefined
  const total = sending.reduce((sum, { file }) => sum + file.size, 0)
  return total === 0 ? 0 : sending.reduce((sum, { done, file }) => sum + Math.min(done, file.size), 0) / total
}

/** Loads the files of the task if it is open. */
export async function showFiles(board, taskId) {
  if (board.editor?.id !== taskId) return
  const files = await loadFiles(taskId).catch(() => [])
  if (board.editor?.id !== taskId) return
  board.editor.files = files
  board.changed()
}

/** Saves a file as the browser saves downloads. A link cannot send the token, so it is fetched first. */
export async function saveFile(board, { id, taskId, filename, size }) {
  const { editor } = board
  const onProgress = (bytes) => {
    editor.fetching = { id, done: bytes, size }
    board.changed()
  }
  onProgress(0)
  try {
    const link = document.createElement('a')
    link.href = URL.createObjectURL(await fetchFile(`GET /attachments/${id}/content`, { onProgress }))
    link.download = filename
    link.click()
    // The browser needs the address for a moment, to start saving.
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
    say(board, taskId, `${filename} is saved.`)
  } catch (error) {
    say(board, taskId, `${filename} was not saved. ${error.message}`, 'bad')
  } finally {
    editor.fetching = undefined
    board.changed()
  }
}

/** Asks the first time, deletes the second time. */
export async function deleteFile(board, { id, taskId, filename }) {
  const { editor } = board
  if (editor.deleting !== id) {
    editor.deleting = id
    return say(board, taskId, `Press again to delete ${filename} for good.`)
  }
  editor.deleting = undefined
  try {
    await api(`DELETE /attachments/${id}`)
    editor.files = editor.files?.filter((file) => file.id !== id)
    say(board, taskId, `${filename} is deleted.`)
  } catch (error) {
    say(board, taskId, `${filename} was not deleted. ${error.message}`, 'bad')
  }
}

/** Says something in the dialog of a task, or on the board if that is closed. */
function say(board, taskId, text, kind = 'good') {
  const { editor } = board
  if (editor?.id !== taskId) return board.notify({ text: `${board.store.get(taskId)?.key ?? 'A task'}: ${text}`, kind })
  const said = { text, kind }
  editor.said = said
  board.changed()
  setTimeout(() => {
    if (editor.said !== said) return
    editor.said = undefined
    board.changed()
  }, DONE_SHOWN_MS)
}
