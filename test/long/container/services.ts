/**
 * Runs the services of compose.yaml, restarts one server after the other at a new address while clients write and
 * follow, and checks that nobody noticed. Started by topology.ts, in namespaces of its own.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { until } from '../../support/wait.ts'
import { mountedFile, readCompose } from './compose-file.ts'
import { follow } from './followers.ts'
import type { Image } from './image.ts'
import { createNetwork, GATEWAY } from './network.ts'
import { startIn } from './root.ts'

const STOP_LIMIT_MS = 10_000
const FOLLOWERS = 10
const WRITERS = 4
const POSTGRES = execFileSync('pg_config', ['--bindir'], { encoding: 'utf8' }).trim()

const [folder = '', json = ''] = process.argv.slice(2)
const image: Image = JSON.parse(json)
// As the first lines of compose.yaml make them.
const secret = (bytes: number) => randomBytes(bytes).toString('hex')
const compose = readCompose({ JWT_SECRET: secret(32), POSTGRES_PASSWORD: secret(16) })
const network = await createNetwork()
const resolver = join(folder, 'resolv.conf')
writeFileSync(resolver, `nameserver ${GATEWAY}\n`)
execFileSync('mount', ['--bind', resolver, '/etc/resolv.conf'])

await startPostgres()
const files = sharedFolder()
const servers = new Map<string, ChildProcess>()
for (const name of ['taskwire-1', 'taskwire-2'] as const) servers.set(name, startServer(name))
const proxy = startProxy()
await until(
  'the proxy has a server',
  async () => (await fetch(`${proxy.url}/readyz`).catch(() => undefined))?.ok === true,
)
await until('the proxy uses both', async () => {
  await fetch(`${proxy.url}/readyz`)
  return proxy.answers('taskwire-1') > 0 && proxy.answers('taskwire-2') > 0
})

const account = { email: 'ada@example.org', password: 'correct horse battery', name: 'Ada' }
let token: string | undefined
token = (await send('/auth/register', account)).accessToken as string
const created: string[] = []
const failures: string[] = []
const { cursor } = await (await fetch(`${proxy.url}/api/v1/events/cursor`, { headers: auth() })).json()
const followers = (['websocket', 'sse'] as const).flatMap((protocol) =>
  Array.from({ length: FOLLOWERS }, () => follow(protocol, proxy.url, token, cursor)),
)
let writing = true
const writers = Promise.all(Array.from({ length: WRITERS }, write))
await shareAttachment()
for (const name of ['taskwire-1', 'taskwire-2'] as const) await replaceServer(name)
writing = false
await writers
assert.deepEqual(failures, [], 'writes failed')
for (const follower of followers) {
  await until('a follower has everything', () => follower.seen.length >= created.length)
  assert.deepEqual(follower.seen, followers[0]?.seen)
}
assert.deepEqual([...(followers[0]?.seen ?? [])].sort(), created.sort())
const cuts = followers.reduce((sum, { streams }) => sum + streams() - 1, 0)
for (const follower of followers) follower.stop()
await until(
  'the proxy has logged the websockets',
  () => proxy.websockets('taskwire-1') + proxy.websockets('taskwire-2') >= FOLLOWERS,
)
const count = (name: string) => `${name} ${proxy.answers(name)} requests and ${proxy.websockets(name)} websockets`
console.log(`compose.yaml: ${count('taskwire-1')}, ${count('taskwire-2')}`)
assert(proxy.websockets('taskwire-1') > 0 && proxy.websockets('taskwire-2') > 0, 'one server had all websockets')
console.log(
  `  each server replaced at a new address: ${created.length} writes, 0 failed; ${followers.length} streams (half ` +
    `websockets, half SSE) resumed ${cuts} times, each complete, in order and without repetition`,
)
process.exit(0)

async function startPostgres(): Promise<void> {
  const { environment } = compose.services.postgres
  const { network: net, address } = network.join('postgres')
  const data = join(folder, 'postgres')
  const passwordFile = join(folder, 'postgres-password')
  mkdirSync(data)
  writeFileSync(passwordFile, environment.POSTGRES_PASSWORD ?? '')
  chmodSync(folder, 0o755)
  const uid = Number(execFileSync('id', ['-u', 'postgres'], { encoding: 'utf8' }))
  for (const path of [data, passwordFile]) chownSync(path, uid, uid)
  const user = String(environment.POSTGRES_USER)
  const asPostgres = ['--reuid=postgres', '--regid=postgres', '--clear-groups']
  const auth = [
    '--auth=scram-sha-256',
    `--pwfile=${passwordFile}`,
    `--username=${user}`,
    '--encoding=UTF8',
    '--no-sync',
  ]
  execFileSync('setpriv', [...asPostgres, `${POSTGRES}/initdb`, ...auth, '-D', data], { stdio: 'ignore' })
  writeFileSync(join(data, 'pg_hba.conf'), 'host all all all scram-sha-256\n')
  const settings = ['-c', 'listen_addresses=*', '-c', 'unix_socket_directories=', '-c', 'fsync=off']
  const server = [...asPostgres, `${POSTGRES}/postgres`, '-D', data, ...settings]
  spawn('nsenter', [`--net=${net}`, 'setpriv', ...server], { stdio: 'ignore' })
  const open = async () => {
    const client = new pg.Client({ host: address, user, password: environment.POSTGRES_PASSWORD, database: 'postgres' })
    client.on('error', () => undefined)
    await client.connect()
    return client
  }
  await until('PostgreSQL accepts connections', () =>
    open().then(
      (client) => client.end().then(() => true),
      () => false,
    ),
  )
  const client = await open()
  await client.query(`CREATE DATABASE ${environment.POSTGRES_DB}`)
  await client.end()
}

/** The volume that both servers mount, as Docker makes it from the image. */
function sharedFolder(): string {
  const path = join(folder, 'shared')
  mkdirSync(path)
  const { uid, gid } = statSync(join(image.files, '/data'))
  chownSync(path, uid, gid)
  return path
}

