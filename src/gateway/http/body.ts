import type { IncomingMessage, ServerResponse } from 'node:http'
import { AppError } from '../errors.ts'
import { endWithProblem } from './problem.ts'

/**
 * Bytes read and discarded after an oversized body, so that a client that is still sending
 * receives the answer.
 */
const MAX_DISCARDED = 16 * 1_048_576
const MAX_DISCARDING_MS = 5_000

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
  if (request.complete) return collect(request, response, limits.bytes)
  const timer = setTimeout(() => {
    endWithProblem(request.socket, 408, 'BAD_REQUEST', `The body took longer than ${limits.ms / 1000} s to arrive.`)
  }, limits.ms)
  return collect(request, response, limits.bytes).finally(() => clearTimeout(timer))
}

/**
 * Reads a body while it arrives, at the pace of the reader. Above the limit it throws
 * PAYLOAD_TOO_LARGE. A reader that stops early ends the connection.
 */
export async function* streamBody(
  request: IncomingMessage,
  response: ServerResponse,
  { bytes, setting }: { bytes: number; setting: string },
): AsyncGenerator<Uint8Array> {
  requireIdentity(request)
  let size = declaredLength(request) > bytes ? Number.POSITIVE_INFINITY : 0
  const chunks = request.iterator({ destroyOnReturn: false })
  try {
    for (let step = size <= bytes ? await chunks.next() : undefined; step && !step.done; step = await chunks.next()) {
      const chunk = step.value as Buffer
      size += chunk.length
      if (size > bytes) break
      yield chunk
    }
    if (size > bytes) {
      const message = `The body is larger than ${bytes} bytes (${setting}).`
      throw new AppError('PAYLOAD_TOO_LARGE', message)
    }
    if (!request.complete) throw new AppError('BAD_REQUEST', 'The connection ended before the body did.')
  } finally {
    // Its listener would keep the rest from being read otherwise.
    await chunks.return?.()
    if (!request.readableEnded) await discardRest(request, response)
  }
}

/**
 * Discards what is left of a body, within limits, so that a client that is still sending receives
 * the answer. The unread rest blocks any further request on this connection.
 */
async function discardRest(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (!response.headersSent) response.setHeader('Connection', 'close')
  if (request.destroyed || declaredLength(request) > MAX_DISCARDED) return
  let size = 0
  const started = performance.now()
  const isWithin = () => size <= MAX_DISCARDED && performance.now() - started <= MAX_DISCARDING_MS
  await eachChunk(request, (chunk) => {
    size += chunk.length
    return isWithin()
  }).catch(() => undefined)
}

/** Throws PAYLOAD_TOO_LARGE if the declared length is above the limit. */
export async function refuseOversized(
  request: IncomingMessage,
  response: ServerResponse,
  { bytes }: BodyLimits,
): Promise<void> {
  if (declaredLength(request) > bytes) await collect(request, response, bytes)
}

const declaredLength = ({ headers }: IncomingMessage) => Number(headers['content-length'] ?? 0)

async function collect(request: IncomingMessage, response: ServerResponse, limit: number): Promise<Buffer> {
  const maxRead = limit + MAX_DISCARDED
  let chunks: Buffer[] = []
  let size = declaredLength(request) > maxRead ? Number.POSITIVE_INFINITY : 0
  const started = performance.now()
  if (size <= maxRead) {
    await eachChunk(request, (chunk) => {
      size += chunk.length
      if (size <= limit) chunks.push(chunk)
      else chunks = []
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
function requireIdentity({ headers }: IncomingMessage): void {
  const coding = headers['content-encoding']?.trim().toLowerCase() ?? ''
  if (coding === '' || coding === 'identity') return
  throw new AppError('UNSUPPORTED_MEDIA_TYPE', `Send the body uncompressed, without Content-Encoding: ${coding}.`, {
    headers: { 'Accept-Encoding': 'identity' },
  })
}
