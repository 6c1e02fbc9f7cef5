import type { IncomingHttpHeaders } from 'node:http'
import { parse } from 'content-disposition'
import { type Issue, validationFailed } from '../errors.ts'
import { declaredLength } from '../http/body.ts'
import { type StreamLimit, tooLarge } from '../http/body-stream.ts'
import type { HttpExchange } from '../http/exchange.ts'
import { FORM_OVERHEAD, FormReader } from '../uploads/multipart.ts'
import { type IncomingFile, Upload } from '../uploads/upload.ts'

/**
 * Returns the file that is the body of a request: the part `name` of a form, or the body itself
 * with any other media type. Nothing of the body is read until the operation opens the file.
 */
export function fileInBody(exchange: HttpExchange, name: string): Upload {
  const isForm = /^multipart\/form-data\b/i.test(exchange.request.headers['content-type'] ?? '')
  return new Upload((setting) => {
    const limit = exchange.streamLimit(setting)
    return isForm ? fileInForm(exchange, name, limit) : wholeBody(exchange, limit)
  })
}

async function wholeBody(exchange: HttpExchange, limit: StreamLimit): Promise<IncomingFile> {
  const { request } = exchange
  const declaredSize = declaredLength(request)
  if (declaredSize !== undefined && declaredSize > limit.bytes) throw tooLarge(limit)
  return {
    filename: filenameOf(request.headers),
    contentType: request.headers['content-type'],
    declaredSize,
    bytes: exchange.stream(limit.setting),
  }
}

/** Returns the file name of a Content-Disposition (RFC 6266), or undefined. */
function filenameOf({ 'content-disposition': header }: IncomingHttpHeaders): string | undefined {
  const filename = header === undefined ? undefined : parse(header).parameters.filename
  if (filename === undefined) return undefined
  // Many clients send UTF-8 as it is. Node reads headers as ISO 8859-1.
  const bytes = Buffer.from(filename, 'latin1')
  const decoded = bytes.toString()
  return bytes.toString('latin1') === filename && !decoded.includes('\ufffd') ? decoded : filename
}

async function fileInForm(exchange: HttpExchange, name: string, limit: StreamLimit): Promise<IncomingFile> {
  const length = declaredLength(exchange.request)
  if (length !== undefined && length > limit.bytes + FORM_OVERHEAD) throw tooLarge(limit)
  const form = new FormReader(exchange.request.headers, exchange.stream(limit.setting, FORM_OVERHEAD))
  try {
    const part = await form.next()
    if (part === undefined) throw validationFailed([missing(name)])
    if (part.kind === 'field' || part.name !== name) throw validationFailed([unknownPart(part.name, name)])
    return {
      filename: part.filename,
      contentType: part.contentType,
      declaredSize: length === undefined ? undefined : Math.max(length - FORM_OVERHEAD, 0),
      bytes: lastPart(form, form.bytesOf(part), limit),
    }
  } catch (error) {
    form.close()
    throw error
  }
}

/** Yields a file that must be all of a form. Throws if it is too large, or if another part follows. */
async function* lastPart(form: FormReader, bytes: AsyncIterable<Buffer>, limit: StreamLimit): AsyncGenerator<Buffer> {
  let size = 0
  try {
    for await (const chunk of bytes) {
      size += chunk.length
      if (size > limit.bytes) throw tooLarge(limit)
      yield chunk
    }
    const next = await form.next()
    if (next !== undefined) {
      const problem = { path: ['body', next.name], code: 'unknown_field', message: 'is not expected after the file' }
      throw validationFailed([problem])
    }
  } finally {
    form.close()
  }
}

const missing = (name: string): Issue => ({
  path: ['body', name],
  code: 'required',
  message: 'is required: send a file in this field',
})

function unknownPart(given: string, name: string): Issue {
  return given === name
    ? { path: ['body', name], code: 'invalid_type', message: 'must be a file with a name, not a text field' }
    : { path: ['body', given], code: 'unknown_field', message: `is not a known field: send the file as ${name}` }
}
