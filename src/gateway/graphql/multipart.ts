import { AppError, validationFailed } from '../errors.ts'
import { declaredLength } from '../http/body.ts'
import { type StreamLimit, tooLarge } from '../http/body-stream.ts'
import type { HttpExchange } from '../http/exchange.ts'
import { FORM_OVERHEAD, type FormPart, FormReader } from '../uploads/multipart.ts'
import { type IncomingFile, Upload } from '../uploads/upload.ts'
import { type Params, readParams } from './params.ts'

/**
 * Requests with files (https://github.com/jaydenseric/graphql-multipart-request-spec): a form of
 * `operations`, the request as JSON with null for each file; `map`, the places of the files; then
 * the files in the order in which the operation reads them.
 */

export interface FileRequest {
  params: Params
  /** Stops reading the form. Call it when the operation has run. */
  close(): void
}

/** Size of a form that no file has opened yet. */
const HEAD: StreamLimit = { bytes: FORM_OVERHEAD, setting: 'BODY_LIMIT' }

/** Reads a request up to its first file. Throws BAD_REQUEST if it does not follow the specification. */
export async function readFileRequest(exchange: HttpExchange): Promise<FileRequest> {
  const size = new SizeLimit(HEAD)
  const form = new FormReader(exchange.request.headers, size.check(exchange.stream(undefined)))
  try {
    const operations = parseField(await form.next(), 'operations')
    const places = readMap(parseField(await form.next(), 'map'))
    const files = new FormFiles(form, size, declaredLength(exchange.request))
    for (const [name, paths] of places) {
      const upload = new Upload((setting) => files.open(name, exchange.streamLimit(setting)))
      for (const path of paths) putAt(operations, path, upload)
    }
    return { params: readParams(operations), close: () => form.close() }
  } catch (error) {
    form.close()
    throw error
  }
}

/** Limits the size of a form, by more with each file that is opened. */
class SizeLimit {
  #limit: StreamLimit
  #size = 0

  constructor(limit: StreamLimit) {
    this.#limit = limit
  }

  allow(more: StreamLimit): void {
    this.#limit = { bytes: this.#limit.bytes + more.bytes, setting: more.setting }
  }

  async *check(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of body) {
      yield chunk
      this.#size += chunk.length
      if (this.#size > this.#limit.bytes) throw tooLarge(this.#limit)
    }
  }
}

/** The files of a form, which arrive one after another. */
class FormFiles {
  readonly #form: FormReader
  readonly #size: SizeLimit
  readonly #length: number | undefined
  #isReading = false

  constructor(form: FormReader, size: SizeLimit, length: number | undefined) {
    this.#form = form
    this.#size = size
    this.#length = length
  }

  async open(name: string, limit: StreamLimit): Promise<IncomingFile> {
    // Waiting for a file behind one that nobody reads would never end.
    if (this.#isReading) throw outOfOrder()
    if (this.#length !== undefined && this.#length > limit.bytes + FORM_OVERHEAD) throw tooLarge(limit)
    this.#size.allow(limit)
    this.#isReading = true
    const part = await this.#form.next()
    if (part === undefined) throw refuse(`the file ${JSON.stringify(name)} of the map is missing`)
    if (part.kind === 'field') throw refuse(`${JSON.stringify(part.name)} must be a file with a name`)
    if (part.name !== name) throw outOfOrder()
    return {
      filename: part.filename,
      contentType: part.contentType,
      declaredSize: this.#length === undefined ? undefined : Math.max(this.#length - FORM_OVERHEAD, 0),
      bytes: this.#read(part, limit),
    }
  }

  async *#read(part: FormPart & { kind: 'file' }, limit: StreamLimit): AsyncGenerator<Buffer> {
    let size = 0
    for await (const chunk of this.#form.bytesOf(part)) {
      size += chunk.length
      if (size > limit.bytes) throw tooLarge(limit)
      yield chunk
    }
    this.#isReading = false
  }
}

function outOfOrder(): AppError {
  return validationFailed([
    {
      path: ['map'],
      code: 'out_of_order',
      message: 'must list the files in the order in which the operation reads them',
    },
  ])
}

function parseField(part: FormPart | undefined, name: string): unknown {
  if (part?.kind !== 'field' || part.name !== name)
    throw refuse(`the fields operations and map must come first, in this order; expected ${name}`)
  try {
    return JSON.parse(part.value)
  } catch (error) {
    throw refuse(`${name} is not valid JSON: ${(error as SyntaxError).message}`)
  }
}

/** Maximum number of places of files. */
const MAX_PLACES = 20

function readMap(map: unknown): [name: string, paths: string[]][] {
  const entries = typeof map === 'object' && map !== null && !Array.isArray(map) ? Object.entries(map) : undefined
  const isList = (paths: unknown): paths is string[] =>
    Array.isArray(paths) && paths.every((path) => typeof path === 'string')
  if (!entries?.every(([, paths]) => isList(paths)))
    throw refuse('map must be an object of lists, like {"0": ["variables.file"]}')
  if (entries.flatMap(([, paths]) => paths).length > MAX_PLACES)
    throw refuse(`map must name at most ${MAX_PLACES} places`)
  return entries
}

/** Puts a file where the request has null for it. */
function putAt(request: unknown, path: string, file: Upload): void {
  const steps = path.split('.')
  const last = steps.pop() ?? ''
  const parent = steps.reduce<unknown>((value, step) => ownOf(value, step), request)
  if (steps[0] !== 'variables' || ownOf(parent, last) !== null)
    throw refuse(`${JSON.stringify(path)} in map must be a place in variables that is null`)
  ;(parent as Record<string, unknown>)[last] = file
}

function ownOf(value: unknown, name: string): unknown {
  const isOwn = typeof value === 'object' && value !== null && Object.hasOwn(value, name)
  return isOwn ? (value as Record<string, unknown>)[name] : undefined
}

function refuse(problem: string): AppError {
  return new AppError(
    'BAD_REQUEST',
    `The form does not follow the GraphQL multipart request specification: ${problem}.`,
  )
}
