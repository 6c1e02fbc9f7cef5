import { AppError } from '../errors.ts'

/** The charset parameter of a media type. */
const CHARSET = /;\s*charset\s*=\s*(?:"([^"]*)"|([^;\s]*))/i
/** Charsets whose bytes are valid UTF-8 with the same meaning. */
const UTF8 = new Set(['utf-8', 'utf8', 'us-ascii', 'ascii'])

/**
 * Returns the media type of a body in lower case, without parameters; empty if there is none.
 * Throws UNSUPPORTED_MEDIA_TYPE if its charset is not UTF-8.
 */
export function mediaTypeOf(contentType: string | undefined): string {
  if (contentType === undefined) return ''
  const mark = contentType.indexOf(';')
  if (mark < 0) return contentType.trim().toLowerCase()
  const [, quoted, plain] = CHARSET.exec(contentType.slice(mark)) ?? []
  const charset = quoted ?? plain
  if (charset !== undefined && !UTF8.has(charset.toLowerCase()))
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', `Send the body in UTF-8, not in the charset ${charset}.`)
  return contentType.slice(0, mark).trim().toLowerCase()
}

/** The error of a body that is not JSON. */
export function notJson(type: string): AppError {
  return new AppError(
    'UNSUPPORTED_MEDIA_TYPE',
    `Send application/json, not ${type || 'a body without a Content-Type'}.`,
  )
}
