/**
 * Server-side framing of PostgreSQL's wire protocol, version 3.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */

const SSL_REQUEST = 80877103
const GSSENC_REQUEST = 80877104
const CANCEL_REQUEST = 80877102

/** Far above any real message. A greater length means that the client speaks another protocol. */
const MAX_MESSAGE_BYTES = 256 * 1024 * 1024

const QUERY = 'Q'.charCodeAt(0)
const SYNC = 'S'.charCodeAt(0)
const TERMINATE = 'X'.charCodeAt(0)

export type Frame =
  | { kind: 'encryption' }
  | { kind: 'cancel' }
  | { kind: 'startup'; bytes: Buffer }
  /**
   * Messages that the server answers with one ReadyForQuery: a Query, or everything up to a Sync.
   */
  | { kind: 'group'; bytes: Buffer }
  | { kind: 'terminate' }

/** A client that does not speak PostgreSQL's protocol. */
export class ProtocolError extends Error {}

/** Splits the bytes of a client, received in any chunks, into units a server can execute. */
export class FrameReader {
  #buffer: Buffer = Buffer.alloc(0)
  /** Bytes at the start of #buffer that are complete messages of an unfinished group. */
  #scanned = 0
  #started = false

  push(chunk: Buffer): void {
    this.#buffer = this.#buffer.length ? Buffer.concat([this.#buffer, chunk]) : chunk
  }

  /**
   * Returns the next unit, or undefined until more bytes arrive. Throws ProtocolError
   * for other protocols.
   */
  next(): Frame | undefined {
    return this.#started ? this.#nextGroup() : this.#nextStartup()
  }

  #nextStartup(): Frame | undefined {
    if (this.#buffer.length < 8) return undefined
    const length = checkedLength(this.#buffer.readInt32BE(0), 8)
    if (this.#buffer.length < length) return undefined
    const code = this.#buffer.readInt32BE(4)
    const bytes = this.#take(length)
    if (code === SSL_REQUEST || code === GSSENC_REQUEST) return { kind: 'encryption' }
    if (code === CANCEL_REQUEST) return { kind: 'cancel' }
    if (code >> 16 !== 3) throw new ProtocolError(`unsupported protocol version ${code >> 16}`)
    this.#started = true
    return { kind: 'startup', bytes }
  }

  #nextGroup(): Frame | undefined {
    while (this.#buffer.length >= this.#scanned + 5) {
      const type = this.#buffer[this.#scanned]
      const end = this.#scanned + 1 + checkedLength(this.#buffer.readInt32BE(this.#scanned + 1), 4)
      if (this.#buffer.length < end) return undefined
      if (type === TERMINATE) return { kind: 'terminate' }
      this.#scanned = end
      if (type === QUERY || type === SYNC) {
        this.#scanned = 0
        return { kind: 'group', bytes: this.#take(end) }
      }
    }
    return undefined
  }

  #take(length: number): Buffer {
    const bytes = this.#buffer.subarray(0, length)
    this.#buffer = this.#buffer.subarray(length)
    return bytes
  }
}

function checkedLength(length: number, least: number): number {
  if (length < least || length > MAX_MESSAGE_BYTES)
    throw new ProtocolError(`not a PostgreSQL message (length ${length})`)
  return length
}

/** Encodes a simple Query message. */
export function queryMessage(sql: string): Buffer {
  const text = Buffer.from(`${sql}\0`)
  const message = Buffer.alloc(5 + text.length)
  message[0] = QUERY
  message.writeInt32BE(4 + text.length, 1)
  text.copy(message, 5)
  return message
}
