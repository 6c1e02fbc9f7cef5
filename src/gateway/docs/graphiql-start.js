// Runs in the browser, in GraphiQL.

const place = document.querySelector('#graphiql')
const { files, options, examples, session: sessionKey } = place.dataset
const WORKERS = { editorWorkerService: 'editor', json: 'json', graphql: 'graphql' }
/** Where GraphiQL itself keeps its tabs and headers. */
const TABS = 'graphiql:tabState'
const HEADERS = 'graphiql:headers'
/** Names of the headers that carry a credential. */
const CREDENTIALS = ['authorization', 'x-api-key']

globalThis.MonacoEnvironment = {
  globalAPI: false,
  getWorkerUrl: (_module, label) => `${files}/${WORKERS[label]}.worker.js`,
}

const parsed = (text) => {
  try {
    return JSON.parse(text ?? '') ?? undefined
  } catch {
    return undefined
  }
}

const token = parsed(localStorage.getItem(sessionKey))?.accessToken
const signedIn = token && JSON.stringify({ Authorization: `Bearer ${token}` }, null, 2)

/** Returns the headers of a tab with the token of the session, unless they hold a credential of another kind. */
function withToken(headers) {
  const given = parsed(headers) ?? {}
  const name = Object.keys(given).find((key) => CREDENTIALS.includes(key.toLowerCase()))
  const isToken = name === undefined || /^Bearer ey/.test(given[name])
  return isToken ? JSON.stringify({ ...given, [name ?? 'Authorization']: `Bearer ${token}` }, null, 2) : headers
}

/** Puts the token of the session into the tabs that GraphiQL has kept. */
function renewKeptHeaders() {
  const kept = parsed(localStorage.getItem(TABS))
  if (!kept?.tabs) return
  for (const tab of kept.tabs) tab.headers = withToken(tab.headers)
  localStorage.setItem(TABS, JSON.stringify(kept))
  localStorage.setItem(HEADERS, withToken(localStorage.getItem(HEADERS)))
}

if (signedIn) renewKeptHeaders()
else document.querySelector('#sign-in')?.toggleAttribute('hidden', false)

let headers = localStorage.getItem(HEADERS) || signedIn
const setHeaders = (text) => {
  headers = text
}

/** The credential in the headers of the open tab, for the websocket: browsers send no headers with it. */
function connectionParams() {
  const given = Object.entries(parsed(headers) ?? {})
  return Object.fromEntries(given.filter(([name]) => CREDENTIALS.includes(name.toLowerCase())))
}

const { endpoint, ...rest } = JSON.parse(options)
const tabs = JSON.parse(examples).map((tab) => ({ ...tab, headers: signedIn }))
// With a query in the address, as in links from the REST documentation, that query alone is shown.
const asked = new URL(location.href).searchParams.has('query')

globalThis.YogaGraphiQL.renderYogaGraphiQL(place, {
  ...rest,
  endpoint,
  ...(!asked && { defaultTabs: tabs }),
  headers: signedIn,
  subscriptionsProtocol: 'WS',
  subscriptionsEndpoint: new URL(endpoint, location.href).href.replace(/^http/, 'ws'),
  connectionParams,
  onEditHeaders: setHeaders,
  onTabChange: ({ tabs: open, activeTabIndex }) => setHeaders(open[activeTabIndex]?.headers),
})
