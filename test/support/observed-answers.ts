import { subscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { type Contract, contractOf } from './contract.ts'
import type { Document } from './openapi-document.ts'

/** Holds every answer of every server in this process against its document, whatever client asked. */

const contracts = new WeakMap<Server, Contract>()
let violations: string[] = []
let ours: Contract | undefined

/** Holds a server's answers against another document than openapi.json. */
export function holdTo(server: Server, document: unknown): void {
  contracts.set(server, contractOf(document as Document))
}

/** The violations since the last call, each with what was asked and answered. */
export function takeViolations(): string[] {
  const taken = violations
  violations = []
  return taken
}

/** From now on. */
export function observeAnswers(): void {
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

/** Reads along; judges when the server has said all, so that it is known before the client has the answer. */
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
    const body = Buffer.concat(chunks).toString()
    judge(() => contract().violations({ method, url, isPreflight, status, headers, body }), `${status} ${body}`)
    return ended
  }
}

function attempt(find: () => string[]): string[] {
  try {
    return find()
  } catch (error) {
    return [String(error)]
  }
}
