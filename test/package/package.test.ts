import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { eventStream, rest } from '../support/clients.ts'
import { output, packPackage, unpackPackage } from '../support/package.ts'
import { codeOf, startServerFile } from '../support/page-code.ts'
import { failingServer } from '../support/process.ts'

/** Tests the package as others get it. test/long/package.ts installs it with npm. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

let packed: Awaited<ReturnType<typeof packPackage>>

beforeAll(async () => {
  packed = await packPackage()
  await unpackPackage(packed)
  const page = await readFile(join(ROOT, 'docs/gateway.md'), 'utf8')
  await writeFile(join(packed.folder, 'page.ts'), codeOf(page))
  await writeFile(join(packed.folder, 'package.json'), '{"type": "module"}')
})
afterAll(() => packed && rm(packed.folder, { recursive: true }))

test('contains JavaScript, the types of the gateway and the migrations', () => {
  const others = packed.files.filter(
    (path) =>
      !/^(dist\/.+\.(js|d\.ts|css|svg)|dist\/gateway\/docs\/redoc.*LICENSE(\.txt)?|prisma\/migrations\/.+)$/.test(path),
  )
  expect(others.sort()).toEqual(['LICENSE', 'README.md', 'package.json'])
  expect(packed.files).toContain('dist/gateway/library/exports.d.ts')
})

test('serves the code of docs/gateway.md, which has correct types', async () => {
  const strict = ['--strict', '--module', 'nodenext', '--target', 'esnext', '--types', 'node', '--skipLibCheck']
  await output(packed.folder, join(ROOT, 'node_modules/.bin/tsc'), '--noEmit', ...strict, '--ignoreConfig', 'page.ts')
  const server = await startServerFile(join(packed.folder, 'page.ts'))
  const first = await rest(server, 'POST /notes', { body: { text: 'Buy tea' } })
  const second = await rest(server, 'POST /notes', { body: { text: 'Make tea' } })
  expect(second.status, second.text).toBe(201)
  const { inbox } = await eventStream(server, '/notes/stream', { headers: { 'last-event-id': first.body.cursor } })
  expect((await inbox.next()).data).toEqual(second.body)
  for (const path of ['/docs', '/docs/start.css', '/redoc', '/redoc/redoc.standalone.js', '/graphiql/graphiql.js'])
    expect((await fetch(server.url + path)).status, path).toBe(200)
})

test('/redoc says what to do where its bundle is missing, as after `npm ci --omit=dev` in a clone', async () => {
  await rm(join(packed.folder, 'node_modules/taskwire/dist/gateway/docs/redoc.standalone.js'))
  const server = await startServerFile(join(packed.folder, 'page.ts'))
  const answer = await fetch(`${server.url}/redoc`)
  expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('npm ci')])
  expect((await fetch(`${server.url}/docs`)).status).toBe(200)
})

test('`taskwire serve` starts the server, and an unknown command prints what there is', async () => {
  const cli = join(packed.folder, 'node_modules/taskwire/dist/cli.js')
  const child = spawn(process.execPath, [cli, 'serve'], {
    cwd: packed.folder,
    env: { PATH: process.env.PATH, PORT: '0', DATA_DIR: 'memory://' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(async () => {
    const exited = once(child, 'exit')
    if (child.kill()) await exited
  })
  let printed = ''
  for await (const chunk of child.stdout) {
    printed += chunk
    if (printed.includes('"url":"')) break
  }
  const url = /"url":"([^"]+)"/.exec(printed)?.[1]
  expect((await fetch(`${url}/readyz`)).status).toBe(200)
  const body = { email: 'ada@example.org', name: 'Ada', password: 'correct horse battery' }
  expect((await rest({ url: url ?? '' }, 'POST /auth/register', { body })).status).toBe(201)
  await expect(output(packed.folder, process.execPath, cli, 'dance')).rejects.toThrow(/no command "dance".*serve/s)
})

test.each(['serve', 'migrate'])(
  '`taskwire %s` stops with all problems of its settings in one list',
  async (command) => {
    const cli = join(packed.folder, 'node_modules/taskwire/dist/cli.js')
    const settings = { PORT: 'abc', LOG_LEVEL: 'loud', SMTP_URL: 'smtp://mail.example.org' }
    const { code, output } = await failingServer(settings, [process.execPath, cli, command])
    expect(output).toBe(`The configuration is invalid:
  PORT: must be a whole number from 0 to 65535
  LOG_LEVEL: must be one of info, fatal, error, warn, debug, trace, silent
  MAIL_FROM: is required with SMTP_URL
`)
    expect(code).toBe(1)
  },
)
