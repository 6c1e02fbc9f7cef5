// The board: what it holds, and how it is shown again after a change.

import { html, nothing, render } from '../lit/lit-html.js'
import { currentSession, sessionEvents } from '../shared/session.js'
import { signInForm } from '../shared/sign-in.js'
import { moveTask, taskCreation } from './actions.js'
import { activityBar, filterBar, noticesView, topBar } from './bar.js'
import { columnsView } from './columns.js'
import { dialogView } from './dialog.js'
import { enableDrag } from './drag.js'
import { enableFileDrop } from './drop.js'
import { openEditor, showComments, takeTheirs } from './editor.js'
import { attach, showFiles } from './files.js'
import { createMatch, isFiltered, NO_FILTER } from './filter.js'
import { describePlace, placeForKey } from './keys.js'
import { loadProjects } from './load.js'
import { createStore, STATUSES } from './store.js'
import { openProject } from './sync.js'

const root = document.querySelector('#app')
const WRITERS = ['OWNER', 'EDITOR']
const NOTICE_MS = 6_000

const board = {
  ...{
    projects: [],
    project: undefined,
    store: createStore(),
    people: [],
    labels: [],
    activity: [],
    notices: [],
    uploads: [],
  },
  ...{ filter: NO_FILTER, editor: undefined, adding: undefined, stream: 'off', loading: true, spoken: '' },
  /** The last person who changed a task, by its id. */
  actors: new Map(),
  /** Cards to highlight, with who changed them and until when. */
  fresh: new Map(),
  get me() {
    return currentSession()?.user
  },
  get role() {
    return this.people.find(({ id }) => id === this.me?.id)?.role
  },
  get canWrite() {
    return this.me?.role === 'ADMIN' || WRITERS.includes(this.role)
  },
  get canComment() {
    return this.canWrite || this.role === 'COMMENTER'
  },
  changed,
  set(values) {
    Object.assign(board, values)
    changed()
  },
  lastActor: (id) => board.actors.get(id)?.name,
  notify(notice) {
    board.notices = [...board.notices.slice(-2), notice]
    changed()
    if (!notice.action) setTimeout(() => board.dismiss(notice), NOTICE_MS)
  },
  dismiss(notice) {
    board.set({ notices: board.notices.filter((one) => one !== notice) })
  },
  onTask(id, task, actor) {
    if (board.editor?.id !== id || !task || task.version <= board.editor.base.version) return
    takeTheirs(board, task, actor?.name)
  },
  onComment({ changes }) {
    const taskId = changes.find(({ field }) => field === 'taskId')?.to
    if (board.editor && (taskId === undefined || taskId === board.editor.id)) void showComments(board, board.editor)
  },
  onFile: (taskId) => void showFiles(board, taskId),
  async add(input, create = taskCreation(input)) {
    try {
      board.store.apply(await create())
      changed()
    } catch (error) {
      const again = { name: 'Try again', run: () => board.add(input, create) }
      board.notify({ text: `“${input.title}” was not added. ${error.message}`, kind: 'bad', action: again })
    }
  },
  choose(id) {
    const project = board.projects.find((one) => one.id === id)
    if (!project) return
    history.replaceState(undefined, '', `#${project.key}`)
    void open(project)
  },
  reopen: () => void open(board.project),
}

let due = false
let opened = new AbortController()

/** Shows the board again, once for all changes of this moment. */
function changed() {
  if (due) return
  due = true
  queueMicrotask(show)
}

function show() {
  due = false
  if (!board.me) return void render(signedOut(), root)
  document.title = `${board.project?.name ?? 'Board'} · Taskwire`
  const match = createMatch(board.filter, board.me.id)
  const columns = board.store.byStatus()
  board.shown = isFiltered(board.filter)
    ? Object.fromEntries(STATUSES.map(({ id }) => [id, columns[id].filter(match)]))
    : columns
  const counts = {
    all: board.store.size(),
    shown: Object.values(board.shown).reduce((sum, list) => sum + list.length, 0),
  }
  render(
    html`<a class="skip" href="#main">Skip to the board</a>${topBar(board)} ${filterBar(board, counts)}
      ${columnsView(board, board.shown)} ${activityBar(board)} ${noticesView(board)}
      <p class="hidden" aria-live="assertive">${board.spoken}</p>
      ${board.editor ? dialogView(board) : nothing}`,
    root,
  )
  const dialog = root.querySelector('dialog')
  if (dialog && !dialog.open) dialog.showModal()
  fade()
}

const signedOut = () => html`<main class="welcome">
  <h1>Taskwire board</h1>
  ${signInForm(changed)}
  <p><a href="/">Back to the start page</a></p>
</main>`

/** Ends highlights whose time is over. */
function fade() {
  const now = Date.now()
  for (const [id, { until }] of board.fresh) if (until <= now) board.fresh.delete(id)
  const next = Math.min(...[...board.fresh.values()].map(({ until }) => until))
  if (Number.isFinite(next)) setTimeout(changed, next - now + 20)
}

async function open(project) {
  opened.abort()
  opened = new AbortController()
  const { signal } = opened
  board.set({ editor: undefined, adding: undefined })
  try {
    await openProject(board, project, signal)
  } catch (error) {
    if (!signal.aborted)
      board.notify({ text: error.message, kind: 'bad', action: { name: 'Try again', run: board.reopen } })
  }
}

async function start() {
  opened.abort()
  changed()
  if (!board.me) return
  board.projects = await loadProjects()
  const wanted = location.hash.slice(1)
  const project =
    board.projects.find(({ key }) => key === wanted) ??
    board.projects.find(({ name }) => name !== 'Inbox') ??
    board.projects[0]
  if (project) await open(project)
}

/** Moves a card by key, says where it went, and keeps the focus on it. */
async function moveByKey(event, id) {
  const task = Object.values(board.shown)
    .flat()
    .find((one) => one.id === id)
  const place = task && placeForKey(event.key, task, board.shown)
  if (!place) return
  event.preventDefault()
  board.set({ spoken: describePlace(task, place, board.shown) })
  const moving = moveTask(board, id, place)
  const focus = () => root.querySelector(`[data-grip="${CSS.escape(id)}"]`)?.focus()
  setTimeout(focus)
  await moving
  setTimeout(focus)
}

root.addEventListener('click', ({ target }) => {
  const { open: card, add } = target.closest('[data-open], [data-add]')?.dataset ?? {}
  if (card) openEditor(board, card)
  if (!add) return
  board.set({ adding: add })
  setTimeout(() => root.querySelector('#add-title')?.focus())
})
root.addEventListener('keydown', (event) => {
  const { grip } = event.target.dataset
  if (grip && event.key.startsWith('Arrow')) void moveByKey(event, grip)
})
enableDrag(root, {
  mayDrag: () => board.canWrite && !board.editor,
  drop: (id, { status, beforeId, afterId }) => moveTask(board, id, { status, beforeId, afterId }),
})
enableFileDrop({
  mayDrop: () => board.canWrite,
  openTask: () => board.editor?.id,
  drop(id, files, folders) {
    attach(board, id, files)
    if (folders > 0) board.notify({ text: 'A folder cannot be attached, only files.', kind: 'warn' })
  },
})
globalThis.addEventListener('beforeunload', (event) => {
  if (board.uploads.some(({ problem }) => !problem)) event.preventDefault()
})
globalThis.addEventListener('hashchange', () => {
  const project = board.projects.find(({ key }) => key === location.hash.slice(1))
  if (project && project !== board.project) void open(project)
})
sessionEvents.addEventListener('change', start)
void start()
