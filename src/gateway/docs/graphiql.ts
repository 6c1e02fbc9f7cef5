import { readFile } from 'node:fs/promises'
import { type Asset, createAsset, serveAssets } from '../http/assets.ts'
import type { HttpHandler } from '../http/exchange.ts'
import { type GraphiqlFile, readGraphiqlFiles } from './graphiql-files.ts'
import { createPage, escaped, headersOf, OWN_ONLY } from './page.ts'

export interface GraphiqlOptions {
  title: string
  /** Path of the GraphQL endpoint. */
  endpoint: string
  /** Saved examples, shown as tabs in a browser that has not been here before. */
  examples: readonly { query: string; variables?: object }[]
  /** Where the browser's local storage keeps the access token, as `{accessToken}`. Fills in the headers. */
  session?: { key: string; signInPage: string }
  /** True if the server runs only trusted documents. The page then says so instead. */
  trustedOnly: boolean
}

/** The path of its files. */
const FILES = '/graphiql'
const START = `${FILES}/start.js`
const STYLE = `${FILES}/start.css`

const NAMES = Object.keys({
  'graphiql.js': true,
  'graphiql.css': true,
  'favicon.ico': true,
  'editor.worker.js': true,
  'json.worker.js': true,
  'graphql.worker.js': true,
} satisfies Record<GraphiqlFile, true>) as GraphiqlFile[]

/** Its editor adds styles at run time, and embeds its fonts. */
const POLICY = {
  ...OWN_ONLY,
  'style-src': "'self' 'unsafe-inline'",
  'font-src': 'data:',
  'worker-src': "'self'",
}

export interface Graphiql {
  /** The page, for browsers that open the GraphQL endpoint. */
  page: Asset
  routes: Record<'/graphiql' | '/graphiql/*', HttpHandler>
}

/** Serves GraphiQL from the files of its package. They are read when the first browser asks. */
export function createGraphiql(options: GraphiqlOptions): Graphiql {
  const page = options.trustedOnly ? noticePage(options) : graphiqlPage(options)
  const files: Record<string, Asset> = options.trustedOnly ? {} : graphiqlFiles()
  const handler = serveAssets({ [FILES]: page, ...files })
  return { page, routes: { [FILES]: handler, [`${FILES}/*`]: handler } as Graphiql['routes'] }
}

function graphiqlPage({ title, endpoint, examples, session }: GraphiqlOptions): Asset {
  const shown = JSON.stringify({ title, endpoint })
  const tabs = examples.map(({ query, variables }) => ({ query, variables: JSON.stringify(variables, null, 2) }))
  return createPage({
    title,
    icon: `${FILES}/favicon.ico`,
    styles: [`${FILES}/graphiql.css`, STYLE],
    scripts: [`${FILES}/graphiql.js`, START],
    body: `<noscript>This page needs JavaScript. Send GraphQL with POST to ${escaped(endpoint)}.</noscript>
<body id="body" class="no-focus-outline">
<div id="root"><div id="graphiql" data-files="${FILES}" data-options="${escaped(shown)}"
data-examples="${escaped(JSON.stringify(tabs))}" data-session="${escaped(session?.key ?? '')}"></div></div>
${session ? `<a id="sign-in" href="${escaped(session.signInPage)}" hidden>Sign in to fill in the headers</a>` : ''}`,
    policy: POLICY,
  })
}

function noticePage({ title }: GraphiqlOptions): Asset {
  return createPage({
    title,
    icon: 'data:,',
    styles: [],
    scripts: [],
    body: `<h1>${escaped(title)}: GraphiQL is off</h1>
<p>This server runs only trusted documents (OPERATIONS=trusted), so there is nothing to try here.</p>
<p>Clients send the SHA-256 of a document in extensions.persistedQuery.sha256Hash.</p>`,
    policy: OWN_ONLY,
  })
}

function graphiqlFiles(): Record<string, Asset> {
  let reading: ReturnType<typeof readGraphiqlFiles> | undefined
  const read = () => {
    reading ??= readAll()
    return reading
  }
  const assets = Object.fromEntries(
    NAMES.map((name) => [`${FILES}/${name}`, createAsset(async () => (await read())[name], headersOf(name))]),
  )

  /** Compresses all files at once, and then forgets what was read. */
  async function readAll() {
    const forget = () => {
      reading = undefined
    }
    try {
      const files = await readGraphiqlFiles()
      setImmediate(() => Promise.all(Object.values(assets).map((asset) => asset.ready())).then(forget, forget))
      return files
    } catch (error) {
      forget()
      throw error
    }
  }

  const own = (path: string, name: string) =>
    createAsset(() => readFile(new URL(name, import.meta.url)), headersOf(path))
  return { ...assets, [START]: own(START, './graphiql-start.js'), [STYLE]: own(STYLE, './graphiql.css') }
}
