import Negotiator from 'negotiator'
import { type HttpHandler, readOnly } from './gateway/http.ts'

/** What is where; `open` is what a browser can just go to. */
const PLACES = [
  { path: '/graphql', what: 'GraphQL: POST, websocket, SSE; GraphiQL in a browser', open: true },
  { path: '/docs', what: 'the REST API to try out: Swagger UI', open: true },
  { path: '/redoc', what: 'the REST API to read: ReDoc', open: true },
  { path: '/api/v1/openapi.json', what: 'OpenAPI 3.1 of the REST API below /api/v1', open: true },
  { path: '/api/v1/events/stream', what: 'live events (SSE), with a token', open: false },
  { path: '/readyz', what: 'whether the server can do its work', open: true },
]

const entry = ({ path, what, open }: (typeof PLACES)[number]) =>
  `<li>${open ? `<a href="${path}"><code>${path}</code></a>` : `<code>${path}</code>`} ${what}</li>`

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Taskwire</title>
<style>body{font:16px/1.6 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}code{font-size:.95em}</style>
<h1>Taskwire</h1>
<p>Task management: one definition of each operation, served as GraphQL, as REST and as a live stream.</p>
<ul>
${PLACES.map(entry).join('\n')}
</ul>
</html>
`

/** What is where: a page for people, JSON for programs that ask for it. */
export const landingPage: HttpHandler = readOnly(({ request, response }) => {
  const wanted = new Negotiator(request).mediaType(['text/html', 'application/json'])
  if (wanted === 'application/json') {
    response.writeHead(200, { 'Content-Type': 'application/json; charset=utf-8', Vary: 'Accept' })
    response.end(
      JSON.stringify({ name: 'Taskwire', links: Object.fromEntries(PLACES.map(({ path, what }) => [path, what])) }),
    )
    return
  }
  response.writeHead(200, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'",
    Vary: 'Accept',
  })
  response.end(PAGE)
})
