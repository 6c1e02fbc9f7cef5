import type { IncomingHttpHeaders, IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { CloseCode, handleProtocols, makeServer, type SubscribePayload, type Context as WsContext } from 'graphql-ws'
import { type WebSocket, WebSocketServer } from 'ws'
import { toClientError } from './client-error.ts'
import type { ContextFactory, GatewayConnection, GatewayContext, GatewayLog, GatewayRequest } from './context.ts'
import type { Engine, PreparedOperation } from './engine.ts'
import { AppError } from './errors.ts'
import { originAllowed, requestIdOf } from './http.ts'
import { ENDLESS } from './lifetime.ts'
import type { EngineResult } from './live/outcome.ts'
import type { Places } from './live/places.ts'
import { watchPulse } from './live/pulse.ts'
import { pump } from './live/pump.ts'
import { type EngineStream, isStream } from './live/result-stream.ts'
import { endWithProblem } from './problem.ts'
import { decodeUtf8 } from './utf8.ts'

export interface WebsocketOptions<Context extends GatewayContext> {
  engine: Engine
  createContext: ContextFactory<Context>
  path: string
  origins: readonly string[]
  /** What one principal may hold open at once. */
  places: Places
  /** Operations that may be open at once on one socket. */
  maxOperations: number
  /** Largest message in bytes. */
  maxMessage: number
  log: GatewayLog
}

export interface WebsocketTransport {
  /** Sockets that are open. */
  readonly size: number
  /** Ends every socket with 1001 (going away), which tells clients to reconnect. */
  close(): Promise<void>
}

/** An operation that graphql-ws is about to run. */
interface Asked<Context> {
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

/** RFC 6455: the endpoint goes away; stock clients reconnect after it. */
const GOING_AWAY = 1001
/** RFC 6455: data that is not consistent with its type. */
const NOT_UTF8 = 1007
/** RFC 6455 5.5: a close frame carries at most 123 bytes of reason. */
const MAX_REASON = 100
const INIT_TIMEOUT_MS = 5_000
/** IANA's WebSocket Close Code Number Registry: Try Again Later. */
const TRY_AGAIN = 1013
/** RFC 6585's 429 in graphql-ws's range, which stock clients do not retry at once. */
const TOO_MANY_SOCKETS = 4429

/** GraphQL over websocket (graphql-transport-ws) on the given server's upgrade requests: queries, mutations and subscriptions. */
export function attachWebsocket<Context extends GatewayContext>(
  server: Server,
  options: WebsocketOptions<Context>,
): WebsocketTransport {
  const { engine, createContext, log } = options
  const sockets = new WebSocketServer({ noServer: true, maxPayload: options.maxMessage, handleProtocols })
  const asked = new WeakMap<object, Asked<Context>>()

  const protocol = makeServer<Record<string, unknown>, SocketExtra>({
    connectionInitWaitTimeout: INIT_TIMEOUT_MS,
    async onConnect(session) {
      const { socket, connection } = session.extra
      connection.headers = credentialHeaders(connection.headers, session.connectionParams ?? {})
      const context = await createContext(socketRequest(session))
      if (context.credentialProblem) return refuseSocket(socket, CloseCode.Forbidden, context.credentialProblem)
      // It may have closed while its credential was looked up.
      if (socket.readyState !== socket.OPEN) return false
      try {
        socket.once('close', options.places.take(context.principal))
      } catch (error) {
        return refuseSocket(socket, TOO_MANY_SOCKETS, (error as AppError).message)
      }
      connection.lifetime = context.openLifetime()
      connection.lifetime.onEnd((reason) => socket.close(CloseCode.Forbidden, reasonOf(reason.message)))
      return true
    },
    // The engine validates, runs and masks; graphql-ws is given a token that stands for the prepared operation.
    async onSubscribe(session, id, payload) {
      const problem = refusal(session, payload)
      if (problem) return [toClientError(problem, { requestId: socketRequest(session).requestId, log })]
      const operation = engine.prepare(payload.query, payload.operationName)
      if ('errors' in operation) return operation.errors
      const context = await createContext(socketRequest(session))
      const args = { schema: engine.schema, document: operation.document, operationName: payload.operationName, id }
      asked.set(args, { operation, context, variables: payload.variables ?? {}, id, socket: session.extra.socket })
      return args
    },
    execute: (args) => {
      const { operation, variables, context } = lookUp(args)
      return engine.run(operation, variables, context)
    },
    subscribe: async (args) => {
      const { operation, variables, context, id, socket } = lookUp(args)
      const stream = await engine.open(operation, variables, context)
      return isStream(stream) ? sentDirectly(stream, id, socket) : stream
    },
  })

  /** Judged before anything is awaited: a burst of messages must not all pass, nor all cost a look-up of who sent them. */
  function refusal({ subscriptions }: Session, payload: SubscribePayload): AppError | undefined {
    // This operation has its place among the running ones already.
    if (Object.keys(subscriptions).length > options.maxOperations) {
      return new AppError('RATE_LIMITED', `This socket already runs ${options.maxOperations} operations.`)
    }
    const problem = payloadProblem(payload)
    return problem === undefined ? undefined : new AppError('BAD_REQUEST', problem)
  }

  function lookUp(args: object) {
    const found = asked.get(args)
    if (!found) throw new Error('graphql-ws asked to run an operation it did not subscribe')
    return found
  }

  sockets.on('wsClientError', ({ message }, stream) =>
    endWithProblem(stream, 400, 'BAD_REQUEST', `This is no handshake of a websocket: ${message}.`),
  )
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => stream.destroy())
    const path = (request.url ?? '/').split('?')[0]
    if (path !== options.path) {
      return endWithProblem(stream, 404, 'NOT_FOUND', `There is no websocket at ${path}.`)
    }
    if (!originAllowed(request, options.origins)) {
      return endWithProblem(stream, 403, 'FORBIDDEN', 'Pages of this origin are not allowed here.')
    }
    sockets.handleUpgrade(request, stream, head, (socket) => open(socket, request))
  })

  function open(socket: WebSocket, request: IncomingMessage): void {
    const connection: GatewayConnection = { headers: request.headers, lifetime: ENDLESS }
    const stopWatching = watchPulse(socket, request.socket)
    socket.on('error', (error) => log.debug({ err: error }, 'a websocket broke'))
    const closed = protocol.opened(
      {
        protocol: socket.protocol,
        send: (data) =>
          new Promise((resolve) => {
            if (socket.readyState !== socket.OPEN) return resolve()
            // A failed send closes the socket, and that ends its operations: nobody waits for the reason here.
            socket.send(data, () => resolve())
          }),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (handle) =>
          socket.on('message', (data) => {
            // What comes while the socket closes could be done, but not answered.
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

  /** Neither the credential nor the operation is at fault: a client that comes again may find the database back. */
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
      await new Promise<void>((resolve) => sockets.close(() => resolve()))
    },
  }
}

/** The upgrade's headers with the credential of `connection_init` in place of any of their own, so that one rule reads both. */
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

/** Decodes a message, or closes its socket: ws itself checks text frames, but not binary ones. */
function readMessage(socket: WebSocket, data: Buffer): string | undefined {
  try {
    return decodeUtf8(data, 'The message')
  } catch (error) {
    socket.close(NOT_UTF8, (error as AppError).message)
    return undefined
  }
}

/** What it answers keeps graphql-ws from acknowledging it, and so from running what comes before the client has closed, too. */
function refuseSocket(socket: WebSocket, code: number, message: string): false {
  socket.close(code, reasonOf(message))
  return false
}

const reasonOf = (message: string) => message.slice(0, MAX_REASON)

/** Bytes that may wait in this process for a client to take them; the system keeps its own. */
const HIGH_WATER = 65_536

const payloadOf = (result: EngineResult) => Buffer.from(JSON.stringify(result))

const TEXT = { binary: false }
const TAIL = Buffer.from('}')

/**
 * The results of a stream in the frames that graphql-ws would write, with the part they all share written once. To graphql-ws it is a
 * stream without results, which it begins, ends and completes as any other.
 */
function sentDirectly(stream: EngineStream, id: string, socket: WebSocket): AsyncGenerator<EngineResult, void, void> {
  const head = Buffer.from(`{"id":${JSON.stringify(id)},"type":"next","payload":`)
  return {
    async next() {
      await pump(stream, (outcome) => {
        if (socket.readyState !== socket.OPEN) return undefined
        const frame = Buffer.concat([head, outcome.as(payloadOf), TAIL])
        if (socket.bufferedAmount < HIGH_WATER) return void socket.send(frame, TEXT)
        // A failed send closes the socket, and that ends its streams.
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

function payloadProblem(payload: SubscribePayload): string | undefined {
  if (typeof payload.query !== 'string') return 'payload.query must be a string.'
  const { variables } = payload
  if (variables != null && (typeof variables !== 'object' || Array.isArray(variables))) {
    return 'payload.variables must be an object.'
  }
  return undefined
}
