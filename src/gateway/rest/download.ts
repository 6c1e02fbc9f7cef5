import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { create as contentDisposition } from 'content-disposition'
import type { Engine } from '../engine.ts'
import { AppError, type Issue, validationFailed } from '../errors.ts'
import type { ContextFactory, GatewayContext } from '../gateway-context.ts'
import { streamEncoder } from '../http/encoding.ts'
import { gatewayRequest, type HttpExchange, onceOver } from '../http/exchange.ts'
import { sendProblem } from '../http/problem.ts'
import { decodeForm } from '../http/utf8.ts'
import type { ConnectionLimit } from '../limits/connection-limit.ts'
import type { Download } from '../operation.ts'
import { requirePrincipal } from '../require-principal.ts'
import { downloadOf } from './download-fields.ts'
import type { RouteHandler } from './handler.ts'
import { coercionIssues, planInput, readInput } from './input.ts'
import { placeOf } from './places.ts'
import type { Route } from './routes.ts'

/**
 * Creates the handler of a route that sends bytes. Runs the operation like any other, then sends
 * what its `Download` yields, at the pace of the client.
 */
export function createDownloadHandler<Context extends GatewayContext>(
  route: Route,
  options: { engine: Engine; createContext: ContextFactory<Context>; connectionLimit: ConnectionLimit },
): RouteHandler {
  const { engine, createContext, connectionLimit } = options
  const plan = planInput(route)
  const operation = engine.prepare(route.document)
  if ('errors' in operation)
    throw new Error(`The REST operation of ${route.fieldName} is not valid: ${operation.errors[0]?.message}`)

  return async function handle(exchange, params) {
    const { request, response, requestId } = exchange
    const context = await createContext(gatewayRequest(exchange, 'rest'))
    response.payer = context.payer
    requirePrincipal(route.field, context)
    const query = decodeForm(exchange.query, 'The query string')
    const issues: Issue[] = []
    const input = readInput(plan, { params, query, body: undefined, headers: request.headers }, issues)
    for (const name of ['fields', 'include'] as const) {
      if (query.has(name)) issues.push({ path: ['query', name], code: 'unknown_parameter', message: NO_FIELDS })
    }
    const { variables } = input
    if (issues.length > 0) throw validationFailed([...issues, ...coercionIssues(plan, variables)])
    onceOver(response, connectionLimit.acquire(context.principal))
    const result = await engine.run(operation, variables, context)
    const [error] = result.errors ?? []
    if (error) return sendProblem(response, requestId, error, (path) => placeOf(plan, path))
    const download = downloadOf(context)
    if (!download) throw new AppError('NOT_FOUND', `${exchange.path} does not exist or you cannot see it.`)
    await sendDownload(exchange, download, context)
  }
}

const NO_FIELDS = 'is not a known parameter: the answer is a file'

/** Sends a file. */
async function sendDownload(
  exchange: HttpExchange,
  download: Download,
  context: Pick<GatewayContext, 'log' | 'openLifetime'>,
): Promise<void> {
  const { response } = exchange
  const { size, contentType, filename } = download
  const start = () => {
    response.setHeader('Cache-Control', 'private, no-cache')
    response.setHeader('Vary', 'Authorization, X-API-Key, Origin')
    response.setHeader('Content-Type', contentType)
    response.setHeader('Content-Disposition', contentDisposition(filename))
    if (size != null) response.setHeader('Content-Length', size)
  }
  if (exchange.method === 'HEAD') {
    start()
    return void response.writeHead(200).end()
  }
  await sendChunks(exchange, download.open(), { start, isCompressible: size == null, context })
}

/**
 * Sends chunks. The first is read before the headers are sent, so that an error at the start is
 * answered like any other, and so is a credential revoked by then. Later, the connection is cut:
 * the client must not take a part for the whole. The credential may expire meanwhile.
 */
async function sendChunks(
  exchange: HttpExchange,
  source: AsyncIterable<Uint8Array>,
  options: {
    /** Sets the headers. */
    start: () => void
    isCompressible: boolean
    context: Pick<GatewayContext, 'log' | 'openLifetime'>
  },
): Promise<void> {
  const { response } = exchange
  const { start, isCompressible, context } = options
  const chunks = source[Symbol.asyncIterator]()
  const first = await chunks.next()
  // The deadline may have passed, or the client may have left.
  if (response.destroyed || response.headersSent) return void (await chunks.return?.())
  const lifetime = context.openLifetime()
  lifetime.extend(null)
  const ended: AppError[] = []
  lifetime.onEnd((reason) => {
    ended.push(reason)
    if (response.headersSent) response.destroy()
  })
  const [reason] = ended
  if (reason) {
    lifetime.close()
    await chunks.return?.()
    throw reason
  }
  start()
  const encoder = isCompressible ? streamEncoder(exchange) : undefined
  // `pipeline` adds several, and with ours they are more than the ten about which Node warns.
  response.setMaxListeners(20)
  response.writeHead(200).flushHeaders()
  const body = Readable.from(resumed(first, chunks), { objectMode: false })
  try {
    await (encoder ? pipeline(body, encoder, response) : pipeline(body, response))
  } catch (error) {
    const hasLeft = (error as { code?: unknown }).code === 'ERR_STREAM_PREMATURE_CLOSE'
    if (!hasLeft) context.log.error({ err: error }, 'a download was cut off')
  } finally {
    lifetime.close()
  }
}

async function* resumed(
  first: IteratorResult<Uint8Array>,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    for (let step = first; !step.done; step = await rest.next()) yield step.value
  } finally {
    await rest.return?.()
  }
}
