import type { IncomingMessage, ServerResponse } from 'node:http'
import { AppError } from '../errors.ts'
import { endWithProblem } from './problem.ts'

/**
 * Bytes read and discarded after an oversized body, so that a client that is still sending
 * receives the answer.
 */
const MAX_DISCARDED = 16 * 1_048_576
const MAX_DISCARDING_MS = 5_000

/** So many chunks become one. */
const MANY_CHUNKS = 256

export interface BodyLimits {
  bytes: number
  /** Time to arrive. */
  ms: number
}

/**
 * Reads a whole body. Throws PAYLOAD_TOO_LARGE above the limit. A body that takes too long is
 * answered with 408, which ends the connection.
 */
export async function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  limits: BodyLimits,
): Promise<Buffer> {
  requireIdentity(request)
  sendContinue(request, response)
  if (request.complete) return collect(request, response, limits.bytes)
  const timer = setTimeout(() => {
    endWithProblem(request.socket, 408, 'BAD_REQUEST', `The body took longer than ${limits.ms / 1000} s to arrive.`)
  }, limits.ms)
  return collect(request, response, limits.bytes).finally(() => clearTimeout(timer))
}

/** Throws PAYLOAD_TOO_LARGE if the declared length is above the limit. */
export async function refuseOversized(
  request: IncomingMessage,
  response: ServerResponse,
  { bytes }: BodyLimits,
): Promise<void> {
  if ((declaredLength(request) ?? 0) > bytes) await collect(request, response, bytes)
}

/** Returns the length that a request declares, or undefined for a body in chunks. */
export function declaredLength({ headers }: IncomingMessage): number | undefined {
  const length = headers['content-length']
  return length === undefined ? undefined : Number(length)
}

/**
 * Tells a client that waits for it to send its body (RFC 9110 10.1.1). Until then a refusal costs
 * the client nothing.
 */
export function sendContinue({ headers, httpVersion }: IncomingMessage, response: ServerResponse): void {
  if (headers.expect !== undefined && httpVersion === '1.1' && !response.headersSent) response.writeContinue()
}

async function collect(request: IncomingMessage, response: ServerResponse, limit: number): Promise<Buffer> {
  const maxRead = limit + MAX_DISCARDED
  let chunks: Buffer[] = []
  /** Of these, the first are merged already. */
  let merged = 0
  let size = (declaredLength(request) ?? 0) > maxRead ? Number.POSITIVE_INFINITY : 0
  const started = performance.now()
  if (size <= maxRead) {
    await eachChunk(request, (chunk) => {
      size += chunk.length
      if (size > limit) chunks = []
      else if (chunks.push(chunk) - merged >= MANY_CHUNKS) {
        // A chunk of a byte takes hundreds of them.
        chunks.push(Buffer.concat(chunks.splice(merged)))
        merged = chunks.length
      }
      return size <= maxRead && (size <= limit || performance.now() - started <= MAX_DISCARDING_MS)
    })
  }
  if (size > limit) {
    // The unread rest of the body blocks any further request on this connection.
    if (!request.readableEnded) response.setHeader('Connection', 'close')
    throw new AppError('PAYLOAD_TOO_LARGE', `The body is larger than ${limit} bytes.`)
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size)
}

/**
 * Calls back with the chunks of a body until it ends or `take` returns false. Listeners cost
 * less than an iterator, and stopping leaves the connection open: the response still has to go out.
 */
function eachChunk(request: IncomingMessage, take: (chunk: Buffer) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: unknown) => {
      request.off('data', onData).off('end', settle).off('error', settle).off('close', onClose)
      if (error === undefined) resolve()
      else reject(error)
    }
    const onClose = () => settle(new Error('the client left before its body ended'))
    const onData = (chunk: Buffer) => {
      if (take(chunk)) return
      request.pause()
      settle()
    }
    request.on('data', onData).once('end', settle).once('error', settle).once('close', onClose)
  })
}

/**
 * Rejects compressed bodies: their size is unknown until they are unpacked. The answer follows RFC
 * 9110 15.5.16.
 */
export function requireIdentity({ headers }: IncomingMessage): void {
  const coding = headers['content-encoding']?.trim().toLowerCase() ?? ''
  if (coding === '' || coding === 'identity') return
  throw new AppError('UNSUPPORTED_MEDIA_TYPE', `Send the body uncompressed, without Content-Encoding: ${coding}.`, {
    headers: { 'Accept-Encoding': 'identity' },
  })
}
