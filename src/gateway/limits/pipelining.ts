import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Number of waiting requests from which on a connection is not read. */
const PAUSE_AT = 16

type Pair = [request: IncomingMessage, response: ServerResponse]

interface Pipeline {
  running: number
  waiting: Pair[]
  isPaused: boolean
}

/**
 * Handles at most `limit` requests of a connection at a time. The next starts when the client has
 * taken an answer, and after a turn of the event loop, in which others get theirs. So a client that
 * sends requests without waiting gets no more than its share, and answers that nobody reads do not
 * pile up.
 */
export function limitPipelining(handle: RequestListener, limit: number): RequestListener {
  const pipelines = new WeakMap<Socket, Pipeline>()

  function start(socket: Socket, pipeline: Pipeline, [request, response]: Pair): void {
    pipeline.running++
    response.once('close', () => {
      pipeline.running--
      // Node goes on reading behind each request.
      if (pipeline.isPaused) socket.pause()
      if (pipeline.waiting.length > 0) setImmediate(next, socket, pipeline)
      else next(socket, pipeline)
    })
    handle(request, response)
  }

  function next(socket: Socket, pipeline: Pipeline): void {
    if (socket.destroyed) pipeline.waiting = []
    const waiting = pipeline.running < limit ? pipeline.waiting.shift() : undefined
    if (waiting) start(socket, pipeline, waiting)
    if (!pipeline.isPaused || pipeline.waiting.length >= PAUSE_AT) return
    pipeline.isPaused = false
    socket.resume()
  }

  return (request, response) => {
    const { socket } = request
    let pipeline = pipelines.get(socket)
    if (!pipeline) {
      pipeline = { running: 0, waiting: [], isPaused: false }
      pipelines.set(socket, pipeline)
    }
    // In order: an answer is sent only after those of all earlier requests.
    if (pipeline.running < limit && pipeline.waiting.length === 0) return start(socket, pipeline, [request, response])
    pipeline.waiting.push([request, response])
    if (pipeline.waiting.length < PAUSE_AT) return
    pipeline.isPaused = true
    socket.pause()
  }
}
