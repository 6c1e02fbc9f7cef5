import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, cpSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../support/free-port.ts'
import { memoryOf } from '../../support/process-usage.ts'
import type { Image } from './image.ts'
import { type Root, runBeside, startIn } from './root.ts'

const STOP_LIMIT_MS = 10_000

interface Container {
  url: string
  child: ChildProcess
  root: Root
  /** Milliseconds from the start of the process to the first healthy answer. */
  startMs: number
  log(): string
}

/** Runs the image with an empty volume and again with the volume that the first run left. */
export async function checkImage(image: Image, folder: string): Promise<void> {
  const data = join(folder, 'data')
  const origin = join(image.files, '/data')
  cpSync(origin, data, { recursive: true })
  const { uid, gid } = statSync(origin)
  chownSync(data, uid, gid)

  const account = { email: 'ada@example.org', password: 'correct horse battery', name: 'Ada' }
  await withContainer(image, folder, data, async (first) => {
    const { accessToken } = await post(first, '/auth/register', account, 201)
    await useServer(first, accessToken)
    await checkReadOnly(first)
    const stoppedIn = await stop(first)
    assert.deepEqual(warnings(first.log()), [], 'The server logged warnings')
    console.log(`first start ${first.startMs} ms, stopped by SIGTERM in ${stoppedIn} ms`)
    console.log(`wrote in /data: ${readdirSync(data).join(', ')}`)
  })
  await withContainer(image, folder, data, async (second) => {
    const { email, password } = account
    await post(second, '/auth/sign-in', { email, password }, 200)
    const memory = memoryOf(second.child.pid)
    await stop(second)
    console.log(`second start ${second.startMs} ms, resident memory ${Math.round(memory)} MB`)
  })
}

async function withContainer(image: Image, folder: string, data: string, use: (container: Container) => Promise<void>) {
  const container = await start(image, folder, data)
  try {
    await use(container)
  } finally {
    container.child.kill('SIGKILL')
  }
}

async function start(image: Image, folder: string, data: string): Promise<Container> {
  const place = join(folder, 'container')
  mkdirSync(place, { recursive: true })
  const PORT = String(await freePort())
  assert.deepEqual(image.volumes, ['/data'])
  const root: Root = { ...image, place, readOnly: true, volumes: { '/data': data }, env: { ...image.env, PORT } }
  const started = performance.now()
  const child = startIn(root, image.command, { stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  child.stdout?.on('data', (chunk) => (log += chunk))
  child.stderr?.on('data', (chunk) => (log += chunk))
  const url = `http://127.0.0.1:${PORT}`
  while (!(await isReady(url))) assert.equal(child.exitCode, null, `the server ended:\n${log}`)
  const startMs = Math.round(performance.now() - started)
  const asked = performance.now()
  assert.equal(await runBeside(child.pid ?? 0, root, image.health.command), 0, 'the health check failed')
  assert(performance.now() - asked < image.health.timeoutMs, 'the health check is too slow')
  return { url, child, root, startMs, log: () => log }
}

async function isReady(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/readyz`).catch(() => undefined)
  if (!answer) await new Promise((resolve) => setTimeout(resolve, 10))
  return answer?.ok === true
}

/** Uses what reads files of packages or writes files: pages, GraphQL, an upload, a stream. */
async function useServer(container: Container, token: string): Promise<void> {
  const { url } = container
  const files = [
    '/',
    '/board',
    '/graphiql',
    '/graphiql/graphiql.js',
    '/docs/swagger-ui-bundle.js',
    '/api/v1/openapi.json',
  ]
  for (const path of [...files, '/redoc', '/redoc/redoc.standalone.js']) {
    const answer = await fetch(url + path)
    assert.equal(answer.status, 200, `${path}: ${await answer.text()}`)
  }
  const task = await post(container, '/tasks', { title: 'From the container' }, 201, token)
  const authorization = `Bearer ${token}`
  const content = 'x'.repeat(100_000)
  const headers = {
    authorization,
    'content-type': 'text/plain',
    'content-disposition': 'attachment; filename="notes.txt"',
  }
  const sent = await fetch(`${url}/api/v1/tasks/${task.id}/attachments`, { method: 'POST', headers, body: content })
  assert.equal(sent.status, 201, await sent.clone().text())
  const { id } = await sent.json()
  const received = await fetch(`${url}/api/v1/attachments/${id}/content`, { headers: { authorization } })
  assert.equal(await received.text(), content)
  const query = `{ task(id: "${task.id}") { title attachments { nodes { filename } } } }`
  const answer = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  })
  assert.match(await answer.text(), /"title":"From the container".*notes\.txt/)
}

async function checkReadOnly({ child, root }: Container): Promise<void> {
  const { pid = 0 } = child
  const write = (path: string, user = root.user) => runBeside(pid, { ...root, user }, ['touch', path])
  for (const path of ['/app/x', '/app/node_modules/.cache/taskwire/x', '/etc/x', '/home/x'])
    assert.notEqual(await write(path), 0, `${path} can be written`)
  for (const path of ['/data/x', '/tmp/x']) assert.equal(await write(path), 0, `${path} cannot be written`)
  const { uid } = statSync(`/proc/${pid}`)
  assert.notEqual(uid, 0, 'the server runs as root')
  assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /CapEff:\s+0+\n/)
}

async function stop({ child, url, log }: Container): Promise<number> {
  const started = performance.now()
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
  const [code] = await once(child, 'exit')
  clearTimeout(timer)
  assert.equal(code, 0, `${url} ended with ${code}:\n${log()}`)
  return Math.round(performance.now() - started)
}

async function post({ url }: Container, path: string, body: object, status: number, token?: string) {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) }
  const answer = await fetch(`${url}/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  const text = await answer.text()
  assert.equal(answer.status, status, `${path}: ${text}`)
  return JSON.parse(text)
}

/** Lines of the log at level `warn` or above, and lines that are not of the log. */
const warnings = (log: string) =>
  log
    .split('\n')
    .filter(Boolean)
    .filter((line) => !line.startsWith('{') || JSON.parse(line).level >= 40)
