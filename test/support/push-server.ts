import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Pushed {
  path: string
  id: string
  title: string
  text: string
  headers: IncomingHttpHeaders
}

export interface PushServer {
  url: string
  pushed: Pushed[]
  /** Returns the status of the answer. */
  answer: (push: Pushed) => number | Promise<number>
  close(): Promise<void>
}

/** Starts a server on loopback that takes messages as ntfy does. */
export async function pushServer(): Promise<PushServer> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { headers, url: path = '' } = request
    const title = String(headers.title)
    const push = {
      path,
      id: String(headers['idempotency-key']),
      title,
      text: Buffer.concat(chunks).toString(),
      headers,
    }
    const status = await kept.answer(push)
    if (status < 300) kept.pushed.push(push)
    response.writeHead(status, { location: '/elsewhere' }).end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const kept: PushServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pushed: [],
    answer: () => 200,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return kept
}
