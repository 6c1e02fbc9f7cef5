import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'
import { freshServerForTest, sharedServer, type TestServer } from '../support/server.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

let server: TestServer

beforeAll(async () => {
  server = await sharedServer()
})

const get = (path: string, accept = 'text/html') => fetch(`${server.url}${path}`, { headers: { accept } })

test.each(['/', '/board'])(
  '%s loads everything from this server, runs no inline script, and offers no account',
  async (path) => {
    const answer = await get(path)
    const csp = answer.headers.get('content-security-policy')
    expect(csp).toContain(
      "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; style-src 'self'",
    )
    const html = await answer.text()
    expect(html).toContain('data-demo="[]"')
    const loaded = [...html.matchAll(/<(?:script|link|img)[^>]* (?:src|href)="([^"]*)"/g)].map(
      (found) => found[1] ?? '',
    )
    expect(loaded.length).toBeGreaterThan(10)
    const statuses = await Promise.all(loaded.map(async (file) => [file, (await get(file)).status]))
    expect(statuses.filter(([, status]) => status !== 200)).toEqual([])
  },
)

test('the modules of a page import only files that it announces', async () => {
  const html = await (await get('/board')).text()
  const announced = new Set([...html.matchAll(/(?:src|href)="(\/pages\/[^"]*\.js)"/g)].map((found) => found[1] ?? ''))
  for (const file of announced) {
    const text = await (await get(file)).text()
    for (const [, name = ''] of text.matchAll(/from ?['"]([\w@./-]+)['"]/g))
      expect(announced, `${file} imports ${name}`).toContain(new URL(name, `${server.url}${file}`).pathname)
  }
})

test('/ is JSON for programs, and all its links but the stream can be read without a token', async () => {
  const answer = await get('/', 'application/json')
  expect(answer.headers.get('vary')).toContain('Accept')
  const { links } = await answer.json()
  const statuses = await Promise.all(
    Object.keys(links).map(async (path) => [path, (await get(path, 'text/html, */*;q=0.8')).status]),
  )
  expect(statuses.filter(([, status]) => status !== 200)).toEqual([['/api/v1/events/stream', 401]])
})

test('/schema.graphql is the committed schema, and is hidden with INTROSPECTION=off', async () => {
  const sdl = await (await get('/schema.graphql')).text()
  expect(sdl).toBe(await readFile(join(ROOT, 'schema.graphql'), 'utf8'))
  const { url } = await freshServerForTest({ INTROSPECTION: 'off' })
  expect((await fetch(`${url}/schema.graphql`)).status).toBe(404)
  expect(await (await fetch(url, { headers: { accept: 'application/json' } })).text()).not.toContain('schema.graphql')
})

test.each(['/pages/landing.ts', '/pages/../server.ts', '/pages/shared', '/pages/lit/package.json', '/pages/__proto__'])(
  '%s does not exist',
  async (path) => {
    expect((await get(path)).status).toBe(404)
  },
)

test('the declaration that the start page and the README show is that of the source', async () => {
  const shown = /<code>(builder\.mutationField[\s\S]*?)<\/code>/.exec(await (await get('/')).text())?.[1] ?? ''
  const source = await readFile(join(ROOT, 'src/modules/tasks/schema.ts'), 'utf8')
  const lines = shown.replaceAll('&#62;', '>').split('\n')
  for (const line of lines.filter((one) => !one.includes('rest:'))) expect(source).toContain(line)
  expect(await readFile(join(ROOT, 'README.md'), 'utf8')).toContain(lines.join('\n'))
})
