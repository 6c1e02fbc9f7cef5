import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import { STALLED_MS } from './pump.ts'

const PING_MS = 12_000

/**
 * Ends a websocket whose client no longer answers. One that has nothing else to read answers a ping at once, or is gone. One that was sent
 * more may not have read as far as the ping: it has `stalledMs`, during which it can wake up and hear how its streams ended. Answers the
 * way to stop.
 */
export function watchPulse(socket: WebSocket, tcp: Socket, pingMs = PING_MS, stalledMs = STALLED_MS): () => void {
  let answered = true
  let silentFor = 0
  let waiting = 0
  /** Bytes that the client need not read to answer: what it had read at its last answer, and pings since. */
  let read = tcp.bytesWritten
  const timer = setInterval(() => {
    const { bufferedAmount } = socket
    const behind = tcp.bytesWritten > read
    const goesOn = (answered && bufferedAmount === 0) || bufferedAmount < waiting
    silentFor = goesOn ? 0 : silentFor + pingMs
    waiting = bufferedAmount
    if (silentFor >= (behind ? stalledMs : pingMs)) return socket.terminate()
    // A second ping, or one behind the rest, would only wait there.
    if (!answered || bufferedAmount > 0) return
    answered = false
    socket.ping()
    if (!behind) read = tcp.bytesWritten
  }, pingMs)
  socket.on('pong', () => {
    answered = true
    read = tcp.bytesWritten - socket.bufferedAmount
  })
  return () => clearInterval(timer)
}
