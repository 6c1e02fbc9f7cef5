import type { IncomingMessage } from 'node:http'
import type { WebSocket } from 'ws'
import { ENDLESS } from '../credential-lifetime.ts'
import { AppError } from '../errors.ts'
import type { ContextFactory, GatewayContext, GatewayLog } from '../gateway-context.ts'
import { requestIdOf } from '../http/exchange.ts'
import { watchHeartbeat } from './heartbeat.ts'
import type { createSocketLimits } from './limits.ts'

/** Serves a websocket with a protocol of its own. Called once the caller is known. */
export type PlainSocketHandler<Context> = (socket: WebSocket, context: Context) => void

interface PlainSocket {
  socket: WebSocket
  request: IncomingMessage
  address: string
  /** Called when it is known who connects. */
  settled: () => void
}

interface PlainSocketOptions<Context extends GatewayContext> {
  createContext: ContextFactory<Context>
  limits: ReturnType<typeof createSocketLimits>
  log: GatewayLog
}

/** RFC 6455: a policy of the server. */
const POLICY_VIOLATION = 1008
const INTERNAL_ERROR = 1011
/** A close frame carries at most 123 bytes of reason (RFC 6455 5.5). */
const MAX_REASON = 100

/**
 * Opens a websocket that is not GraphQL: counts it for its caller or address, watches its heartbeat
 * and hands it over. An invalid credential in its headers closes it.
 */
export async function openPlainSocket<Context extends GatewayContext>(
  { socket, request, address, settled }: PlainSocket,
  handle: PlainSocketHandler<Context>,
  { createContext, limits, log }: PlainSocketOptions<Context>,
): Promise<void> {
  // Nobody listens for messages yet.
  socket.pause()
  socket.on('error', (error) => log.debug({ err: error }, 'a websocket failed'))
  socket.once('close', watchHeartbeat(socket, request.socket))
  try {
    const context = await createContext({
      requestId: requestIdOf(request),
      transport: 'websocket',
      headers: request.headers,
      remoteAddress: request.socket.remoteAddress ?? '',
      arrivedAt: performance.now(),
      connection: { headers: request.headers, lifetime: ENDLESS },
    })
    if (context.credentialProblem) return refuse(socket, POLICY_VIOLATION, context.credentialProblem)
    if (socket.readyState !== socket.OPEN) return
    socket.once('close', limits.acquire({ address, isAnonymous: true }, context.principal))
    settled()
    const lifetime = context.openLifetime()
    lifetime.onEnd((reason) => socket.close(POLICY_VIOLATION, reason.message.slice(0, MAX_REASON)))
    socket.once('close', () => lifetime.close())
    handle(socket, context)
    socket.resume()
  } catch (error) {
    if (error instanceof AppError) return refuse(socket, POLICY_VIOLATION, error.message)
    log.error({ err: error }, 'a websocket could not be opened')
    refuse(socket, INTERNAL_ERROR, 'Internal error')
  }
}

/** Closes a paused socket, and reads the answer to its close frame. */
function refuse(socket: WebSocket, code: number, reason: string): void {
  socket.close(code, reason.slice(0, MAX_REASON))
  socket.resume()
}
