import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import { STALLED_MS } from '../live/pump.ts'

const PING_MS = 12_000

/**
 * Terminates a websocket whose client no longer answers pings. A client with nothing else to
 * read must answer before the next ping. One that was sent more may not have reached the ping
 * yet: it has `stalledMs` to resume and read how its streams ended. Returns a function that
 * stops the heartbeat.
 */
export function watchHeartbeat(socket: WebSocket, tcp: Socket, pingMs = PING_MS, stalledMs = STALLED_MS): () => void {
  let answered = true
  let silentFor = 0
  let waiting = 0
  /**
   * Bytes the client need not read before it answers: those read at its last pong, and pings since.
   */
  let read = tcp.bytesWritten
  const timer = setInterval(() => {
    const { bufferedAmount } = socket
    const behind = tcp.bytesWritten > read
    const isAlive = (answered && bufferedAmount === 0) || bufferedAmount < waiting
    silentFor = isAlive ? 0 : silentFor + pingMs
    waiting = bufferedAmount
    if (silentFor >= (behind ? stalledMs : pingMs)) return socket.terminate()
    // A second ping, or one queued behind other data, would only wait.
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
