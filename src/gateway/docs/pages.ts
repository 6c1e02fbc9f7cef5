import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { AppError } from '../errors.ts'
import { type HttpExchange, type HttpHandler, readOnly } from '../http/exchange.ts'
import { entityTag, noneMatch } from '../rest/conditional.ts'

export interface DocsOptions {
  /** Used in the page titles. */
  title: string
  /** Path of the OpenAPI document to show. */
  openapiUrl: string
  /** Path of GraphiQL, which opens with an operation's GraphQL twin filled in. */
  graphqlUrl: string
}

/** Content security policy of each page: only what its library needs, and only from this server. */
const SWAGGER_POLICY = {
  'default-src': "'none'",
  'script-src': "'self'",
  'connect-src': "'self'",
  'img-src': "'self' data:",
  'style-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'self'",
  'frame-ancestors': "'none'",
}
/**
 * Hashes of the styles that ReDoc's bundle adds; any other inline style stays forbidden. The first
 * is the hash of an empty <style>, which styled-components fills with a script. The second is
 * ReDoc's scroll bars in the version that package.json pins. After an upgrade, the browser console
 * prints the new hash.
 */
const REDOC_STYLES =
  "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' 'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='"
const REDOC_POLICY = {
  ...SWAGGER_POLICY,
  'style-src': `'self' ${REDOC_STYLES}`,
  // ReDoc's search runs in a worker that the bundle contains as text.
  'worker-src': 'blob:',
}

interface Source {
  /** Path for `require.resolve`: in node_modules, or one of our files. */
  from: string
  /** Replacements in the text before it is served. */
  replace?: readonly [RegExp, string][]
}

/**
 * Removes the link to a source map: none is served, and developer tools would report
 * each as missing.
 */
const NO_SOURCE_MAP = [/\s*(?:\/\/|\/\*)# sourceMappingURL=\S+(?: ?\*\/)?\s*$/, '\n'] as [RegExp, string]
/**
 * ReDoc fetches its vendor's logo and has no option to turn that off. An empty image does no harm.
 */
const NO_FOREIGN_LOGO = [/https:\/\/cdn\.redoc\.ly\/redoc\/logo-mini\.svg/g, 'data:,'] as [RegExp, string]

/** All files that are served. Other names are never looked up on disk. */
const FILES: Readonly<Record<string, Source>> = {
  '/docs/swagger-ui.css': { from: 'swagger-ui-dist/swagger-ui.css', replace: [NO_SOURCE_MAP] },
  '/docs/swagger-ui-bundle.js': { from: 'swagger-ui-dist/swagger-ui-bundle.js', replace: [NO_SOURCE_MAP] },
  '/docs/favicon-32x32.png': { from: 'swagger-ui-dist/favicon-32x32.png' },
  '/docs/start.css': { from: './swagger.css' },
  '/docs/start.js': { from: './swagger.js' },
  '/redoc/redoc.standalone.js': {
    from: 'redoc/bundles/redoc.standalone.js',
    replace: [NO_SOURCE_MAP, NO_FOREIGN_LOGO],
  },
  '/redoc/start.css': { from: './redoc.css' },
  '/redoc/start.js': { from: './redoc.js' },
}

interface Served {
  body: Buffer
  headers: Record<string, string>
}

/**
 * Serves `/docs` (Swagger UI) and `/redoc` (ReDoc). Both load everything from this server, so they
 * work offline.
 */
export function createDocs(options: DocsOptions): Record<'/docs' | '/docs/*' | '/redoc' | '/redoc/*', HttpHandler> {
  const swagger = page(
    { ...options, title: `${options.title}: try the REST API` },
    { icon: '/docs/favicon-32x32.png', styles: ['/docs/swagger-ui.css', '/docs/start.css'] },
    ['/docs/swagger-ui-bundle.js', '/docs/start.js'],
    SWAGGER_POLICY,
  )
  const redoc = page(
    { ...options, title: `${options.title}: REST reference` },
    { icon: 'data:,', styles: ['/redoc/start.css'] },
    ['/redoc/redoc.standalone.js', '/redoc/start.js'],
    REDOC_POLICY,
  )
  const pages: Record<string, Served> = { '/docs': swagger, '/docs/': swagger, '/redoc': redoc, '/redoc/': redoc }
  const loaded = new Map<string, Promise<Served>>()

  async function find(path: string): Promise<Served | undefined> {
    if (Object.hasOwn(pages, path)) return pages[path]
    const source = Object.hasOwn(FILES, path) ? FILES[path] : undefined
    if (!source) return undefined
    // Read on first use, then cached: 3 MB in all.
    const loading = loaded.get(path) ?? load(source)
    loaded.set(path, loading)
    return loading
  }

  const handler = readOnly(async (exchange) => {
    const found = await find(exchange.path)
    if (!found) throw new AppError('NOT_FOUND', `There is nothing at ${exchange.path}.`)
    send(exchange, found)
  })
  return { '/docs': handler, '/docs/*': handler, '/redoc': handler, '/redoc/*': handler }
}

function page(
  { title, openapiUrl, graphqlUrl }: DocsOptions,
  { icon, styles }: { icon: string; styles: readonly string[] },
  scripts: readonly string[],
  policy: Record<string, string>,
): Served {
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<link rel="icon" href="${icon}">
${styles.map((href) => `<link rel="stylesheet" href="${href}">`).join('\n')}
<noscript>This page needs JavaScript. It shows <a href="${escaped(openapiUrl)}">the OpenAPI document</a>.</noscript>
<div id="docs" data-openapi="${escaped(openapiUrl)}" data-graphql="${escaped(graphqlUrl)}"></div>
${scripts.map((src) => `<script src="${src}" defer></script>`).join('\n')}
</html>
`
  const csp = Object.entries(policy).map(([name, value]) => `${name} ${value}`)
  return served(Buffer.from(html), 'text/html; charset=utf-8', { 'Content-Security-Policy': csp.join('; ') })
}

const escaped = (text: string) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)

const { resolve } = createRequire(import.meta.url)

async function load({ from, replace = [] }: Source): Promise<Served> {
  const content = await readFile(resolve(from))
  const body = replace.reduce((text, [pattern, by]) => Buffer.from(text.toString().replace(pattern, by)), content)
  return served(body, typeOf(from))
}

function typeOf(file: string): string {
  if (file.endsWith('.png')) return 'image/png'
  return file.endsWith('.css') ? 'text/css; charset=utf-8' : 'text/javascript; charset=utf-8'
}

function served(body: Buffer, type: string, headers: Record<string, string> = {}): Served {
  return {
    body,
    headers: {
      'Content-Type': type,
      ETag: entityTag(body, undefined),
      // File names do not change with an upgrade, so browsers must revalidate.
      'Cache-Control': 'no-cache',
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      ...headers,
    },
  }
}

function send({ request, response }: HttpExchange, { body, headers }: Served): void {
  const known = request.headers['if-none-match']
  if (known !== undefined && !noneMatch(known, String(headers.ETag))) {
    response.writeHead(304, headers).end()
    return
  }
  response.writeHead(200, { ...headers, 'Content-Length': body.length }).end(body)
}
