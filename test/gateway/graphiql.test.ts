import { beforeAll, describe, expect, test } from 'vitest'
import { sharedServer, type TestServer } from '../support/server.ts'

let server: TestServer

beforeAll(async () => {
  server = await sharedServer()
})

const get = (path: string, headers: Record<string, string> = {}) => fetch(`${server.url}${path}`, { headers })
const page = (headers: Record<string, string> = {}) => get('/graphql', { accept: 'text/html', ...headers })

const FILES: Record<string, string> = {
  '/graphiql/graphiql.js': 'text/javascript; charset=utf-8',
  '/graphiql/start.js': 'text/javascript; charset=utf-8',
  '/graphiql/graphiql.css': 'text/css; charset=utf-8',
  '/graphiql/start.css': 'text/css; charset=utf-8',
  '/graphiql/favicon.ico': 'image/x-icon',
  '/graphiql/editor.worker.js': 'text/javascript; charset=utf-8',
  '/graphiql/json.worker.js': 'text/javascript; charset=utf-8',
  '/graphiql/graphql.worker.js': 'text/javascript; charset=utf-8',
}

describe('the page', () => {
  test('is small, and the same at /graphql and /graphiql', async () => {
    const html = await (await page()).text()
    expect(html.length).toBeLessThan(4_000)
    expect(await (await get('/graphiql')).text()).toBe(html)
    expect(html).toContain('subscription FollowTasks')
  })

  test('may load only from this server, run no inline script and not be framed', async () => {
    const { headers } = await page()
    const csp = headers.get('content-security-policy') ?? ''
    const directives = Object.fromEntries(
      csp.split('; ').map((directive) => {
        const [name, ...sources] = directive.split(' ')
        return [name, sources]
      }),
    )
    expect(directives).toEqual({
      'default-src': ["'none'"],
      'script-src': ["'self'"],
      'worker-src': ["'self'"],
      'connect-src': ["'self'"],
      'img-src': ["'self'", 'data:'],
      'font-src': ['data:'],
      'style-src': ["'self'", "'unsafe-inline'"],
      'base-uri': ["'none'"],
      'form-action': ["'self'"],
      'frame-ancestors': ["'none'"],
    })
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('vary')).toMatch(/Accept\b/)
  })

  test('loads only files that exist', async () => {
    const html = await (await page()).text()
    const loaded = [...html.matchAll(/<(?:script|link)[^>]* (?:src|href)="([^"]*)"/g)].map((found) => found[1]!)
    expect(loaded.toSorted()).toEqual(
      Object.keys(FILES)
        .filter((name) => !name.includes('worker'))
        .toSorted(),
    )
    expect(html).not.toMatch(/<script(?![^>]* src=)|<style|\son\w+=|\sstyle=/)
  })

  test('keeps values of the application from becoming HTML', async () => {
    const html = await (await page()).text()
    const [, options = ''] = /data-options="([^"]*)"/.exec(html) ?? []
    expect(options).not.toMatch(/[<>]/)
  })
})

test.each(Object.entries(FILES))('%s is served compressed as %s, and revalidated', async (path, type) => {
  for (const encoding of ['br', 'gzip', 'identity']) {
    const first = await get(path, { 'accept-encoding': encoding })
    const body = await first.text()
    expect([first.status, first.headers.get('content-type')]).toEqual([200, type])
    expect(first.headers.get('content-encoding')).toBe(encoding === 'identity' ? null : encoding)
    expect(first.headers.get('cache-control')).toBe('no-cache')
    if (encoding !== 'identity' && body.length > 100_000)
      expect(Number(first.headers.get('content-length'))).toBeLessThan(body.length * 0.6)
    const etag = String(first.headers.get('etag'))
    const again = await get(path, { 'accept-encoding': encoding, 'if-none-match': etag })
    expect([again.status, again.headers.get('etag'), await again.text()]).toEqual([304, etag, ''])
  }
})

test('no file loads anything from another host', async () => {
  for (const path of Object.keys(FILES)) {
    const text = await (await get(path)).text()
    expect(text, path).not.toMatch(/(?:import\(|fetch\(|importScripts\()\s*["'`]https?:/)
    expect(text, path).not.toMatch(/url\(\s*["']?https?:/)
  }
})

test.each(['/graphiql/nothing.js', '/graphiql/graphiql.js/', '/graphiql/..%2fgraphiql.ts', '/graphiql/__proto__'])(
  '%s does not exist',
  async (path) => {
    const answer = await get(path)
    expect([answer.status, (await answer.json()).code]).toEqual([404, 'NOT_FOUND'])
  },
)

test('only GET and HEAD are allowed', async () => {
  for (const path of ['/graphiql', '/graphiql/start.js']) {
    const answer = await fetch(`${server.url}${path}`, { method: 'POST' })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  }
})
