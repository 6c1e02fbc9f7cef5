import type { IncomingHttpHeaders, IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { CloseCode, handleProtocols, makeServer, type Context as WsContext } from 'graphql-ws'
import { type WebSocket, WebSocketServer } from 'ws'
import { toClientError } from '../client-error.ts'
import { ENDLESS } from '../credential-lifetime.ts'
import type { Engine } from '../engine.ts'
import { AppError } from '../errors.ts'
import type {
  ContextFactory,
  GatewayConnection,
  GatewayContext,
  GatewayLog,
  GatewayRequest,
} from '../gateway-context.ts'
import { originAllowed } from '../http/cors.ts'
import { requestIdOf } from '../http/exchange.ts'
import { endWithProblem } from '../http/problem.ts'
import { decodeUtf8 } from '../http/utf8.ts'
import type { ConnectionLimit } from '../limits/connection-limit.ts'
import { withDeadline } from '../limits/deadline.ts'
import { isStream } from '../live/result-stream.ts'
import type { PreparedOperation } from '../prepared-operation.ts'
import { sentDirectly } from './direct-frames.ts'
import { watchHeartbeat } from './heartbeat.ts'

export interface WebsocketOptions<Context extends GatewayContext> {
  engine: Engine
  createContext: ContextFactory<Context>
  path: string
  origins: readonly string[]
  connectionLimit: ConnectionLimit
  /** Maximum number of open operations per socket. */
  maxOperations: number
  /** Maximum message size in bytes. */
  maxMessage: number
  /** Maximum time to the result of a query or mutation, in milliseconds. */
  requestTimeout: number
  log: GatewayLog
}

export interface WebsocketTransport {
  /** Number of open sockets. */
  readonly size: number
  /** Closes every socket with 1001 (going away), which tells clients to reconnect. */
  close(): Promise<void>
}

/** An operation that graphql-ws is about to run. */
interface PendingOperation<Context> {
  operation: PreparedOperation
  context: Context
  variables: Record<string, unknown>
  id: string
  socket: WebSocket
}

interface SocketExtra {
  request: IncomingMessage
  socket: WebSocket
  connection: GatewayConnection
}

type Session = WsContext<Record<string, unknown>, SocketExtra>

/** RFC 6455: going away. Stock clients reconnect after it. */
const GOING_AWAY = 1001
/** RFC 6455: data that does not match the type of the message. */
const NOT_UTF8 = 1007
/** A close frame carries at most 123 bytes of reason (RFC 6455 5.5). */
const MAX_REASON = 100
const INIT_TIMEOUT_MS = 5_000
/** How long clients have to answer the close frame of a server that stops. ws itself waits 30 s. */
const CLOSING_MS = 1_500
/** Try Again Later, in IANA's WebSocket Close Code Number Registry. */
const TRY_AGAIN = 1013
/** HTTP's 429 in graphql-ws's range. Stock clients do not retry it at once. */
const TOO_MANY_SOCKETS = 4429

/**
 * Serves GraphQL over websocket (graphql-transport-ws) on a server's upgrade requests: queries,
 * mutations and subscriptions.
 */
export function attachWebsocket<Context extends GatewayContext>(
  server: Server,
  options: WebsocketOptions<Context>,
): WebsocketTransport {
  const { engine, createContext, log } = options
  const sockets = new WebSocketServer({ noServer: true, maxPayload: options.maxMessage, handleProtocols })
  const pending = new WeakMap<object, PendingOperation<Context>>()

  const protocol = makeServer<Record<string, unknown>, SocketExtra>({
    connectionInitWaitTimeout: INIT_TIMEOUT_MS,
    async onConnect(session) {
      const { socket, connection } = session.extra
      connection.headers = credentialHeaders(connection.headers, session.connectionParams ?? {})
      const context = await createContext(socketRequest(session)).catch(refusedRate)
      if (context instanceof AppError) return refuseSocket(socket, TOO_MANY_SOCKETS, context.message)
      if (context.credentialProblem) return refuseSocket(socket, CloseCode.Forbidden, context.credentialProblem)
      // The socket may have closed during authentication.
      if (socket.readyState !== socket.OPEN) return false
      try {
        socket.once('close', options.connectionLimit.acquire(context.principal))
      } catch (error) {
        return refuseSocket(socket, TOO_MANY_SOCKETS, (error as AppError).message)
      }
      connection.lifetime = context.openLifetime()
      connection.lifetime.onEnd((reason) => socket.close(CloseCode.Forbidden, reasonOf(reason.message)))
      return true
    },
    // The engine validates, runs and masks. graphql-ws only gets an object that represents the
    // prepared operation.
    async onSubscribe(session, id, payload) {
      const problem = overLimit(session)
      if (problem) return [toClientError(problem, { requestId: socketRequest(session).requestId, log })]
      const request = socketRequest(session)
      const context = await createContext(request).catch(refusedRate)
      if (context instanceof AppError) return [toClientError(context, { requestId: request.requestId, log })]
      const operation = engine.prepare(payload.query, payload.operationName)
      if ('errors' in operation) return operation.errors
      const args = { schema: engine.schema, document: operation.document, operationName: payload.operationName, id }
      pending.set(args, { operation, context, variables: payload.variables ?? {}, id, socket: session.extra.socket })
      return args
    },
    execute: (args) => {
      const { operation, variables, context } = findPending(args)
      return withDeadline(engine.run(operation, variables, context), options.requestTimeout, (error) => ({
        errors: [toClientError(error, context)],
      }))
    },
    subscribe: async (args) => {
      const { operation, variables, context, id, socket } = findPending(args)
      const stream = await engine.open(operation, variables, context)
      return isStream(stream) ? sentDirectly(stream, id, socket) : stream
    },
  })

  /**
   * Checked before anything is awaited. A burst of messages must not bypass the limit or cost a
   * database query each.
   */
  function overLimit({ subscriptions }: Session): AppError | undefined {
    // This operation is already counted.
    if (Object.keys(subscriptions).length <= options.maxOperations) return undefined
    return new AppError(
      'RATE_LIMITED',
      `This socket already runs ${options.maxOperations} operations. Complete one first.`,
    )
  }

  function findPending(args: object) {
    const found = pending.get(args)
    if (!found) throw new Error('graphql-ws tried to run an unknown operation')
    return found
  }

  sockets.on('wsClientError', ({ message }, stream) =>
    endWithProblem(stream, 400, 'BAD_REQUEST', `The websocket handshake is invalid: ${message}.`),
  )
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => stream.destroy())
    const path = (request.url ?? '/').split('?')[0]
    if (path !== options.path) {
      return endWithProblem(stream, 404, 'NOT_FOUND', `There is no websocket at ${path}.`)
    }
    if (!originAllowed(request, options.origins)) {
      return endWithProblem(stream, 403, 'FORBIDDEN', 'Pages from this origin may not connect.')
    }
    sockets.handleUpgrade(request, stream, head, (socket) => open(socket, request))
  })

  function open(socket: WebSocket, request: IncomingMessage): void {
    const connection: GatewayConnection = { headers: request.headers, lifetime: ENDLESS }
    const stopWatching = watchHeartbeat(socket, request.socket)
    socket.on('error', (error) => log.debug({ err: error }, 'a websocket failed'))
    const closed = protocol.opened(
      {
        protocol: socket.protocol,
        send: (data) =>
          new Promise((resolve) => {
            if (socket.readyState !== socket.OPEN) return resolve()
            // A failed send closes the socket, which ends its operations. Nobody waits for the
            // reason here.
            socket.send(data, () => resolve())
          }),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (handle) =>
          socket.on('message', (data) => {
            // A message that arrives while the socket closes could run, but never be answered.
            if (socket.readyState !== socket.OPEN) return
            const message = readMessage(socket, data as Buffer)
            if (message === undefined) return
            handle(message).catch((error: unknown) => giveUp(socket, error))
          }),
      },
      { request, socket, connection },
    )
    socket.once('close', (code, reason) => {
      stopWatching()
      connection.lifetime.close()
      closed(code, String(reason)).catch((error: unknown) =>
        log.error({ err: error }, 'a websocket did not close cleanly'),
      )
    })
  }

  /**
   * Closes a socket after an unexpected error. If the database is unavailable, the
   * client may retry.
   */
  function giveUp(socket: WebSocket, error: unknown): void {
    if (error instanceof AppError && error.code === 'UNAVAILABLE') {
      socket.close(TRY_AGAIN, error.message)
      return
    }
    log.error({ err: error }, 'a websocket message could not be handled')
    socket.close(CloseCode.InternalServerError, 'Internal error')
  }

  return {
    get size() {
      return sockets.clients.size
    },
    async close() {
      for (const socket of sockets.clients) socket.close(GOING_AWAY, 'The server is stopping')
      const ended = new Promise<void>((resolve) => sockets.close(() => resolve()))
      const timer = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate()
      }, CLOSING_MS)
      await ended
      clearTimeout(timer)
    },
  }
}

