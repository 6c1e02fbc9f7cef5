import { AppError } from '../errors.ts'
import { mediaTypeOf } from '../http/content-type.ts'
import type { HttpExchange } from '../http/exchange.ts'
import type { StreamedBodyOptions } from '../operation.ts'
import { StreamedBody } from '../streamed-body.ts'

/** Returns the body as a stream. Throws UNSUPPORTED_MEDIA_TYPE if it has none of the types. */
export function openBody(exchange: HttpExchange, { types, limit }: StreamedBodyOptions): StreamedBody {
  const type = mediaTypeOf(exchange.request.headers['content-type'])
  if (!types.includes(type)) {
    const given = type || 'a body without a Content-Type'
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', `Send ${types.join(' or ')}, not ${given}.`)
  }
  return new StreamedBody(exchange.stream(limit))
}
