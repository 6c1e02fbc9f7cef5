// RECORD_ANSWERS=file NODE_OPTIONS='--import ./tools/judges/record.ts' npm test
// Appends every request under /api/v1 and its response to the file, one line of JSON
// each, for replay.ts.
import { subscribe } from 'node:diagnostics_channel'
import { appendFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** A recorded request and response, with bodies in base64. */
export interface Recorded {
  method: string
  url: string
  requestHeaders: string[]
  requestBody: string
  status: number
  headers: Record<string, string | string[]>
  body: string
}

const file = process.env.RECORD_ANSWERS

if (file) {
  subscribe('http.server.request.start', (message) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse }
    if (request.url?.startsWith('/api/v1')) record(request, response, file)
  })
}

function record(request: IncomingMessage, response: ServerResponse, into: string): void {
  const received = keepAll(request, 'push')
  const written = keepAll(response, 'write')
  const ended = keepAll(response, 'end')
  response.once('finish', () => {
    const exchange: Recorded = {
      method: request.method ?? '',
      url: request.url ?? '',
      requestHeaders: request.rawHeaders,
      requestBody: Buffer.concat(received).toString('base64'),
      status: response.statusCode,
      headers: response.getHeaders() as Recorded['headers'],
      body: Buffer.concat([...written, ...ended]).toString('base64'),
    }
    appendFileSync(into, `${JSON.stringify(exchange)}\n`)
  })
}

/** Wraps a method of a stream and returns the array that collects the chunks it is called with. */
function keepAll<Name extends string>(stream: { [name in Name]: unknown }, name: Name): Buffer[] {
  const chunks: Buffer[] = []
  const call = (stream[name] as (...args: unknown[]) => unknown).bind(stream)
  const keep = (...args: unknown[]) => {
    const [chunk] = args
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk as Uint8Array))
    return call(...args)
  }
  Object.assign(stream, { [name]: keep })
  return chunks
}
