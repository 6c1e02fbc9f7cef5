import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { endWithProblem } from './problem.ts'

/** What Node finds when it cannot read a request; anything else is no HTTP. */
const FOUND: Readonly<Record<string, { status: number; detail: string }>> = {
  HPE_HEADER_OVERFLOW: { status: 431, detail: 'The headers are too large.' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, detail: 'The extensions of a chunk are too large.' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, detail: 'The request did not come to its end in time.' },
}
const NO_HTTP = { status: 400, detail: 'This cannot be read as a request of HTTP/1.1.' }

/** Answers what cannot be read as a request, and so never becomes one, with a problem like any other. */
export function answerUnreadable(server: Server): void {
  const unanswered = new WeakMap<Duplex, Set<ServerResponse>>()

  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    const responses = unanswered.get(socket) ?? new Set()
    unanswered.set(socket, responses.add(response))
    response.once('close', () => responses.delete(response))
  })

  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    const responses = [...(unanswered.get(socket) ?? [])]
    // An answer that is under way, or due before this one, is not to be written into.
    const free = responses.length === 0 || (responses.length === 1 && !responses[0]?.headersSent)
    if (error.code === 'ECONNRESET' || !socket.writable || !free) return void socket.destroy()
    const { status, detail } = FOUND[error.code ?? ''] ?? NO_HTTP
    endWithProblem(socket, status, status === 413 ? 'PAYLOAD_TOO_LARGE' : 'BAD_REQUEST', detail)
  })
}
