import { escaped } from '../../gateway/docs/page.ts'
import { REST_BASE } from '../rest-api.ts'
import { type PagesOptions, pageData } from './page-data.ts'
import { SDL_PATH } from './sdl.ts'

export interface EntryPoint {
  path: string
  /** Describes the path to programs and people. */
  what: string
  /** The title of its link on the page. Without one it is only listed as JSON. */
  link?: string
}

/** Returns the entry points of the server, most useful first. */
export function entryPoints({ introspection }: Pick<PagesOptions, 'introspection'>): EntryPoint[] {
  return [
    { path: '/board', link: 'Board', what: 'A live board of your tasks, built on the public API' },
    { path: '/graphql', link: 'GraphiQL', what: 'GraphQL: POST, websocket, SSE; GraphiQL in a browser' },
    { path: '/docs', link: 'Swagger UI', what: 'Swagger UI: try the REST API' },
    { path: '/redoc', link: 'ReDoc', what: 'ReDoc: read the REST API' },
    ...(introspection ? [{ path: SDL_PATH, link: 'GraphQL schema', what: 'The GraphQL schema as SDL' }] : []),
    {
      path: `${REST_BASE}/openapi.json`,
      link: 'OpenAPI file',
      what: `OpenAPI 3.1 document of the REST API under ${REST_BASE}`,
    },
    { path: `${REST_BASE}/events/stream`, what: 'Live events as Server-Sent Events; needs a token' },
    { path: '/readyz', what: 'Readiness: the server and its database are up' },
  ]
}

const DEFINITION = `builder.mutationField('createTask', (t) =>
  t.prismaField({
    type: 'Task',
    description: 'Create a task. Needs EDITOR on the project.',
    access: { scope: 'tasks:write' },
    rest: { method: 'POST', path: '/tasks', status: 201, body: 'input' },
    args: { input: t.arg({ type: CreateTaskInput, required: true }) },
    resolve: (query, _root, { input }, ctx) => tasks.createTask(ctx, input, query),
  }),
)`

const linked = (points: readonly EntryPoint[]) => points.flatMap((point) => (point.link ? [point] : []))

/** The HTML of the page. Its script fills #account and #panes. */
export function landingBody({ demo }: PagesOptions, points: readonly EntryPoint[]): string {
  const links = linked(points)
  return `<body ${pageData(demo)}>
<a class="skip" href="#main">Skip to content</a>
<header class="bar">
<a class="brand" href="/"><img src="/pages/shared/icon.svg" alt="" width="24" height="24"> Taskwire</a>
<nav aria-label="Pages">${links
    .slice(0, 4)
    .map(({ path, link }) => `<a href="${path}">${link}</a>`)
    .join('')}</nav>
</header>
<main id="main">
<h1>One operation. <span>GraphQL, REST and live.</span></h1>
<p class="lead">Taskwire is a self-hosted task API. You define an operation once; it is served as GraphQL, as REST with OpenAPI,
and as a live stream. Try it here: both buttons create a task on this server, and the stream shows it at once.</p>
<div id="account"></div>
<div id="panes"><noscript><p>The examples need JavaScript. The links below work without it.</p></noscript></div>
<section aria-labelledby="once">
<h2 id="once">Defined once</h2>
<p>This declaration is behind all three. The routes, the OpenAPI document, the limits and the rights follow from it.</p>
<pre class="code" tabindex="0"><code>${escaped(DEFINITION)}</code></pre>
</section>
<section aria-labelledby="next">
<h2 id="next">Go on</h2>
<ul class="links">
${links.map(({ path, link, what }) => `<li><a href="${path}"><strong>${link}</strong><span>${escaped(what)}</span></a></li>`).join('\n')}
</ul>
</section>
</main>
<footer>Programs get these links as JSON from <code>/</code> with <code>Accept: application/json</code>.</footer>
</body>`
}