/**
 * Replaces the credential in the upgrade's headers with the one of `connection_init`, so that both
 * are read the same way.
 */
function credentialHeaders(headers: IncomingHttpHeaders, params: Record<string, unknown>): IncomingHttpHeaders {
  const { authorization, apiKey } = params
  if (typeof authorization !== 'string' && typeof apiKey !== 'string') return headers
  const { authorization: _token, 'x-api-key': _key, ...rest } = headers
  return {
    ...rest,
    ...(typeof authorization === 'string' && { authorization }),
    ...(typeof apiKey === 'string' && { 'x-api-key': apiKey }),
  }
}

function socketRequest({ extra: { request, connection } }: Session): GatewayRequest {
  return {
    requestId: requestIdOf(request),
    transport: 'websocket',
    headers: connection.headers,
    remoteAddress: request.socket.remoteAddress ?? '',
    arrivedAt: performance.now(),
    connection,
  }
}

/** Decodes a message, or closes its socket. ws itself checks text frames but not binary ones. */
function readMessage(socket: WebSocket, data: Buffer): string | undefined {
  try {
    return decodeUtf8(data, 'The message')
  } catch (error) {
    socket.close(NOT_UTF8, (error as AppError).message)
    return undefined
  }
}

/**
 * Closes a socket. The returned false keeps graphql-ws from acknowledging it and from running what
 * the client sends meanwhile.
 */
function refuseSocket(socket: WebSocket, code: number, message: string): false {
  socket.close(code, reasonOf(message))
  return false
}

/** Returns the error of a caller who has no points left. Throws any other. */
function refusedRate(error: unknown): AppError {
  if (error instanceof AppError && error.code === 'RATE_LIMITED') return error
  throw error
}

const reasonOf = (message: string) => message.slice(0, MAX_REASON)
