import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createAsset, serveAssets } from '../http/assets.ts'
import type { HttpHandler } from '../http/exchange.ts'
import { createPage, escaped, headersOf, NO_SOURCE_MAP, OWN_ONLY } from './page.ts'

export interface DocsOptions {
  /** Used in the page titles. */
  title: string
  /** Path of the OpenAPI document to show. */
  openapiUrl: string
  /** Path of GraphiQL, which opens with an operation's GraphQL twin filled in. */
  graphqlUrl: string
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
  ...OWN_ONLY,
  'style-src': `'self' ${REDOC_STYLES}`,
  // ReDoc's search runs in a worker that the bundle contains as text.
  'worker-src': 'blob:',
}

interface Source {
  /** Paths for `require.resolve`, in node_modules or one of our files. The first that exists is served. */
  from: string | readonly string[]
  /** Replacements in the text before it is served. */
  replace?: readonly [RegExp, string][]
}

/**
 * ReDoc fetches its vendor's logo and has no option to turn that off. An empty image does no harm.
 */
const NO_FOREIGN_LOGO = [/https:\/\/cdn\.redoc\.ly\/redoc\/logo-mini\.svg/g, 'data:,'] as [RegExp, string]

/**
 * The package brings 90 MB of dependencies that its bundle already contains. So it is a dependency of
 * the development only: the npm package and the container image keep a copy of the bundle beside this
 * file.
 */
const REDOC_BUNDLE = ['./redoc.standalone.js', 'redoc/bundles/redoc.standalone.js'] as const

/** All files that are served. Other names are never looked up on disk. */
const FILES: Readonly<Record<string, Source>> = {
  '/docs/swagger-ui.css': { from: 'swagger-ui-dist/swagger-ui.css', replace: [NO_SOURCE_MAP] },
  '/docs/swagger-ui-bundle.js': { from: 'swagger-ui-dist/swagger-ui-bundle.js', replace: [NO_SOURCE_MAP] },
  '/docs/favicon-32x32.png': { from: 'swagger-ui-dist/favicon-32x32.png' },
  '/docs/start.css': { from: './swagger.css' },
  '/docs/start.js': { from: './swagger.js' },
  '/redoc/redoc.standalone.js': {
    from: REDOC_BUNDLE,
    replace: [NO_SOURCE_MAP, NO_FOREIGN_LOGO],
  },
  '/redoc/start.css': { from: './redoc.css' },
  '/redoc/start.js': { from: './redoc.js' },
}

/**
 * Serves `/docs` (Swagger UI) and `/redoc` (ReDoc). Both load everything from this server, so they
 * work offline.
 */
export function createDocs(options: DocsOptions): Record<'/docs' | '/docs/*' | '/redoc' | '/redoc/*', HttpHandler> {
  const swagger = createPage({
    title: `${options.title}: try the REST API`,
    icon: '/docs/favicon-32x32.png',
    styles: ['/docs/swagger-ui.css', '/docs/start.css'],
    scripts: ['/docs/swagger-ui-bundle.js', '/docs/start.js'],
    body: bodyOf(options),
    policy: OWN_ONLY,
  })
  const installed = find(REDOC_BUNDLE) !== undefined
  const redoc = createPage({
    title: `${options.title}: REST reference`,
    icon: 'data:,',
    styles: ['/redoc/start.css'],
    scripts: installed ? ['/redoc/redoc.standalone.js', '/redoc/start.js'] : [],
    body: installed ? bodyOf(options) : NO_REDOC,
    policy: REDOC_POLICY,
  })
  const files = Object.entries(FILES).map(
    ([path, source]) => [path, createAsset(() => load(source), headersOf(path))] as const,
  )
  const handler = serveAssets({ '/docs': swagger, '/redoc': redoc, ...Object.fromEntries(files) })
  return { '/docs': handler, '/docs/*': handler, '/redoc': handler, '/redoc/*': handler }
}

function bodyOf({ openapiUrl, graphqlUrl }: DocsOptions): string {
  return `<noscript>This page needs JavaScript. It shows <a href="${escaped(openapiUrl)}">the OpenAPI document</a>.</noscript>
<div id="docs" data-openapi="${escaped(openapiUrl)}" data-graphql="${escaped(graphqlUrl)}"></div>`
}

/** The page without the bundle, as after `npm ci --omit=dev` in a clone. */
const NO_REDOC = `<h1>ReDoc is not installed</h1>
<p>Use <a href="/docs">Swagger UI</a>. To have ReDoc too, run <code>npm ci</code> without <code>--omit=dev</code>.</p>`

const { resolve } = createRequire(import.meta.url)

/** Returns the path of the first of the files that exists. */
function find(paths: readonly string[]): string | undefined {
  for (const path of paths) {
    try {
      return resolve(path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error
    }
  }
}

async function load({ from, replace = [] }: Source): Promise<Buffer> {
  const path = find([from].flat())
  if (path === undefined) throw new Error(`${from} is not installed`)
  const content = await readFile(path)
  return replace.reduce((text, [pattern, by]) => Buffer.from(text.toString().replace(pattern, by)), content)
}
