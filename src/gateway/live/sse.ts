import type { HttpExchange } from '../http.ts'
import type { Render } from './outcome.ts'
import { pump, STALLED_MS } from './pump.ts'
import type { EngineStream } from './result-stream.ts'

/** A comment this often keeps proxies from closing a quiet stream, and finds readers that are gone. */
const HEARTBEAT_MS = 15_000

export const SSE_TYPE = 'text/event-stream'

export const SSE_HEADERS = {
  'Content-Type': `${SSE_TYPE}; charset=utf-8`,
  'Cache-Control': 'no-store',
  // nginx would gather events until its buffer is full.
  'X-Accel-Buffering': 'no',
}

export interface SseForm {
  /** Sent before the first event. */
  opening: string
  /** The whole text of an event, with the empty line at its end. */
  render: Render
  /** Sent behind the last event. */
  closing: string
}

/** Answers with the results of a stream as Server-Sent Events (WHATWG HTML 9.2); resolves when all is over. */
export async function serveEvents({ response }: HttpExchange, stream: EngineStream, form: SseForm): Promise<void> {
  // Its reader may have gone while it was opened.
  if (response.destroyed) return void (await stream.return())
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
