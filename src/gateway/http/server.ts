import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { limitPipelining } from '../limits/pipelining.ts'
import { GatewayResponse } from './entry.ts'
import { answerUnreadable } from './unreadable.ts'

/** Times in milliseconds. */
export interface ServerTimeouts {
  /** For the headers of a request to arrive. */
  headers: number
  /** For the longest body to arrive. */
  body: number
  /** Until a connection without a request is closed. */
  keepAlive: number
  /** Until a connection on which nothing moves is closed. */
  idle: number
}

/**
 * Creates the HTTP server in front of an entry (see entry.ts), which must not listen yet. The entry
 * checks and answers what Node would refuse without a body.
 */
export function createGatewayServer(
  handle: (request: IncomingMessage, response: GatewayResponse) => Promise<void>,
  {
    timeouts,
    pipelined,
  }: { timeouts: ServerTimeouts /** Requests of a connection that run at a time. */; pipelined: number },
): Server {
  const server = createServer(
    {
      ServerResponse: GatewayResponse,
      // Join repeated Authorization headers, so that they are rejected. Node would drop all
      // but the first.
      joinDuplicateHeaders: true,
      // The HTTP entry checks the Host header and answers with a problem document.
      requireHostHeader: false,
      // Ignore offers to upgrade to anything else, like h2c from curl and Java, and serve the request
      // as it is.
      shouldUpgradeCallback: ({ headers }: IncomingMessage) => headers.upgrade?.toLowerCase() === 'websocket',
      headersTimeout: timeouts.headers,
      requestTimeout: Math.max(timeouts.body, timeouts.headers),
      keepAliveTimeout: timeouts.keepAlive,
      connectionsCheckingInterval: 1_000,
    },
    limitPipelining((request, response) => void handle(request, response as GatewayResponse), pipelined),
  )
  // Node would ask for every body at once. Whoever reads a body asks for it.
  server.on('checkContinue', (request, response) => server.emit('request', request, response))
  // Node would answer without a body. The HTTP entry answers with a problem document.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response))
  server.setTimeout(timeouts.idle)
  answerUnreadable(server)
  return server
}

/** Listens and returns the URL, with the actual port. Rejects if the port is taken. */
export async function listen(server: Server, { host, port }: { host: string; port: number }): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const { port: actual } = server.address() as AddressInfo
  const name = host.includes(':') ? `[${host}]` : host === '0.0.0.0' ? '127.0.0.1' : host
  return `http://${name}:${actual}`
}
