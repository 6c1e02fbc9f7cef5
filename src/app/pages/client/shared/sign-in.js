// The sign-in form: one click per account on a demo server, a small form elsewhere.

import { html } from '../lit/lit-html.js'
import { DEMO_ACCOUNTS, signIn } from './api.js'

let problem = ''
let busy = false

/** Returns the form. `changed` is called when it has to be rendered again. */
export function signInForm(changed) {
  const attempt = async (email, password) => {
    busy = true
    problem = ''
    changed()
    try {
      await signIn(email, password)
    } catch (error) {
      problem = error.message
    }
    busy = false
    changed()
  }
  const submit = (event) => {
    event.preventDefault()
    const { email, password } = Object.fromEntries(new FormData(event.target))
    void attempt(email, password)
  }
  const refusal = html`<p class="problem" role="alert">${problem}</p>`
  if (DEMO_ACCOUNTS.length > 0)
    return html`<section class="sign-in" aria-labelledby="sign-in-title">
      <h2 id="sign-in-title">Try it as</h2>
      <div class="people">
        ${DEMO_ACCOUNTS.map(
          ({ name, email, password }, index) =>
            html`<button class=${index === 0 ? 'primary' : ''} ?disabled=${busy} @click=${() => attempt(email, password)}>
              ${name}
            </button>`,
        )}
      </div>
      ${refusal}
    </section>`
  return html`<form class="sign-in" aria-labelledby="sign-in-title" @submit=${submit}>
    <h2 id="sign-in-title">Sign in</h2>
    <label>E-mail <input name="email" type="email" autocomplete="username" required /></label>
    <label>Password <input name="password" type="password" autocomplete="current-password" required /></label>
    <button class="primary" ?disabled=${busy}>Sign in</button>
    ${refusal}
  </form>`
}
