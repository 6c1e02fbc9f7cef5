import type { IncomingMessage, ServerResponse } from 'node:http'
import { AppError } from '../errors.ts'
import { declaredLength, requireIdentity, sendContinue } from './body.ts'
import { countStreamed } from './collect.ts'
import { endWithProblem } from './problem.ts'

export interface StreamLimit {
  /** Maximum size in bytes. */
  bytes: number
  /** The setting with the maximum, for messages. */
  setting: string
}

/** Throws PAYLOAD_TOO_LARGE if the declared length of a body is above the limit. */
export function refuseDeclared(request: IncomingMessage, limit: StreamLimit): void {
  if ((declaredLength(request) ?? 0) > limit.bytes) throw tooLarge(limit)
}

/**
 * Yields the chunks of a body as they arrive, and reads no further while the consumer is busy.
 * Throws PAYLOAD_TOO_LARGE above the limit. A body that takes longer than `ms` is answered with
 * 408, which ends the connection.
 */
export async function* streamBody(
  request: IncomingMessage,
  response: ServerResponse,
  { ms, ...limit }: StreamLimit & { ms: number },
): AsyncGenerator<Buffer, void, undefined> {
  requireIdentity(request)
  refuseDeclared(request, limit)
  sendContinue(request, response)
  const timer = setTimeout(() => {
    endWithProblem(request.socket, 408, 'BAD_REQUEST', `The body took longer than ${ms / 1000} s to arrive.`)
  }, ms)
  let size = 0
  try {
    // Leaves the connection open if the consumer stops: the answer still has to go out.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > limit.bytes) throw tooLarge(limit)
      yield chunk
      countStreamed(chunk.length)
    }
    if (!request.complete) throw new Error('the client left before its body ended')
  } finally {
    clearTimeout(timer)
  }
}

export function tooLarge({ bytes, setting }: StreamLimit): AppError {
  return new AppError('PAYLOAD_TOO_LARGE', `The body is larger than ${bytes} bytes (${setting}).`)
}

const MAX_LINGERING_MS = 5_000
const MAX_LINGERING_BYTES = 64 * 1_048_576

/**
 * Discards what a client goes on sending after it was answered, for a moment. Ending the connection
 * at once would reset it, and the client might lose the answer.
 */
export function discardRest(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    let size = 0
    const settle = () => {
      clearTimeout(timer)
      request.off('data', onData).off('end', settle).off('error', settle).off('close', settle)
      request.pause()
      resolve()
    }
    const timer = setTimeout(settle, MAX_LINGERING_MS)
    const onData = (chunk: Buffer) => {
      size += chunk.length
      if (size > MAX_LINGERING_BYTES) settle()
    }
    request.on('data', onData).once('end', settle).once('error', settle).once('close', settle)
  })
}