function startServer(name: 'taskwire-1' | 'taskwire-2'): ChildProcess {
  const service = compose.services[name]
  assert(service.read_only && service.cap_drop?.includes('ALL') && service.tmpfs === '/tmp')
  assert.deepEqual(service.volumes, ['taskwire:/data'])
  const { network: net, address } = network.join(name)
  const place = join(folder, `${name}-${address}`)
  mkdirSync(place)
  execFileSync('cp', ['-al', image.files, join(place, 'files')])
  writeFileSync(join(place, 'files/etc/resolv.conf'), `nameserver ${GATEWAY}\n`)
  // One user writes as fast as they can.
  const env = { ...image.env, ...service.environment, RATE_LIMIT: 'off' }
  const volumes = { '/data': files }
  const root = { ...image, files: join(place, 'files'), place, readOnly: true, volumes, env, network: net }
  const child = startIn(root, image.command, { stdio: ['ignore', 'pipe', 'inherit'] })
  child.stdout?.on('data', (text: Buffer) => {
    for (const line of String(text).split('\n')) if (/"level":[456]0/.test(line)) console.log(`${name}: ${line}`)
  })
  return child
}

function startProxy() {
  const { network: net, address } = network.join('proxy')
  const port = compose.services.proxy.ports[0]?.split(':').at(-1)
  const config = mountedFile(compose.services.proxy, '/usr/local/etc/haproxy/haproxy.cfg')
  const unprivileged = ['setpriv', '--reuid=haproxy', '--regid=haproxy', '--clear-groups', '--bounding-set=-all']
  // The command of the official image.
  const child = spawn('nsenter', [`--net=${net}`, ...unprivileged, 'haproxy', '-W', '-db', '-f', config])
  let log = ''
  child.stdout.on('data', (text) => (log += text))
  child.stderr.on('data', (text) => /ALERT/.test(String(text)) && console.log(`proxy: ${text}`))
  const lines = (name: string, status: string) =>
    [...log.matchAll(new RegExp(` taskwire/${name} \\S+ ${status} `, 'g'))].length
  return {
    url: `http://${address}:${port}`,
    /** How many requests a server has answered, streams and websockets included once they have ended. */
    answers: (name: string) => lines(name, '[1-5]\\d\\d'),
    websockets: (name: string) => lines(name, '101'),
  }
}

/** Stops a server while it works, and starts it at another address. */
async function replaceServer(name: 'taskwire-1' | 'taskwire-2'): Promise<void> {
  const child = servers.get(name)
  const started = performance.now()
  child?.kill('SIGTERM')
  const [code] = child ? await once(child, 'exit') : [undefined]
  const tookMs = Math.round(performance.now() - started)
  assert.equal(code, 0, `${name} ended with ${code}`)
  assert(tookMs < STOP_LIMIT_MS, `${name} took ${tookMs} ms to stop`)
  const before = proxy.answers(name)
  servers.set(name, startServer(name))
  await until(`the proxy uses the new ${name}`, () => proxy.answers(name) > before + 20)
  console.log(
    `  ${name} stopped in ${tookMs} ms and was used again ${Math.round(performance.now() - started)} ms later`,
  )
}

async function write(): Promise<void> {
  while (writing) {
    const title = `Task ${created.length}`
    await send('/tasks', { title }).then(
      ({ id }) => created.push(id),
      (error) => failures.push(String(error)),
    )
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function send(path: string, body: object) {
  const headers = { 'content-type': 'application/json', ...auth() }
  const answer = await fetch(`${proxy.url}/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`)
  return JSON.parse(text)
}

function auth(): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}

/** Sends a file to one server and reads it from both. */
async function shareAttachment(): Promise<void> {
  const { id: task } = await send('/tasks', { title: 'With a file' })
  created.push(task)
  const content = 'x'.repeat(200_000)
  const headers = { ...auth(), 'content-type': 'text/plain', 'content-disposition': 'attachment; filename="notes.txt"' }
  const url = `${proxy.url}/api/v1/tasks/${task}/attachments`
  const { id } = await (await fetch(url, { method: 'POST', headers, body: content })).json()
  const before = ['taskwire-1', 'taskwire-2'].map(proxy.answers)
  for (let read = 0; read < 20; read++) {
    const answer = await fetch(`${proxy.url}/api/v1/attachments/${id}/content`, { headers: auth() })
    assert.equal(await answer.text(), content)
  }
  const after = ['taskwire-1', 'taskwire-2'].map(proxy.answers)
  assert(after.every((count, index) => count > (before[index] ?? 0)))
}
