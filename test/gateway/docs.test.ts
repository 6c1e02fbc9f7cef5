import { createRequire } from 'node:module'
import { beforeAll, describe, expect, test } from 'vitest'
import { sharedServer, type TestServer } from '../support/server.ts'

let server: TestServer

beforeAll(async () => {
  server = await sharedServer()
})

const get = (path: string, init: RequestInit = {}) => fetch(`${server.url}${path}`, init)

const PAGES = ['/docs', '/redoc']
const ASSETS: Record<string, string> = {
  '/docs/swagger-ui.css': 'text/css; charset=utf-8',
  '/docs/start.css': 'text/css; charset=utf-8',
  '/docs/swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  '/docs/start.js': 'text/javascript; charset=utf-8',
  '/docs/favicon-32x32.png': 'image/png',
  '/redoc/start.css': 'text/css; charset=utf-8',
  '/redoc/redoc.standalone.js': 'text/javascript; charset=utf-8',
  '/redoc/start.js': 'text/javascript; charset=utf-8',
}

/** Returns the directives of a page's Content-Security-Policy by name. */
async function policyOf(path: string): Promise<Record<string, string[]>> {
  const csp = (await get(path)).headers.get('content-security-policy') ?? ''
  const directives = csp.split('; ').map((directive) => directive.split(' '))
  return Object.fromEntries(directives.map(([name, ...sources]) => [name, sources]))
}

/** Returns the URLs that a page fetches by itself, without the links that a reader may follow. */
const fetchedBy = (html: string) =>
  [...html.matchAll(/<(?:script|link)[^>]* (?:src|href)="([^"]*)"/g)].map((m) => m[1]!)

describe.each(PAGES)('the page %s', (path) => {
  test('is HTML that may not load from other hosts, run inline scripts or be framed', async () => {
    const answer = await get(path)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
    const policy = await policyOf(path)
    expect(policy).toMatchObject({
      'default-src': ["'none'"],
      'script-src': ["'self'"],
      'connect-src': ["'self'"],
      'base-uri': ["'none'"],
      'form-action': ["'self'"],
      'frame-ancestors': ["'none'"],
    })
    expect(Object.values(policy).flat()).not.toContain("'unsafe-inline'")
    expect(Object.values(policy).flat()).not.toContain("'unsafe-eval'")
    expect(await answer.text()).not.toMatch(/<script(?![^>]* src=)|<style|\son\w+=|\sstyle=/)
  })

  test('fetches only files that this server serves', async () => {
    const html = await (await get(path)).text()
    expect(html).not.toMatch(/\/\//)
    const own = fetchedBy(html).filter((url) => url !== 'data:,')
    expect(own.filter((url) => url.startsWith(`${path}/`) && url in ASSETS)).toEqual(own)
    expect([...own].sort()).toEqual(
      Object.keys(ASSETS)
        .filter((url) => url.startsWith(`${path}/`))
        .sort(),
    )
  })

  test('refers to an OpenAPI document that exists', async () => {
    const html = await (await get(path)).text()
    const [, openapi = ''] = /data-openapi="([^"]*)"/.exec(html) ?? []
    expect((await get(openapi)).status).toBe(200)
  })

  test('is also served with a trailing slash', async () => {
    expect(await (await get(`${path}/`)).text()).toBe(await (await get(path)).text())
  })
})

test.each(Object.entries(ASSETS))('%s is served as %s', async (path, type) => {
  const answer = await get(path)
  const body = await answer.text()
  expect(answer.status, body).toBe(200)
  expect(answer.headers.get('content-type')).toBe(type)
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  expect(body.length).toBeGreaterThan(0)
  expect(body.slice(-200)).not.toContain('sourceMappingURL')
})

test('our own files name no other host', async () => {
  for (const path of Object.keys(ASSETS).filter((name) => name.includes('/start.'))) {
    expect(await (await get(path)).text(), path).not.toMatch(/https?:|[('"]\/\/|@import|url\(/)
  }
})

test('ReDoc does not fetch its logo or fonts, and Swagger UI calls no validator', async () => {
  const redoc = await (await get('/redoc/redoc.standalone.js')).text()
  expect(redoc).not.toMatch(/cdn\.redoc|fonts\.g/)
  expect(redoc).toContain('alt:"redocly logo",onError:()=>t(!1),src:"data:,"')
  expect(await (await get('/docs/start.js')).text()).toContain('validatorUrl: null')
})

test('the allowed style hashes match the installed version of ReDoc', () => {
  const { version } = createRequire(import.meta.url)('redoc/package.json')
  const help =
    'Open /redoc in a browser: its console prints the hash of a refused style. Update REDOC_STYLES in docs/pages.ts.'
  expect(version, help).toBe('2.5.4')
})

describe('requests', () => {
  test.each([...PAGES, ...Object.keys(ASSETS)])('%s is not sent again to a client that has it', async (path) => {
    const first = await get(path)
    const etag = first.headers.get('etag')
    expect(first.headers.get('cache-control')).toBe('no-cache')
    const again = await get(path, { headers: { 'if-none-match': String(etag) } })
    expect([again.status, again.headers.get('etag'), await again.text()]).toEqual([304, etag, ''])
    expect((await get(path, { headers: { 'if-none-match': '"another"' } })).status).toBe(200)
  })

  test.each([...PAGES, '/docs/start.js', '/redoc/redoc.standalone.js'])(
    'HEAD %s returns the headers of GET',
    async (path) => {
      const [head, full] = await Promise.all([get(path, { method: 'HEAD' }), get(path)])
      expect([head.status, await head.text()]).toEqual([200, ''])
      for (const name of ['content-type', 'content-length', 'etag', 'content-security-policy']) {
        expect(head.headers.get(name), name).toBe(full.headers.get(name))
      }
    },
  )

  test.each(['POST', 'PUT', 'DELETE'])('%s is refused', async (method) => {
    for (const path of [...PAGES, '/docs/start.js', '/redoc/nothing']) {
      const answer = await get(path, { method })
      expect([answer.status, answer.headers.get('allow')], path).toEqual([405, 'GET, HEAD'])
    }
  })
})

test.each([
  '/docs/index.html',
  '/docs/package.json',
  '/docs/swagger-ui-bundle.js.map',
  '/docs/start.js/',
  '/docs//start.js',
  '/docs/%73tart.js',
  '/docs/..%2f..%2fpackage.json',
  '/docs/%2e%2e/pages.ts',
  '/docs/__proto__',
  '/docs/constructor',
  '/redoc/start.js.map',
  '/redoc/swagger-ui.css',
  '/docsstart.js',
])('%s does not exist', async (path) => {
  const answer = await get(path)
  expect(answer.status).toBe(404)
  expect(await answer.json()).toMatchObject({ code: 'NOT_FOUND' })
})

test('the landing page links to both', async () => {
  const html = await (await get('/', { headers: { accept: 'text/html' } })).text()
  for (const path of PAGES) expect(html).toContain(`<a href="${path}">`)
  const { links } = await (await get('/', { headers: { accept: 'application/json' } })).json()
  expect(Object.keys(links)).toEqual(expect.arrayContaining(PAGES))
})

test('the link from an operation opens GraphiQL', async () => {
  const html = await (await get('/docs')).text()
  const [, graphql = ''] = /data-graphql="([^"]*)"/.exec(html) ?? []
  const query = encodeURIComponent('mutation ($input: CreateTaskInput!) { createTask(input: $input) { id } }')
  const answer = await get(`${graphql}?query=${query}`, { headers: { accept: 'text/html' } })
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')])
})
