import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { GraphQLError } from 'graphql'
import { CloseCode, handleProtocols, makeServer, type SubscribePayload, type Context as WsContext } from 'graphql-ws'
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
import type { PrepareRequest } from '../graphql/documents.ts'
import { readHash } from '../graphql/params.ts'
import { requestIdOf } from '../http/exchange.ts'
import { endWithProblem } from '../http/problem.ts'
import { withDeadline } from '../limits/deadline.ts'
import { isStream } from '../live/result-stream.ts'
import { Observation, type Observer, observed } from '../observation.ts'
import type { PreparedOperation } from '../prepared-operation.ts'
import { endRequest, runRequest } from '../tracing.ts'
import { credentialHeaders, UnknownPayload } from './credentials.ts'
import { sentDirectly } from './direct-frames.ts'
import { admits, checkHandshake, type HandshakeRules } from './handshake.ts'
import { watchHeartbeat } from './heartbeat.ts'
import { createSocketLimits, type SocketLimitOptions, type SocketShare } from './limits.ts'
import { isOfServer, readOrClose } from './messages.ts'
import { openPlainSocket, type PlainSocketHandler } from './plain.ts'

export interface WebsocketOptions<Context extends GatewayContext> extends HandshakeRules, SocketLimitOptions {
  engine: Engine
  createContext: ContextFactory<Context>
  /** Handlers of websockets that are not GraphQL, by path. */
  plain?: Readonly<Record<string, PlainSocketHandler<Context>>> | undefined
  /** Finds the document of an operation. */
  prepare: PrepareRequest
  /** Returns the client's address, for the limits of sockets on which nobody is signed in. */
  addressOf: (request: IncomingMessage) => string
  /** Maximum message size in bytes. */
  maxMessage: number
  /** Maximum time to the result of a query or mutation, in milliseconds. */
  requestTimeout: number
  /** Hears of every operation when it is over. */
  observe?: Observer | undefined
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

interface SocketExtra extends SocketShare {
  request: IncomingMessage
  socket: WebSocket
  connection: GatewayConnection
  /** Called when it is known who connects. */
  settled: () => void
}

type Session = WsContext<Record<string, unknown>, SocketExtra>

/** RFC 6455: going away. Stock clients reconnect after it. */
const GOING_AWAY = 1001
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
  const { engine, createContext, prepare, log } = options
  const limits = createSocketLimits(options)
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: options.maxMessage,
    handleProtocols,
    // A turn of the event loop for each message: however many arrive at once, others get their turn.
    allowSynchronousEvents: false,
  })
  const pending = new WeakMap<object, PendingOperation<Context>>()

  const protocol = makeServer<Record<string, unknown>, SocketExtra>({
    connectionInitWaitTimeout: INIT_TIMEOUT_MS,
    async onConnect(session) {
      const { socket, connection, settled } = session.extra
      try {
        connection.headers = credentialHeaders(connection.headers, session.connectionParams ?? {})
      } catch (error) {
        if (error instanceof UnknownPayload) return refuseSocket(socket, CloseCode.BadRequest, error.message)
        throw error
      }
      const context = await createContext(socketRequest(session)).catch(refusedRate)
      if (context instanceof AppError) return refuseSocket(socket, TOO_MANY_SOCKETS, context.message)
      if (context.credentialProblem) return refuseSocket(socket, CloseCode.Forbidden, context.credentialProblem)
      // The socket may have closed during authentication.
      if (socket.readyState !== socket.OPEN) return false
      try {
        socket.once('close', limits.acquire(session.extra, context.principal))
      } catch (error) {
        return refuseSocket(socket, TOO_MANY_SOCKETS, (error as AppError).message)
      }
      settled()
      connection.lifetime = context.openLifetime()
      connection.lifetime.onEnd((reason) => socket.close(CloseCode.Forbidden, reasonOf(reason.message)))
      return true
    },
    // The engine validates, runs and masks. graphql-ws only gets an object that represents the
    // prepared operation.
    async onSubscribe(session, id, payload) {
      // Checked before anything is awaited. A burst of messages must not bypass the limit or cost a
      // database query each.
      const problem = limits.overLimit(session.extra, Object.keys(session.subscriptions).length)
      if (problem) return [toClientError(problem, { requestId: socketRequest(session).requestId, log })]
      const request = socketRequest(session)
      const context = await createContext(request).catch(refusedRate)
      if (context instanceof AppError) return [toClientError(context, { requestId: request.requestId, log })]
      const operation = prepareMessage(payload, session)
      if ('errors' in operation) return noteErrors(operation).errors
      const args = {
        schema: engine.schema,
        document: operation.document,
        operationName: operation.operation.name?.value,
        id,
      }
      pending.set(args, { operation, context, variables: payload.variables ?? {}, id, socket: session.extra.socket })
      return args
    },
    execute: (args) => {
      const { operation, variables, context } = findPending(args)
      const running = withDeadline(engine.run(operation, variables, context), options.requestTimeout, (error) => ({
        errors: [toClientError(error, context)],
      }))
      return running.then(noteErrors)
    },
    subscribe: async (args) => {
      const { operation, variables, context, id, socket } = findPending(args)
      const stream = await engine.open(operation, variables, context)
      return isStream(stream) ? sentDirectly(stream, id, socket) : noteErrors(stream)
    },
  })

  function prepareMessage(payload: SubscribePayload, session: Session): ReturnType<PrepareRequest> {
    try {
      const hash = readHash(payload as { extensions?: unknown; documentId?: unknown })
      const { query, operationName } = payload
      return prepare({ query, ...(hash !== undefined && { hash }), ...(operationName && { operationName }) })
    } catch (error) {
      return { errors: [toClientError(error, { requestId: socketRequest(session).requestId, log })] }
    }
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
    const address = options.addressOf(request)
    const admitted = admits(stream, () => {
      const path = checkHandshake(request, options)
      return { plain: options.plain?.[path], settled: limits.acquirePending(address) }
    })
    if (!admitted) return
    const { plain, settled } = admitted
    stream.once('close', settled)
    sockets.handleUpgrade(request, stream, head, (socket) => {
      if (plain)
        return void openPlainSocket({ socket, request, address, settled }, plain, { createContext, limits, log })
      open({
        request,
        socket,
        connection: { headers: request.headers, lifetime: ENDLESS },
        address,
        settled,
        isAnonymous: true,
      })
    })
  })

  function open(extra: SocketExtra): void {
    const { socket, request, connection } = extra
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
            const message = readOrClose(socket, data as Buffer)
            if (message === undefined) return
            const run = () => handle(message).catch((error: unknown) => giveUp(socket, error, message))
            void (options.observe ? observeMessage(request, run, options.observe) : run())
          }),
      },
      extra,
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
  function giveUp(socket: WebSocket, error: unknown, message: string): void {
    if (isOfServer(message)) {
      socket.close(CloseCode.BadRequest, 'Only a server sends messages of this type')
      return
    }
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

function noteErrors<Result extends { errors?: readonly GraphQLError[] }>(result: Result): Result {
  observed()?.failed(result.errors)
  return result
}

/** Reports a message that started an operation once the operation is over. */
async function observeMessage(request: IncomingMessage, run: () => Promise<void>, observe: Observer): Promise<void> {
  const observation = new Observation(requestIdOf(request), 'websocket')
  try {
    await runRequest(observation, request.headers, run)
  } finally {
    if (observation.operation !== undefined || observation.code !== undefined) endRequest(observation, observe)
  }
}

function socketRequest({ extra: { request, connection } }: Session): GatewayRequest {
  return {
    requestId: observed()?.requestId ?? requestIdOf(request),
    transport: 'websocket',
    headers: connection.headers,
    remoteAddress: request.socket.remoteAddress ?? '',
    arrivedAt: performance.now(),
    connection,
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
