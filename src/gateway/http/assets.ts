import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import * as zlib from 'node:zlib'
import { AppError } from '../errors.ts'
import { matchingTag } from './conditional.ts'
import { encodedTag, preferredEncoding } from './encoding.ts'
import { type HttpExchange, type HttpHandler, readOnly } from './exchange.ts'

const gzip = promisify(zlib.gzip)
const gunzip = promisify(zlib.gunzip)
const brotli = promisify(zlib.brotliCompress)

/** Compressed once, so better and slower than an answer. */
const BROTLI = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } }

/** Encodings of a file, the smallest first. */
const ENCODINGS = ['br', 'gzip'] as const

interface Packed {
  tag: string
  gzip: Buffer
}

/** A file that is served as it is, to everybody. */
export interface Asset {
  /** Sends the file, or 304 if the client has it. */
  send(exchange: HttpExchange): Promise<void>
  /** Loads and compresses the file, unless it is already. */
  ready(): Promise<unknown>
}

/**
 * Creates an asset that is loaded at the first request. Only its compressed forms stay in memory,
 * each compressed once and off the main thread.
 */
export function createAsset(load: () => Promise<Buffer>, headers: Readonly<Record<string, string>>): Asset {
  const packed = shared(async (): Promise<Packed> => {
    const body = await load()
    const hash = createHash('sha256').update(body).digest('base64url').slice(0, 22)
    return { tag: `"${hash}"`, gzip: await gzip(body) }
  })
  const plain = shared(async () => gunzip((await packed()).gzip), { keeps: false })
  const bodies = {
    br: shared(async () => brotli(await plain(), BROTLI)),
    gzip: async () => (await packed()).gzip,
  }

  async function send(exchange: HttpExchange): Promise<void> {
    const { request, response, compression } = exchange
    const { tag } = await packed()
    const encoding = compression ? preferredEncoding(request.headers['accept-encoding'], ENCODINGS) : undefined
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    if (compression) response.appendHeader('Vary', 'Accept-Encoding')
    const known = request.headers['if-none-match']
    const match = known === undefined ? undefined : matchingTag(known, tag)
    response.setHeader('ETag', match ?? (encoding ? encodedTag(tag, encoding) : tag))
    if (match !== undefined) return void response.writeHead(304).end()
    const body = await (encoding ? bodies[encoding]() : plain())
    if (response.headersSent || response.destroyed) return
    if (encoding) response.setHeader('Content-Encoding', encoding)
    response.setHeader('Content-Length', body.length)
    response.writeHead(200).end(body)
  }

  return { send, ready: packed }
}

/** Serves assets by exact path, and the paths of pages also with a slash at their end. */
export function serveAssets(assets: Readonly<Record<string, Asset>>): HttpHandler {
  const known = new Map(Object.entries(assets))
  for (const [path, asset] of Object.entries(assets)) if (!path.includes('.')) known.set(`${path}/`, asset)
  return readOnly((exchange) => {
    const asset = known.get(exchange.path)
    if (!asset) throw new AppError('NOT_FOUND', `There is nothing at ${exchange.path}.`)
    return asset.send(exchange)
  })
}

/**
 * Runs `make` once for all who ask while it runs, and if it `keeps` its result, once at all. A
 * failure is not kept.
 */
function shared<T>(make: () => Promise<T>, { keeps = true } = {}): () => Promise<T> {
  let making: Promise<T> | undefined
  const forget = () => {
    making = undefined
  }
  return () => {
    if (making !== undefined) return making
    making = make()
    making.then(keeps ? undefined : forget, forget)
    return making
  }
}

/** Headers of files whose names do not change with an upgrade, so that browsers must revalidate. */
export const ASSET_HEADERS = { 'Cache-Control': 'no-cache', 'Referrer-Policy': 'no-referrer' }
