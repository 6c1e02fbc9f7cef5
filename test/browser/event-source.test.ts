import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { findChromium, openBrowser } from '../support/browser.ts'
import { rest } from '../support/clients.ts'
import { sharedServer, signUp } from '../support/server.ts'
import { until } from '../support/wait.ts'

const chromium = await findChromium()
if (!chromium)
  console.warn('\nSKIPPED: no Chromium found, EventSource is untested. Install it or set CHROMIUM to its path.\n')

/** Starts a proxy between a browser and the server whose connections can be cut. */
async function cuttable(url: string): Promise<{ url: string; cut: () => void }> {
  const open = new Set<Socket>()
  const proxy = createServer((client) => {
    const server = connect(Number(new URL(url).port), '127.0.0.1')
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      open.add(one)
      one.on('error', () => {})
      one.once('close', () => {
        open.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const cut = () => {
    for (const one of open) one.destroy()
  }
  onTestFinished(() => {
    proxy.close()
    cut()
  })
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, cut }
}

declare const EventSource: new (
  url: string,
) => {
  addEventListener(type: string, listener: (event: { data: string }) => void): void
}

test.skipIf(!chromium)(
  'an EventSource with a ticket misses nothing through cuts, also one before its first event, and repeats nothing',
  async () => {
    const server = await sharedServer()
    const { token } = await signUp(server)
    const proxy = await cuttable(server.url)
    const { context } = await openBrowser(String(chromium), proxy.url)
    const page = await context.newPage()
    await page.goto(`${proxy.url}/livez`)
    const { ticket } = (await rest(server, 'POST /auth/stream-ticket', { token })).body
    await page.evaluate((path) => {
      const seen: string[] = []
      Object.assign(globalThis, { seen, opened: 0 })
      const source = new EventSource(path)
      source.addEventListener('open', () => {
        ;(globalThis as unknown as { opened: number }).opened++
      })
      source.addEventListener('task.created', ({ data }) => seen.push(JSON.parse(data).taskId))
    }, `/api/v1/events/stream?types=task&ticket=${ticket}`)
    const inPage = <T>(name: string) => page.evaluate((key) => (globalThis as never)[key] as T, name)
    const opened = async (times: number) =>
      until(`it has opened ${times} times`, async () => (await inPage<number>('opened')) >= times)

    const written: string[] = []
    const write = async () => {
      const { body } = await rest(server, 'POST /tasks', { token, body: { title: `Task ${written.length}` } })
      written.push(body.id)
    }
    await opened(1)
    for (let round = 1; round <= 3; round++) {
      proxy.cut()
      // Write while it is disconnected, which lasts at least a second.
      for (let count = 0; count < 5; count++) await write()
      await opened(round + 1)
      await write()
    }
    await until('it is complete', async () => (await inPage<string[]>('seen')).includes(written.at(-1) ?? ''))
    expect(await inPage<string[]>('seen')).toEqual(written)
  },
  120_000,
)
