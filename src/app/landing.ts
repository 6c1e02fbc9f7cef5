import Negotiator from 'negotiator'
import { type HttpHandler, readOnly } from '../gateway/http/exchange.ts'

/** Entry points of the server. `open` marks those that a browser can visit without a credential. */
const ENTRY_POINTS = [
  { path: '/graphql', what: 'GraphQL: POST, websocket, SSE; GraphiQL in a browser', open: true },
  { path: '/docs', what: 'Swagger UI: try the REST API', open: true },
  { path: '/redoc', what: 'ReDoc: read the REST API', open: true },
  { path: '/api/v1/openapi.json', what: 'OpenAPI 3.1 document of the REST API under /api/v1', open: true },
  { path: '/api/v1/events/stream', what: 'Live events as Server-Sent Events; needs a token', open: false },
  { path: '/readyz', what: 'Readiness: the server and its database are up', open: true },
]

const entry = ({ path, what, open }: (typeof ENTRY_POINTS)[number]) =>
  `<li>${open ? `<a href="${path}"><code>${path}</code></a>` : `<code>${path}</code>`} ${what}</li>`

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Taskwire</title>
<style>body{font:16px/1.6 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}code{font-size:.95em}</style>
<h1>Taskwire</h1>
<p>A task-management API: each operation is defined once and served as GraphQL, as REST and as a live stream.</p>
<ul>
${ENTRY_POINTS.map(entry).join('\n')}
</ul>
</html>
`

/** Serves the list of entry points: an HTML page, or JSON when the client asks for it. */
export const landingPage: HttpHandler = readOnly(({ request, response }) => {
  const wanted = new Negotiator(request).mediaType(['text/html', 'application/json'])
  if (wanted === 'application/json') {
    response.writeHead(200, {
      'Content-Type': 'application/json; charset=utf-8',
      'Cache-Control': 'no-cache',
      Vary: 'Accept',
    })
    response.end(
      JSON.stringify({
        name: 'Taskwire',
        links: Object.fromEntries(ENTRY_POINTS.map(({ path, what }) => [path, what])),
      }),
    )
    return
  }
  response.writeHead(200, {
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-cache',
    'Content-Security-Policy':
      "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    Vary: 'Accept',
  })
  response.end(PAGE)
})
