import type { Transform } from 'node:stream'
import { promisify } from 'node:util'
import * as zlib from 'node:zlib'
import Negotiator from 'negotiator'
import type { HttpExchange } from './exchange.ts'

export type Encoding = 'zstd' | 'br' | 'gzip'

const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT, ZSTD_c_compressionLevel } = zlib.constants

/** Characters. Smaller bodies fit into one or two packets anyway. */
const MIN_LENGTH = 1_024
/** Below this, handing the work to another thread costs more than the work. */
const MIN_ASYNC_BYTES = 16_384

interface Codec {
  now: (body: Buffer) => Buffer
  soon: (body: Buffer) => Promise<Buffer>
}

/** Fast settings: each answer is compressed once and sent once. The cheapest comes first. */
const CODECS: Readonly<Record<Encoding, Codec>> = {
  zstd: codec(zlib.zstdCompressSync, zlib.zstdCompress, () => ({ params: { [ZSTD_c_compressionLevel]: 1 } })),
  br: codec(zlib.brotliCompressSync, zlib.brotliCompress, ({ length }) => ({
    params: { [BROTLI_PARAM_QUALITY]: 3, [BROTLI_PARAM_SIZE_HINT]: length },
  })),
  gzip: codec(zlib.gzipSync, zlib.gzip, () => ({ level: 1 })),
}

const ENCODINGS = Object.keys(CODECS) as Encoding[]

function codec<Options>(
  now: (body: Buffer, options: Options) => Buffer,
  soon: (body: Buffer, options: NonNullable<Options>, done: (error: Error | null, result: Buffer) => void) => void,
  optionsOf: (body: Buffer) => NonNullable<Options>,
): Codec {
  const later = promisify(soon) as (body: Buffer, options: Options) => Promise<Buffer>
  return { now: (body) => now(body, optionsOf(body)), soon: (body) => later(body, optionsOf(body)) }
}

/** The encodings that headers prefer. Few are in use. */
const known = new Map<string, Encoding | undefined>()
const MAX_KNOWN = 100

/** The published types do not know the second parameter. */
interface WithPreference {
  encoding(available: string[], options: { preferred: string[] }): string | undefined
}

/** Returns the encoding that a request prefers (RFC 9110 12.5.3), or undefined for none. */
export function preferredEncoding<Offered extends Encoding>(
  header: string | undefined,
  offered: readonly Offered[],
): Offered | undefined {
  if (header === undefined) return undefined
  const negotiator: WithPreference = new Negotiator({ headers: { 'accept-encoding': header } })
  // For equal weights our order decides.
  const chosen = negotiator.encoding([...offered, 'identity'], { preferred: [...offered] })
  return offered.find((one) => one === chosen)
}

function encodingOf(header: string | undefined): Encoding | undefined {
  if (header === undefined || known.has(header)) return known.get(header ?? '')
  const encoding = preferredEncoding(header, ENCODINGS)
  if (known.size < MAX_KNOWN) known.set(header, encoding)
  return encoding
}

/** Returns true if the body of an answer depends on the Accept-Encoding header. */
export const variesByEncoding = ({ compression }: HttpExchange, body: string) =>
  compression && body.length >= MIN_LENGTH

/**
 * Sends a complete answer, compressed if the client asks for it. A strong ETag then names the
 * encoding, since it stands for exact bytes. Returns a promise if compressing takes a while.
 */
export function sendBody(exchange: HttpExchange, status: number, body: string): Promise<void> | undefined {
  const { request, response } = exchange
  if (!variesByEncoding(exchange, body)) return void end(exchange, status, body)
  response.appendHeader('Vary', 'Accept-Encoding')
  const encoding = encodingOf(request.headers['accept-encoding'])
  if (!encoding) return void end(exchange, status, body)
  const { now, soon } = CODECS[encoding]
  const bytes = Buffer.from(body)
  if (bytes.length < MIN_ASYNC_BYTES) return void end(exchange, status, now(bytes), encoding)
  return soon(bytes).then((compressed) => {
    // The deadline may have passed, or the client may have left.
    if (!response.headersSent && !response.destroyed) end(exchange, status, compressed, encoding)
  })
}

/**
 * Returns a stream that compresses a body of unknown length as the client prefers, and says so in
 * the headers; undefined to send it as it is.
 */
export function streamEncoder({ request, response, compression }: HttpExchange): Transform | undefined {
  if (!compression) return undefined
  response.appendHeader('Vary', 'Accept-Encoding')
  const encoding = encodingOf(request.headers['accept-encoding'])
  if (!encoding) return undefined
  response.setHeader('Content-Encoding', encoding)
  return STREAMS[encoding]()
}

const STREAMS: Readonly<Record<Encoding, () => Transform>> = {
  zstd: () => zlib.createZstdCompress({ params: { [ZSTD_c_compressionLevel]: 1 } }),
  br: () => zlib.createBrotliCompress({ params: { [BROTLI_PARAM_QUALITY]: 3 } }),
  gzip: () => zlib.createGzip({ level: 1 }),
}

/** A string leaves with the headers in one write. */
function end({ response }: HttpExchange, status: number, body: string | Buffer, encoding?: Encoding): void {
  if (encoding) {
    response.setHeader('Content-Encoding', encoding)
    const tag = response.getHeader('ETag')
    if (typeof tag === 'string') response.setHeader('ETag', encodedTag(tag, encoding))
  }
  response.setHeader('Content-Length', Buffer.byteLength(body))
  response.writeHead(status).end(body)
}

/** Returns the ETag of an encoded body: `"hash-gzip"` for `"hash"`. */
export function encodedTag(tag: string, encoding: Encoding): string {
  return tag.replace(/"$/, `-${encoding}"`)
}

/** Returns the ETag of the body before it was encoded. */
export function plainTag(tag: string): string {
  return tag.replace(/-(?:zstd|br|gzip)"$/, '"')
}
