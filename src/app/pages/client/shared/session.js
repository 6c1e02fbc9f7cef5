// The session of the signed-in user, shared by all pages and tabs of this origin.

const KEY = document.querySelector('[data-session]').dataset.session

/** Announces `change` when somebody signs in or out, in this tab or another. */
export const sessionEvents = new EventTarget()

let session = read()

globalThis.addEventListener('storage', ({ key }) => {
  if (key !== KEY) return
  const before = session?.user.id
  session = read()
  if (session?.user.id !== before) announce()
})

/** Returns `{accessToken, refreshToken, user}`, or undefined if nobody is signed in. */
export const currentSession = () => session

/** Keeps the answer of a sign-in or refresh. `undefined` signs out. */
export function keepSession(answer) {
  const before = session?.user.id
  session = answer && { accessToken: answer.accessToken, refreshToken: answer.refreshToken, user: answer.user }
  if (session) localStorage.setItem(KEY, JSON.stringify(session))
  else localStorage.removeItem(KEY)
  if (session?.user.id !== before) announce()
}

function announce() {
  sessionEvents.dispatchEvent(new Event('change'))
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? 'null') ?? undefined
  } catch {
    return undefined
  }
}
