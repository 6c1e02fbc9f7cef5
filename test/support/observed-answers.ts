import { subscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { type Contract, contractOf } from './contract.ts'
import type { Document } from './openapi-document.ts'

/** Checks every response of every server in this process against its document. */

const contracts = new WeakMap<Server, Contract>()
let violations: string[] = []
let ours: Contract | undefined

/** Checks a server against another document than openapi.json. */
export function holdTo(server: Server, document: unknown): void {
  contracts.set(server, contractOf(document as Document))
}

/** Returns and clears the violations, each with its request and response. */
export function takeViolations(): string[] {
  const taken = violations
  violations = []
  return taken
}

let observing = false

/** Starts observing. A worker runs many test files and observes once. */
export function observeAnswers(): void {
  if (observing) return
  observing = true
  subscribe('http.server.request.start', (message) => {
    const { request, response, server } = message as Start
    observe(request, response, () => contracts.get(server) ?? ourContract())
  })
}

interface Start {
  request: IncomingMessage
  response: ServerResponse
  server: Server
}

function ourContract(): Contract {
  ours ??= contractOf(JSON.parse(readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8')))
  return ours
}

type Chunk = string | Uint8Array | (() => void) | undefined | null

/** Copies the response and checks it once complete, before the client can have read it. */
function observe(request: IncomingMessage, response: ServerResponse, contract: () => Contract): void {
  const chunks: Buffer[] = []
  const write = response.write.bind(response) as (...args: unknown[]) => boolean
  const end = response.end.bind(response) as (...args: unknown[]) => ServerResponse
  const { method = '', url = '' } = request
  const keep = (chunk: Chunk) => {
    if (chunk && typeof chunk !== 'function') chunks.push(Buffer.from(chunk as string))
  }
  const judge = (find: () => string[], answer: string) => {
    const found = attempt(find)
    if (found.length > 0) violations.push(`${method} ${url} answered ${answer}\n  ${found.join('\n  ')}`)
  }
  const isStream = () => String(response.getHeader('content-type')).startsWith('text/event-stream')

  response.write = (...args: unknown[]) => {
    keep(args[0] as Chunk)
    if (isStream()) {
      const events = Buffer.concat(chunks).toString().split('\n\n')
      chunks.splice(0, chunks.length, Buffer.from(events.pop() ?? ''))
      for (const event of events) judge(() => contract().eventViolations(url, event), event)
    }
    return write(...args)
  }
  response.end = (...args: unknown[]) => {
    keep(args[0] as Chunk)
    const ended = end(...args)
    const { statusCode: status } = response
    const headers = response.getHeaders()
    const isPreflight = request.headers['access-control-request-method'] !== undefined
    const body = decoded(Buffer.concat(chunks), headers['content-encoding'])
    judge(() => contract().violations({ method, url, isPreflight, status, headers, body }), `${status} ${body}`)
    return ended
  }
}

const DECODERS: Record<string, (body: Buffer) => Buffer> = {
  gzip: gunzipSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
}

function decoded(body: Buffer, encoding: unknown): string {
  const decoder = DECODERS[String(encoding)]
  return String(decoder && body.length > 0 ? decoder(body) : body)
}

function attempt(find: () => string[]): string[] {
  try {
    return find()
  } catch (error) {
    return [String(error)]
  }
}
