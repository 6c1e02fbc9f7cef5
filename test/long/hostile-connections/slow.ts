import type { Socket } from 'node:net'
import type { World } from '../../support/world.ts'
import { load, open } from './client.ts'

const LOAD_MS = 10_000
const PATIENCE_MS = 65_000
const MIN_THROUGHPUT = 0.8

/** Connections whose headers or bodies arrive byte by byte, or that send nothing at all. */
export async function slow({ server: { url }, owner }: World): Promise<string[]> {
  const failures: string[] = []
  await load(url, owner.token, 2_000)
  const alone = await load(url, owner.token, LOAD_MS)
  const groups: Record<string, Socket[]> = {
    'slow headers': await crowd(200, 'GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\nX-A: '),
    silent: await crowd(1_000, ''),
    'slow bodies': await crowd(
      200,
      `POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{`,
    ),
  }
  const opened = performance.now()
  const closedAt = new Map<string, number>()
  for (const [name, sockets] of Object.entries(groups)) {
    for (const socket of sockets) {
      socket.resume()
      socket.once('close', () => closedAt.set(name, Math.round(performance.now() - opened)))
    }
  }
  const dripping = setInterval(() => {
    for (const name of ['slow headers', 'slow bodies']) for (const socket of groups[name] ?? []) socket.write('a')
  }, 1_000)
  const beside = await load(url, owner.token, LOAD_MS)
  const isOpen = (socket: Socket) => !socket.destroyed
  while (Object.values(groups).flat().some(isOpen) && performance.now() - opened < PATIENCE_MS) {
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  clearInterval(dripping)
  for (const [name, sockets] of Object.entries(groups)) {
    const left = sockets.filter(isOpen).length
    console.log(
      `  ${name}: ${sockets.length - left} of ${sockets.length} closed, the last after ${closedAt.get(name)} ms`,
    )
    if (left > 0) failures.push(`${left} connections with ${name} are still open`)
    for (const socket of sockets) socket.destroy()
  }
  const share = beside.count / alone.count
  console.log(`  ${alone.count} requests alone, ${beside.count} beside them: ${share.toFixed(2)}`)
  if (share < MIN_THROUGHPUT) failures.push(`the throughput of others falls to ${share.toFixed(2)}`)
  return failures

  async function crowd(count: number, text: string): Promise<Socket[]> {
    const sockets = await Promise.all(Array.from({ length: count }, () => open(url)))
    for (const socket of sockets) socket.write(text)
    return sockets
  }
}
