// The columns of the board.

import { repeat } from '../lit/directives/repeat.js'
import { html, nothing } from '../lit/lit-html.js'
import { cardView } from './card.js'
import { STATUSES } from './store.js'

export function columnsView(board, shown) {
  return html`<main class="columns" id="main" aria-busy=${board.loading}>
    ${STATUSES.map(({ id, name }) => columnView(board, id, name, shown[id]))}
  </main>`
}

function columnView(board, status, name, tasks) {
  return html`<section class="column" data-status=${status} aria-labelledby="column-${status}">
    <header>
      <h2 id="column-${status}">${name} <span class="count">${tasks.length}</span></h2>
      ${
        board.canWrite
          ? html`<button class="plain add" data-add=${status} aria-label="Add a task to ${name}">+ Add</button>`
          : nothing
      }
    </header>
    ${board.adding === status ? addForm(board, status, name) : nothing}
    <ul class="cards" tabindex="-1">
      ${repeat(
        tasks,
        ({ id }) => id,
        (task) => cardView(board, task),
      )}
    </ul>
    ${tasks.length === 0 && !board.loading ? html`<p class="empty">No tasks</p>` : nothing}
  </section>`
}

function addForm(board, status, name) {
  const submit = (event) => {
    event.preventDefault()
    const field = event.target.elements.title
    const title = field.value.trim()
    if (!title) return
    field.value = ''
    void board.add({ title, status, projectId: board.project.id })
  }
  const close = ({ key }) => {
    if (key === 'Escape') board.set({ adding: undefined })
  }
  return html`<form class="add-form" @submit=${submit} @keydown=${close}>
    <label class="hidden" for="add-title">Title of the new task in ${name}</label>
    <input id="add-title" name="title" maxlength="200" placeholder="Title" autocomplete="off" />
    <button class="primary">Add</button>
    <button type="button" @click=${() => board.set({ adding: undefined })}>Done</button>
  </form>`
}
