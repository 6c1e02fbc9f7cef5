// A card: one task in its column.

import { guard } from '../lit/directives/guard.js'
import { html, nothing } from '../lit/lit-html.js'
import { progressOf } from './files.js'

const DAY = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' })
const DAY_MS = 86_400_000

export function cardView(board, task) {
  const fresh = board.fresh.get(task.id)
  const sent = progressOf(board, task.id)
  const parts = [task, fresh, board.store.isMoving(task.id), board.people, board.labels, board.canWrite, sent]
  return html`<li class="card ${fresh ? 'fresh' : ''}" data-id=${task.id}>${guard(parts, () => content(board, task, fresh, sent))}</li>`
}

function content(board, task, fresh, sent) {
  const labels = task.labelIds.map((id) => board.labels.find((label) => label.id === id)).filter(Boolean)
  const people = task.assigneeIds.map((id) => board.people.find((person) => person.id === id)).filter(Boolean)
  return html`<div class="card-top">
      <span class="key">${task.key}</span>
      ${fresh?.actor ? html`<span class="by">${fresh.actor.name}</span>` : nothing}
      ${
        board.canWrite
          ? html`<button class="grip" data-grip=${task.id} aria-label="Move ${task.key} with the arrow keys" title="Drag, or use the arrow keys">
              <span aria-hidden="true">⠿</span>
            </button>`
          : nothing
      }
    </div>
    <button class="title" data-open=${task.id}>${task.title}</button>
    <div class="facts">
      ${task.priority > 1 ? html`<span class="fact p${task.priority}">P${task.priority}<span class="hidden"> priority of 5</span></span>` : nothing}
      ${dueView(task)}
      ${sent === undefined ? nothing : html`<progress max="1" .value=${sent} aria-label="Sending files to ${task.key}"></progress>`}
      ${labels.map(({ name, color }) => html`<span class="fact label" .style=${`--label: ${color}`}>${name}</span>`)}
      <span class="faces">${people.map(faceView)}</span>
    </div>`
}

function dueView({ dueAt, dueOn, status }) {
  const due = dueAt ?? dueOn
  if (!due) return nothing
  // A day is over when it is over everywhere.
  const end = dueOn ? Date.parse(dueOn) + 1.5 * DAY_MS : Date.parse(dueAt)
  const late = end < Date.now() && (status === 'PENDING' || status === 'IN_PROGRESS')
  return html`<span class="fact ${late ? 'late' : ''}">${late ? 'Late: ' : ''}${DAY.format(new Date(due))}</span>`
}

export const faceView = ({ name }) =>
  html`<span class="face" title=${name} .style=${`--hue: ${hueOf(name)}`}
    ><span aria-hidden="true">${initials(name)}</span><span class="hidden">${name}</span></span
  >`

const initials = (name) =>
  name
    .split(/\s+/)
    .map((word) => [...word][0])
    .slice(0, 2)
    .join('')
    .toUpperCase()

function hueOf(text) {
  let hash = 0
  for (const character of text) hash = (hash * 31 + character.codePointAt(0)) % 3600
  return hash % 360
}
