import { AppError } from '../errors.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Decodes UTF-8 and drops a leading byte order mark. Throws BAD_REQUEST, naming `what`, if it is
 * not valid.
 */
export function decodeUtf8(bytes: Uint8Array, what: string): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new AppError('BAD_REQUEST', `${what} is not valid UTF-8.`)
  }
}

/** Parses a JSON body. Throws BAD_REQUEST with the parser's message. */
export function decodeJson(body: Uint8Array): unknown {
  const text = decodeUtf8(body, 'The body')
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new AppError('BAD_REQUEST', `The body is not valid JSON: ${(error as SyntaxError).message}.`)
  }
}

/** Parses a query string or form. URLSearchParams alone would replace broken encoding silently. */
export function decodeForm(text: string, what: string): URLSearchParams {
  requirePercentEncoded(text, what)
  return new URLSearchParams(text)
}

/** Throws BAD_REQUEST if percent-encoding is broken or does not decode to UTF-8. */
export function requirePercentEncoded(text: string, what: string): void {
  try {
    decodeURIComponent(text)
  } catch {
    throw new AppError('BAD_REQUEST', `${what} is not valid percent-encoding of UTF-8.`)
  }
}
