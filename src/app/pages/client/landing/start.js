// The start page: the same operation in GraphQL and REST, and what the live stream shows of it.

import { html, render } from '../lit/lit-html.js'
import { signOut } from '../shared/api.js'
import { follow } from '../shared/live.js'
import { currentSession, sessionEvents } from '../shared/session.js'
import { signInForm } from '../shared/sign-in.js'
import { createOverGraphql, createOverRest, graphqlText, restText } from './calls.js'
import { panes } from './panes.js'

const EVENTS_SHOWN = 5
const TITLES = ['Water the plants', 'Call the printer', 'Book the train', 'Read the contract', 'Order more tea']

const state = {
  title: TITLES[0],
  graphql: { text: graphqlText, run: createOverGraphql },
  rest: { text: restText, run: createOverRest },
  events: [],
  stream: 'off',
}
let runs = 0
let pressedAt = 0
let endStream

async function run(pane) {
  pane.busy = true
  pressedAt = performance.now()
  show()
  pane.answer = await pane.run(state.title)
  pane.busy = false
  runs++
  if (TITLES.includes(state.title)) state.title = TITLES[runs % TITLES.length]
  show()
}

function onEvent(event) {
  const { type, task, actor, cursor } = event
  const after = performance.now() - pressedAt
  state.events = [{ type, task, actor, cursor, after }, ...state.events].slice(0, EVENTS_SHOWN)
  show()
}

function openStream() {
  endStream?.()
  endStream = undefined
  state.events = []
  state.stream = 'off'
  if (!currentSession()) return show()
  state.stream = 'opening'
  const onState = (now) => {
    state.stream = now
    show()
  }
  endStream = follow({ query: { types: 'task', include: 'actor' }, onEvent, onState, onExpired: openStream })
  show()
}

function account() {
  const session = currentSession()
  if (!session) return signInForm(show)
  return html`<p class="signed-in">
    Signed in as <strong>${session.user.name}</strong>
    <button class="plain" @click=${() => signOut()}>Sign out</button>
  </p>`
}

function show() {
  const onTitle = (title) => {
    state.title = title
    show()
  }
  render(account(), document.querySelector('#account'))
  render(panes({ state, session: currentSession(), run, onTitle }), document.querySelector('#panes'))
}

document.querySelector('#panes').replaceChildren()
sessionEvents.addEventListener('change', openStream)
openStream()
