import type { WebSocket } from 'ws'
import type { EngineResult } from '../live/outcome.ts'
import { pump } from '../live/pump.ts'
import type { EngineStream } from '../live/result-stream.ts'

/**
 * Maximum number of bytes queued in this process per client, besides the buffers of
 * the operating system.
 */
const HIGH_WATER = 65_536

const payloadOf = (result: EngineResult) => Buffer.from(JSON.stringify(result))

const TEXT = { binary: false }
const TAIL = Buffer.from('}')

/**
 * Sends the results of a stream in the frames that graphql-ws would send, with the shared
 * part serialized once. To graphql-ws it is a stream without results, which it starts and
 * completes as usual.
 */
export function sentDirectly(
  stream: EngineStream,
  id: string,
  socket: WebSocket,
): AsyncGenerator<EngineResult, void, void> {
  const head = Buffer.from(`{"id":${JSON.stringify(id)},"type":"next","payload":`)
  return {
    async next() {
      await pump(stream, (outcome) => {
        if (socket.readyState !== socket.OPEN) return undefined
        const frame = Buffer.concat([head, outcome.as(payloadOf), TAIL])
        if (socket.bufferedAmount < HIGH_WATER) return void socket.send(frame, TEXT)
        // A failed send closes the socket, which ends its streams.
        return new Promise((resolve) => socket.send(frame, TEXT, () => resolve()))
      })
      return { done: true, value: undefined }
    },
    async return() {
      await stream.return()
      return { done: true, value: undefined }
    },
    async throw(error) {
      await stream.return()
      throw error
    },
    [Symbol.asyncIterator]() {
      return this
    },
    async [Symbol.asyncDispose]() {
      await stream.return()
    },
  }
}
