import type { HttpExchange } from '../http/exchange.ts'
import type { Render } from './outcome.ts'
import { pump, STALLED_MS } from './pump.ts'
import type { EngineStream } from './result-stream.ts'

/**
 * Interval of comments that keep proxies from closing a quiet stream and detect clients
 * that are gone.
 */
const HEARTBEAT_MS = 15_000

export const SSE_TYPE = 'text/event-stream'

export const SSE_HEADERS = {
  'Content-Type': `${SSE_TYPE}; charset=utf-8`,
  'Cache-Control': 'no-store',
  // Without it nginx buffers events.
  'X-Accel-Buffering': 'no',
}

export interface SseForm {
  /** Sent before the first event. */
  opening: string
  /** Returns the complete text of an event, with the blank line at its end. */
  render: Render
  /** Sent after the last event. */
  closing: string
}

/**
 * Sends the results of a stream as Server-Sent Events (WHATWG HTML 9.2). Resolves when the stream
 * is over.
 */
export async function serveEvents({ response }: HttpExchange, stream: EngineStream, form: SseForm): Promise<void> {
  // The client may have left while the stream was opened.
  if (response.destroyed) return void (await stream.return())
  // A stream has its own limit, STALLED_MS.
  response.socket?.setTimeout(0)
  let resume: (() => void) | undefined
  response.once('close', () => {
    resume?.()
    void stream.return()
  })
  response.on('drain', () => resume?.())
  response.writeHead(200, SSE_HEADERS)
  response.write(form.opening)
  const heartbeat = setInterval(() => {
    if (!response.writableNeedDrain) response.write(':\n\n')
  }, HEARTBEAT_MS)
  try {
    await pump(stream, (outcome) => {
      if (response.closed || response.write(outcome.as(form.render))) return undefined
      return new Promise((resolve) => {
        const giveUp = setTimeout(() => response.destroy(), STALLED_MS)
        resume = () => {
          clearTimeout(giveUp)
          resume = undefined
          resolve()
        }
      })
    })
  } finally {
    clearInterval(heartbeat)
    response.end(form.closing)
  }
}
