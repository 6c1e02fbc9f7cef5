import { AppError } from './errors.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Decodes what a client sent, without a byte order mark at its start. BAD_REQUEST where `what` is not UTF-8. */
export function decodeUtf8(bytes: Uint8Array, what: string): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new AppError('BAD_REQUEST', `${what} is not valid UTF-8.`)
  }
}

/** Parses a body of JSON; BAD_REQUEST says what is wrong with it. */
export function decodeJson(body: Uint8Array): unknown {
  const text = decodeUtf8(body, 'The body')
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new AppError('BAD_REQUEST', `The body is not JSON: ${(error as SyntaxError).message}.`)
  }
}

/** Parses a query string or a form. URLSearchParams alone puts replacement characters where the encoding is broken. */
export function decodeForm(text: string, what: string): URLSearchParams {
  requirePercentEncoded(text, what)
  return new URLSearchParams(text)
}

/** Throws BAD_REQUEST where percent-encoding is broken, or the bytes it stands for are not UTF-8. */
export function requirePercentEncoded(text: string, what: string): void {
  try {
    decodeURIComponent(text)
  } catch {
    throw new AppError('BAD_REQUEST', `${what} is not valid percent-encoding of UTF-8.`)
  }
}
