import { once } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import { Busboy } from '@fastify/busboy'
import { AppError } from '../errors.ts'

/** A part of a form. A file has to be read before the next part arrives. */
export type FormPart =
  | { kind: 'field'; name: string; value: string }
  | { kind: 'file'; name: string; filename: string | undefined; contentType: string | undefined; bytes: Readable }

/** Largest field, number of parts, and size and number of the headers of a part. */
const LIMITS = { fieldSize: 1_048_576, fields: 20, files: 20, parts: 30, headerPairs: 20, headerSize: 16_384 }

/** What a form may contain besides its files. */
export const FORM_OVERHEAD = 2 * LIMITS.fieldSize

/**
 * Reads a `multipart/form-data` body (RFC 7578) part by part, and no further than its reader. Throws
 * BAD_REQUEST if it is malformed.
 */
export class FormReader {
  readonly #parts: FormPart[] = []
  #wake: (() => void) | undefined
  #isOver = false
  #error: unknown
  /** The file that is being read. */
  #file: Readable | undefined
  readonly #busboy: InstanceType<typeof Busboy>
  #stop: (() => void) | undefined
  /** Resolves when the form is over, so that nothing waits for its reader. */
  readonly #over = new Promise<void>((resolve) => {
    this.#stop = resolve
  })

  constructor(headers: IncomingHttpHeaders, body: AsyncIterable<Buffer>) {
    this.#busboy = openBusboy(headers)
    this.#busboy
      .on('field', (name, value, _nameTruncated, isTruncated) => {
        if (name === undefined) this.#fail(malformed('a part has no name'))
        else if (isTruncated) this.#fail(malformed(`the field ${JSON.stringify(name)} is too long`))
        else this.#push({ kind: 'field', name, value })
      })
      .on('file', (name, bytes, filename: string | undefined, _encoding, contentType) => {
        // Each reader gets the error where it is; without a listener it would end the process.
        bytes.on('error', () => undefined)
        if (name === undefined) return this.#fail(malformed('a part has no name'))
        this.#push({ kind: 'file', name, filename: filename && unescaped(filename), contentType, bytes })
      })
      .on('partsLimit', () => this.#fail(malformed('it has too many parts')))
      .on('filesLimit', () => this.#fail(malformed('it has too many files')))
      .on('fieldsLimit', () => this.#fail(malformed('it has too many fields')))
      .on('error', (error: unknown) => this.#fail(malformed((error as Error).message)))
      .on('finish', () => this.#end())
    void this.#pump(body)
  }

  /** Returns the next part, or undefined at the end of the form. */
  async next(): Promise<FormPart | undefined> {
    while (this.#parts.length === 0) {
      if (this.#error !== undefined) throw this.#error
      if (this.#isOver) return undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#parts.shift()
  }

  /** Yields the bytes of a file part. Throws the error that ended the form, if one did. */
  async *bytesOf(part: FormPart & { kind: 'file' }): AsyncGenerator<Buffer, void, undefined> {
    try {
      yield* part.bytes as AsyncIterable<Buffer>
    } catch (error) {
      throw this.#error ?? malformed((error as Error).message)
    }
    if (this.#error !== undefined) throw this.#error
  }

  /** Stops reading. */
  close(): void {
    this.#fail(new Error('the form was not read to its end'))
  }

  async #pump(body: AsyncIterable<Buffer>): Promise<void> {
    try {
      for await (const chunk of body) {
        if (!this.#busboy.write(chunk)) await Promise.race([once(this.#busboy, 'drain'), this.#over])
        if (this.#error !== undefined) return
      }
      this.#busboy.end()
    } catch (error) {
      this.#fail(error)
    }
  }

  #push(part: FormPart): void {
    this.#parts.push(part)
    this.#file = part.kind === 'file' ? part.bytes : this.#file
    this.#wake?.()
  }

  #fail(error: unknown): void {
    if (this.#isOver) return
    this.#error ??= error
    this.#end()
    this.#file?.destroy(error as Error)
  }

  #end(): void {
    this.#isOver = true
    this.#stop?.()
    this.#wake?.()
  }
}

/** Browsers escape quotation marks in a file name, and nothing else that may be part of one. */
const unescaped = (filename: string) => filename.replaceAll('%22', '"')

function openBusboy(headers: IncomingHttpHeaders) {
  const contentType = headers['content-type'] ?? ''
  try {
    return new Busboy({ headers: { 'content-type': contentType }, limits: LIMITS, preservePath: true })
  } catch (error) {
    throw malformed((error as Error).message)
  }
}

function malformed(problem: string): AppError {
  return new AppError('BAD_REQUEST', `The body is not valid multipart/form-data: ${problem}.`)
}
