import { AppError } from '../errors.ts'
import { mediaTypeOf } from '../http/content-type.ts'
import type { HttpExchange } from '../http/exchange.ts'
import { Upload, type UploadOptions } from '../operation.ts'

/** Returns the body as a stream. Throws UNSUPPORTED_MEDIA_TYPE if it has none of the types. */
export function openUpload(exchange: HttpExchange, { types, limit }: UploadOptions): Upload {
  const type = mediaTypeOf(exchange.request.headers['content-type'])
  if (!types.includes(type)) {
    const given = type || 'a body without a Content-Type'
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', `Send ${types.join(' or ')}, not ${given}.`)
  }
  return new Upload(exchange.stream(limit))
}
