// Calls the public REST API as the signed-in user.

import { currentSession, keepSession } from './session.js'

const { api: BASE, demo } = document.querySelector('[data-api]').dataset

/** Accounts that a demo server offers. */
export const DEMO_ACCOUNTS = JSON.parse(demo)

/** A refusal by the server. `problem` is its problem document (RFC 9457). */
export class Refusal extends Error {
  constructor(problem) {
    super(problem.errors?.map(({ message }) => message).join(' ') || problem.detail || problem.title)
    this.problem = problem
    this.code = problem.code
    this.status = problem.status
  }
}

/** Fetches a path of this server with the session's token, once more if the token had expired. */
export async function authorizedFetch(path, options = {}) {
  const token = currentSession()?.accessToken
  const response = await send(path, options, token)
  if (response.status !== 401 || !token) return response
  await renewToken(token)
  return send(path, options, currentSession()?.accessToken)
}

const send = (path, options, token) =>
  fetch(path, { ...options, headers: { ...options.headers, ...(token && { Authorization: `Bearer ${token}` }) } })

/** Stands for the problem document of a server that does not answer. */
export const UNREACHABLE = {
  title: 'Unreachable',
  detail: 'The server cannot be reached.',
  code: 'UNREACHABLE',
  status: 0,
}

/** Calls an operation, like `api('PATCH /tasks/…', {body})`. Throws a Refusal. */
export async function api(call, { body, query, headers, signal } = {}) {
  const [method, path] = call.split(' ')
  const search = query ? `?${new URLSearchParams(query)}` : ''
  const response = await authorizedFetch(`${BASE}${path}${search}`, {
    method,
    headers: { ...(body && { 'Content-Type': 'application/json' }), ...headers },
    body: body && JSON.stringify(body),
    signal,
  }).catch((error) => {
    throw error.name === 'AbortError' ? error : new Refusal(UNREACHABLE)
  })
  const text = await response.text()
  const answer = text ? JSON.parse(text) : undefined
  if (!response.ok) throw new Refusal(answer)
  return answer
}

export const apiPath = (path) => `${BASE}${path}`

export async function signIn(email, password) {
  keepSession(await api('POST /auth/sign-in', { body: { email, password } }))
}

export async function signOut() {
  // The session ends here even if the server cannot be reached.
  await api('POST /auth/sign-out').catch(() => undefined)
  keepSession(undefined)
}

/** Replaces an expired access token. Tabs take turns, since a refresh token works once. */
export async function renewToken(expired) {
  const renew = async () => {
    const session = currentSession()
    if (!session || session.accessToken !== expired) return
    const response = await fetch(`${BASE}/auth/refresh`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ refreshToken: session.refreshToken }),
    })
    if (response.ok) keepSession({ user: session.user, ...(await response.json()) })
    else if (response.status < 500 && response.status !== 429) keepSession(undefined)
  }
  await (navigator.locks ? navigator.locks.request('taskwire.refresh', renew) : renew())
}
