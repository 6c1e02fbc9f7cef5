import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { rest } from '../../support/clients.ts'
import { memoryOf } from '../../support/process-usage.ts'
import type { World } from '../../support/world.ts'
import { newTaskPath } from './files.ts'

/** Allowed growth of the resident memory of the server, in MB. */
const MAX_GROWTH_MB = 50
const MB = 1_048_576

/** Sends a file in every form, fetches it, and fetches the second half of it. Returns what is wrong. */
export async function largeFile(world: World, size: number): Promise<string[]> {
  const problems: string[] = []
  const path = await newTaskPath(world)
  const { token } = world.owner
  // Loads the code.
  await fetchAll(world, await sendBytes(world, path, MB), 0)
  const watched = async (what: string, transfer: () => Promise<unknown>) => {
    const growth = await growthDuring(world, transfer)
    console.log(
      `${what}: ${growth.mbPerSecond(size)} MB/s, resident memory from ${growth.from} to at most ${growth.from + growth.mb} MB`,
    )
    if (growth.mb > MAX_GROWTH_MB) problems.push(`${what}: memory grew by ${growth.mb} MB, over ${MAX_GROWTH_MB}`)
  }
  let id = ''
  await watched('upload of bytes', async () => {
    id = await sendBytes(world, path, size)
  })
  await watched('upload in a form', () => sendForm(world, path, size))
  const { body } = await rest(world.server, `GET /attachments/${id}`, { token })
  if (body.size !== size || body.sha256 !== expectedHash(size)) problems.push(`stored ${JSON.stringify(body)}`)
  await watched('download', async () => {
    if ((await fetchAll(world, id, 0)) !== body.sha256) problems.push('the download has other bytes')
  })
  const half = Math.floor(size / 2)
  if ((await fetchAll(world, id, half)) !== expectedHash(size, half)) problems.push('the resumed half has other bytes')
  return problems
}

/** A chunk that does not compress, and that differs from the next. */
function* chunksOf(size: number, from = 0): Generator<Buffer> {
  for (let at = 0; at < size; at += MB) {
    const chunk = Buffer.alloc(Math.min(MB, size - at), createHash('sha256').update(String(at)).digest())
    if (at + chunk.length > from) yield chunk.subarray(Math.max(from - at, 0))
  }
}

function expectedHash(size: number, from = 0): string {
  const hash = createHash('sha256')
  for (const chunk of chunksOf(size, from)) hash.update(chunk)
  return hash.digest('hex')
}

const sendBytes = (world: World, path: string, size: number) =>
  send(world, `PUT ${path}?filename=large.bin`, size, chunksOf(size), { 'content-length': String(size) })

function sendForm(world: World, path: string, size: number): Promise<string> {
  function* form() {
    yield Buffer.from('--x\r\nContent-Disposition: form-data; name="file"; filename="large.bin"\r\n\r\n')
    yield* chunksOf(size)
    yield Buffer.from('\r\n--x--\r\n')
  }
  return send(world, `POST ${path}`, size, form(), { 'content-type': 'multipart/form-data; boundary=x' })
}

async function send(
  { server, owner }: World,
  call: string,
  size: number,
  chunks: Iterable<Buffer>,
  headers: Record<string, string>,
): Promise<string> {
  const [method, path] = call.split(' ')
  const sent = request(`${server.url}/api/v1${path}`, {
    method,
    headers: { ...headers, authorization: `Bearer ${owner.token}` },
  })
  const answered = new Promise<{ id: string; size: number }>((resolve, reject) => {
    sent.once('error', reject)
    sent.once('response', async (response) => resolve(JSON.parse((await response.toArray()).join(''))))
  })
  await pipeline(Readable.from(chunks), sent)
  const answer = await answered
  if (answer.size !== size) throw new Error(`${call} answered ${JSON.stringify(answer)}`)
  return answer.id
}

/** Returns the SHA-256 of the bytes from a position to the end. */
async function fetchAll({ server, owner }: World, id: string, from: number): Promise<string> {
  const response = await fetch(`${server.url}/api/v1/attachments/${id}/content`, {
    headers: { authorization: `Bearer ${owner.token}`, ...(from > 0 && { range: `bytes=${from}-` }) },
  })
  if (response.status !== (from > 0 ? 206 : 200)) throw new Error(`the download answered ${response.status}`)
  const hash = createHash('sha256')
  for await (const chunk of response.body ?? []) hash.update(chunk)
  return hash.digest('hex')
}

/** Watches the resident memory of the server. */
async function growthDuring({ server }: World, transfer: () => Promise<unknown>) {
  const { rss } = await server.memory()
  let most = rss
  const watch = setInterval(() => {
    most = Math.max(most, memoryOf(server.pid) * MB)
  }, 20)
  const started = performance.now()
  await transfer()
  clearInterval(watch)
  const seconds = (performance.now() - started) / 1_000
  return {
    from: Math.round(rss / MB),
    mb: Math.round((most - rss) / MB),
    mbPerSecond: (size: number) => Math.round(size / MB / seconds),
  }
}
