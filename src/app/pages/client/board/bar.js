// The bars above the columns: project, connection, account, filters, and what others do.

import { repeat } from '../lit/directives/repeat.js'
import { html, nothing } from '../lit/lit-html.js'
import { signOut } from '../shared/api.js'
import { faceView } from './card.js'
import { isFiltered, NO_FILTER } from './filter.js'

const CONNECTION = { live: 'Live', cut: 'Disconnected. Trying again …' }

export function topBar(board) {
  return html`<header class="bar">
    <a class="brand" href="/"><img src="/pages/shared/icon.svg" alt="" width="24" height="24" /> Taskwire</a>
    <h1 class="hidden">Board of ${board.project?.name}</h1>
    <label class="project"
      ><span class="hidden">Project</span>
      <select @change=${({ target }) => board.choose(target.value)}>
        ${board.projects.map(
          ({ id, key, name }) =>
            html`<option value=${id} ?selected=${id === board.project?.id}>${key}: ${name}</option>`,
        )}
      </select>
    </label>
    <p class="connection ${board.stream}" role="status">${CONNECTION[board.stream] ?? 'Connecting …'}</p>
    <p class="who">
      ${faceView(board.me)} <span class="name">${board.me.name}</span>
      <button class="plain" @click=${() => signOut()}>Sign out</button>
    </p>
  </header>`
}

export function filterBar(board, counts) {
  const { filter } = board
  const set = (field) => (event) => board.set({ filter: { ...filter, [field]: event.target.value } })
  return html`<form class="filters" role="search" @submit=${(event) => event.preventDefault()}>
    <label
      ><span class="hidden">Search</span>
      <input type="search" placeholder="Search" .value=${filter.text} @input=${set('text')} data-search />
    </label>
    ${choice('Assignee', filter.assignee, set('assignee'), [
      ['', 'Anyone'],
      ['me', 'Me'],
      ['none', 'Nobody'],
      ...board.people.filter(({ id }) => id !== board.me.id).map(({ id, name }) => [id, name]),
    ])}
    ${choice('Label', filter.label, set('label'), [['', 'Any label'], ...board.labels.map(({ id, name }) => [id, name])])}
    ${choice('Priority', filter.priority, set('priority'), [
      ['', 'Any priority'],
      ...[2, 3, 4, 5].map((least) => [String(least), least === 5 ? 'P5' : `P${least} and up`]),
    ])}
    ${
      isFiltered(filter)
        ? html`<button type="button" @click=${() => board.set({ filter: NO_FILTER })}>Clear</button>
            <span role="status">${counts.shown} of ${counts.all}</span>`
        : nothing
    }
  </form>`
}

const choice = (name, value, change, options) =>
  html`<label
    ><span class="hidden">${name}</span>
    <select @change=${change}>
      ${options.map(([id, text]) => html`<option value=${id} ?selected=${id === value}>${text}</option>`)}
    </select>
  </label>`

/** The newest changes, and who made them. */
export function activityBar(board) {
  return html`<aside class="activity" aria-label="Changes">
    <div role="log"><ol>
      ${repeat(
        board.activity.slice(0, 3),
        ({ cursor }) => cursor,
        ({ actor, text }) =>
          html`<li>${actor ? faceView(actor) : nothing} <strong>${nameOf(board, actor)}</strong> ${text}</li>`,
      )}
      ${board.activity.length === 0 ? html`<li class="quiet">Changes by you and others appear here.</li>` : nothing}
    </ol></div>
  </aside>`
}

const nameOf = (board, actor) => (actor ? (actor.id === board.me.id ? 'You' : actor.name) : 'The server')

export function noticesView(board) {
  return html`<div class="notices" role="status">
    ${board.notices.map(
      (notice) =>
        html`<div class="notice ${notice.kind}">
          <p>${notice.text}</p>
          ${
            notice.action
              ? html`<button
                  @click=${() => {
                    board.dismiss(notice)
                    void notice.action.run()
                  }}
                >
                  ${notice.action.name}
                </button>`
              : nothing
          }
          <button class="plain" aria-label="Dismiss" @click=${() => board.dismiss(notice)}>✕</button>
        </div>`,
    )}
  </div>`
}
