// The three panes of the start page.

import { repeat } from '../lit/directives/repeat.js'
import { html, nothing } from '../lit/lit-html.js'

const STREAM_STATES = {
  off: 'Sign in to connect',
  opening: 'Connecting …',
  live: 'Connected',
  cut: 'Disconnected. It resumes by itself.',
}

export function panes({ state, session, run, onTitle }) {
  return html`<label class="title-field">Title of the task
      <input maxlength="200" .value=${state.title} @input=${(event) => onTitle(event.target.value)} />
    </label>
    <div class="panes">
      ${callPane({ name: 'GraphQL', pane: state.graphql, title: state.title, session, run })}
      ${callPane({ name: 'REST', pane: state.rest, title: state.title, session, run })}
      ${livePane(state)}
    </div>`
}

function callPane({ name, pane, title, session, run }) {
  const { answer, busy } = pane
  const id = `pane-${name.toLowerCase()}`
  return html`<section class="pane" aria-labelledby=${id}>
    <header>
      <h2 id=${id}>${name}</h2>
      <button class="primary" ?disabled=${!session || busy} @click=${() => run(pane)}>
        Create <span class="hidden">with ${name}</span>
      </button>
    </header>
    <pre tabindex="0" role="region" aria-label="${name} request"><code>${coloured(pane.text(title))}</code></pre>
    <div class="answer" role="status">
      ${
        answer
          ? html`<p class=${answer.failed ? 'badge bad' : 'badge good'}>${answer.status}</p>
            <pre><code>${coloured(answer.text)}</code></pre>`
          : html`<p class="quiet">${session ? 'The answer appears here.' : 'Sign in to run it.'}</p>`
      }
    </div>
  </section>`
}

function livePane({ events, stream }) {
  return html`<section class="pane live" aria-labelledby="pane-live">
    <header>
      <h2 id="pane-live">Live</h2>
      <p class="badge ${stream === 'live' ? 'good' : stream === 'cut' ? 'bad' : ''}" data-stream=${stream}>
        ${STREAM_STATES[stream]}
      </p>
    </header>
    <pre tabindex="0" role="region" aria-label="Live request"><code>GET /api/v1/events/stream
Accept: text/event-stream</code></pre>
    <div role="log" aria-label="Events"><ol class="events">
      ${repeat(events, ({ cursor }) => cursor, eventLine)}
      ${events.length === 0 ? html`<li class="quiet">Events appear here, also those of other clients.</li>` : nothing}
    </ol></div>
  </section>`
}

const eventLine = ({ type, task, actor, after }) => html`<li>
  <p><strong>${type}</strong> ${after < 5_000 ? html`<span class="badge good">${after.toFixed(0)} ms after the click</span>` : nothing}</p>
  <p>${task ? html`<span class="key">${task.key}</span> ${task.title}` : nothing}</p>
  <p class="quiet">by ${actor?.name ?? 'the server'}</p>
</li>`

/** Marks the strings in a piece of code. */
const coloured = (text) =>
  text
    .split(/("(?:[^"\\]|\\.)*")/)
    .map((part, index) => (index % 2 === 1 ? html`<span class="string">${part}</span>` : part))
