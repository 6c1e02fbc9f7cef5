import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { endWithProblem } from './problem.ts'

/** Answers to Node's parse errors. Any other error is not HTTP. */
const PARSE_ERRORS: Readonly<Record<string, { status: number; detail: string }>> = {
  HPE_HEADER_OVERFLOW: { status: 431, detail: 'The headers are too large.' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, detail: 'The chunk extensions are too large.' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, detail: 'The request took too long to arrive.' },
}
const NOT_HTTP = { status: 400, detail: 'This is not a valid HTTP/1.1 request.' }

/** Answers requests that Node cannot parse with a problem, like any other error. */
export function answerUnreadable(server: Server): void {
  // Lists, as nearly always of one: a set that changes with each request keeps some of what it
  // contained in memory until the next full garbage collection.
  const unanswered = new WeakMap<Duplex, ServerResponse[]>()

  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    const responses = unanswered.get(socket) ?? []
    responses.push(response)
    if (responses.length === 1) unanswered.set(socket, responses)
    response.once('close', () => responses.splice(responses.indexOf(response), 1))
  })

  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    const responses = unanswered.get(socket) ?? []
    // Never write into a response that has started, or before a response that must come first.
    const canAnswer = responses.length === 0 || (responses.length === 1 && !responses[0]?.headersSent)
    if (error.code === 'ECONNRESET' || !socket.writable || !canAnswer) return void socket.destroy()
    const { status, detail } = PARSE_ERRORS[error.code ?? ''] ?? NOT_HTTP
    endWithProblem(socket, status, status === 413 ? 'PAYLOAD_TOO_LARGE' : 'BAD_REQUEST', detail)
  })
}
