import type { WebSocket } from 'ws'
import type { AppError } from '../errors.ts'
import { decodeUtf8 } from '../http/utf8.ts'

/** Decodes a message. Throws an AppError if it is not UTF-8: ws checks text frames, not binary ones. */
function readMessage(data: Buffer): string {
  return withQuery(decodeUtf8(data, 'The message'))
}

/** Adds the empty text that graphql-ws requires to an operation that names its document by hash. */
function withQuery(text: string): string {
  if (!text.includes('"persistedQuery"') && !text.includes('"documentId"')) return text
  const message = parse(text)
  if (!isObject(message) || message.type !== 'subscribe' || !isObject(message.payload)) return text
  if (message.payload.query != null) return text
  return JSON.stringify({ ...message, payload: { ...message.payload, query: '' } })
}

/** Types of messages that only a server sends. graphql-ws throws when it receives one. */
const OF_SERVERS = new Set<unknown>(['connection_ack', 'next', 'error'])

/** Returns true for a valid message that only a server may send. */
export function isOfServer(text: string): boolean {
  const message = parse(text)
  return isObject(message) && OF_SERVERS.has(message.type)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** RFC 6455: data that does not match the type of the message. */
const NOT_UTF8 = 1007

/** Reads a message, or closes its socket and returns undefined. */
export function readOrClose(socket: WebSocket, data: Buffer): string | undefined {
  try {
    return readMessage(data)
  } catch (error) {
    socket.close(NOT_UTF8, (error as AppError).message)
    return undefined
  }
}
