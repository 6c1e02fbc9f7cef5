// The dialog in which a task is read, edited and commented on.

import { repeat } from '../lit/directives/repeat.js'
import { html, nothing } from '../lit/lit-html.js'
import { faceView } from './card.js'
import { comment, remove, resolve, save } from './editor.js'
import { filesView } from './files-view.js'
import { FIELD_NAMES } from './merge.js'
import { STATUSES, statusName } from './store.js'

const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

export function dialogView(board) {
  const { editor } = board
  if (!editor) return nothing
  const close = () => board.set({ editor: undefined })
  return html`<dialog class="task" aria-labelledby="task-key" @cancel=${close} @close=${close}>
    <header>
      <h2 id="task-key"><span class="key">${editor.base.key}</span></h2>
      <button class="plain" aria-label="Close" @click=${close}>✕</button>
    </header>
    ${form(board)} ${filesView(board)} ${commentsView(board)}
  </dialog>`
}

function form(board) {
  const { draft, conflicts, problem, merged } = board.editor
  const set =
    (field, read = (value) => value) =>
    ({ target }) => {
      board.editor.draft = { ...board.editor.draft, [field]: read(target.value) }
      board.changed()
    }
  const setDue = ({ target }) => {
    board.editor.draft = { ...board.editor.draft, dueOn: target.value || null, dueAt: null }
    board.changed()
  }
  const submit = (event) => {
    event.preventDefault()
    void save(board)
  }
  const open = Object.keys(conflicts).length
  const off = !board.canWrite
  return html`<form @submit=${submit}>
    ${merged ? html`<p class="notice good" role="status">${merged}</p>` : nothing}
    ${Object.entries(conflicts).map(([field, theirs]) => conflictView(board, field, theirs))}
    <label>Title <input name="title" required maxlength="200" ?disabled=${off} .value=${draft.title} @input=${set('title')} /></label>
    <label
      >Description
      <textarea name="description" rows="4" maxlength="2000" ?disabled=${off} .value=${draft.description ?? ''} @input=${set('description', (text) => text || null)}></textarea>
    </label>
    <div class="row">
      <label
        >Status
        <select name="status" ?disabled=${off} @change=${set('status')}>
          ${STATUSES.map(({ id, name }) => html`<option value=${id} .selected=${id === draft.status}>${name}</option>`)}
        </select>
      </label>
      <label
        >Priority
        <select name="priority" ?disabled=${off} @change=${set('priority', Number)}>
          ${[1, 2, 3, 4, 5].map((level) => html`<option value=${level} .selected=${level === draft.priority}>P${level}</option>`)}
        </select>
      </label>
      <label
        >Due <input name="dueOn" type="date" ?disabled=${off} .value=${(draft.dueOn ?? draft.dueAt)?.slice(0, 10) ?? ''} @change=${setDue}
      /></label>
    </div>
    ${checks(board, 'assigneeIds', 'Assignees', board.people)} ${checks(board, 'labelIds', 'Labels', board.labels)}
    ${problem ? html`<p class="problem" role="alert">${problem}</p>` : nothing}
    <div class="row end">
      ${
        off
          ? html`<p class="quiet">You may read this project, not change it.</p>`
          : html`<button type="button" class="plain danger" @click=${() => remove(board)}>Move to trash</button>
              <button class="primary" ?disabled=${open > 0}>Save</button>`
      }
    </div>
  </form>`
}

function checks(board, field, title, options) {
  if (options.length === 0) return nothing
  const chosen = board.editor.draft[field] ?? []
  const toggle = (id) => () => {
    const next = chosen.includes(id) ? chosen.filter((other) => other !== id) : [...chosen, id]
    board.editor.draft = { ...board.editor.draft, [field]: next }
    board.changed()
  }
  return html`<fieldset ?disabled=${!board.canWrite}>
    <legend>${title}</legend>
    ${options.map(
      ({ id, name }) =>
        html`<label class="check"><input type="checkbox" .checked=${chosen.includes(id)} @change=${toggle(id)} /> ${name}</label>`,
    )}
  </fieldset>`
}

function conflictView(board, field, { value, who }) {
  const mine = board.editor.draft[field]
  return html`<div class="notice warn" role="alert" data-conflict=${field}>
    <p>
      You and ${who} both changed the <strong>${FIELD_NAMES[field]}</strong>. Theirs: “${shown(board, field, value)}”.
      Yours: “${shown(board, field, mine)}”.
    </p>
    <button type="button" @click=${() => resolve(board, field, mine)}>Keep mine</button>
    <button type="button" @click=${() => resolve(board, field, value)}>Take theirs</button>
  </div>`
}

function shown(board, field, value) {
  if (value === null || value === '') return 'nothing'
  if (field === 'status') return statusName(value)
  if (field === 'dueAt') return value.slice(0, 16).replace('T', ' ')
  const names = (list) => value.map((id) => list.find((one) => one.id === id)?.name ?? 'someone').join(', ') || 'nobody'
  if (field === 'assigneeIds') return names(board.people)
  if (field === 'labelIds') return names(board.labels)
  return String(value)
}

function commentsView(board) {
  const { comments } = board.editor
  const submit = async (event) => {
    event.preventDefault()
    const field = event.target.elements.body
    if (field.value.trim() && (await comment(board, field.value))) field.value = ''
  }
  return html`<section class="comments" aria-labelledby="comments-title">
    <h3 id="comments-title">Comments</h3>
    ${comments === undefined ? html`<p class="quiet">Loading …</p>` : nothing}
    <ol>
      ${repeat(
        comments ?? [],
        ({ id }) => id,
        ({ author, body, createdAt }) =>
          html`<li>
            <p>${author ? faceView(author) : nothing} <strong>${author?.name ?? 'Deleted account'}</strong> <time>${TIME.format(new Date(createdAt))}</time></p>
            <p class="body">${body}</p>
          </li>`,
      )}
    </ol>
    ${
      board.canComment
        ? html`<form @submit=${submit}>
            <label>Comment <textarea name="body" rows="2" maxlength="10000"></textarea></label>
            <button>Send</button>
          </form>`
        : nothing
    }
  </section>`
}
