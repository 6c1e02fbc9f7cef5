import { memoryOf } from '../../support/process-usage.ts'
import type { World } from '../../support/world.ts'
import { getText, load, open } from './client.ts'

const REQUESTS = 5_000
const MAX_WAIT_MS = 500
const READERS = 50
const LISTS = 40
const TASKS = 200
const LIST = '/tasks?limit=100'
const MAX_GROWTH_MB = 150

/** One connection sends thousands of requests at once. */
export async function pipelined({ server: { url }, owner: { token } }: World): Promise<string[]> {
  await load(url, token, 2_000)
  const socket = await open(url)
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  const started = performance.now()
  socket.write(getText(url, '/api/v1/tasks', token).repeat(REQUESTS))
  const others = await load(url, token, 3_000, 1)
  const answers = () => text.split('HTTP/1.1 200').length - 1
  while (answers() < REQUESTS && performance.now() - started < 120_000) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const seconds = (performance.now() - started) / 1000
  console.log(
    `  ${answers()} of ${REQUESTS} answers in ${seconds.toFixed(1)} s; another user waits ${others.slowest} ms at most`,
  )
  socket.destroy()
  const failures: string[] = []
  if (answers() < REQUESTS) failures.push(`only ${answers()} of ${REQUESTS} requests were answered`)
  if (others.slowest > MAX_WAIT_MS) failures.push(`another user waits ${others.slowest} ms`)
  return failures
}

/** Many connections ask for long lists and read nothing. */
export async function unread({ server, owner: { token }, call }: World): Promise<string[]> {
  const { url } = server
  const items = Array.from({ length: TASKS }, (_, index) => ({
    title: `Task ${index}`,
    description: 'x'.repeat(2_000),
  }))
  await call('POST', '/tasks/bulk', { items })
  // Answers that are read show how much memory the lists themselves take.
  for (let round = 0; round < 40; round++) await Promise.all(Array.from({ length: READERS }, () => call('GET', LIST)))
  const pid = server.pid as number
  const heap = async () => {
    const { heapUsed, external } = await server.memory()
    return (heapUsed + external) / 2 ** 20
  }
  const [before, heapBefore] = [memoryOf(pid), await heap()]
  const sockets = await Promise.all(Array.from({ length: READERS }, () => open(url)))
  for (const socket of sockets) {
    socket.pause()
    socket.write(getText(url, `/api/v1${LIST}`, token).repeat(LISTS))
  }
  let peak = 0
  for (let second = 0; second < 20; second++) {
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    peak = Math.max(peak, memoryOf(pid))
  }
  const growth = peak - before
  const held = (await heap()) - heapBefore
  console.log(`  ${READERS} × ${LISTS} lists that nobody reads: +${growth.toFixed(0)} MB, ${held.toFixed(0)} MB held`)
  for (const socket of sockets) socket.destroy()
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  console.log(`  after they left: ${((await heap()) - heapBefore).toFixed(0)} MB held`)
  return growth > MAX_GROWTH_MB ? [`memory grows by ${growth.toFixed(0)} MB`] : []
}
