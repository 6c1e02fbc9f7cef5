import { JSONParser } from '@streamparser/json'
import { AppError } from '../../../../gateway/errors.ts'
import { MAX_ITEM } from './lines.ts'

/** An item of a JSON file, with the name of the list it is in. */
export interface JsonItem {
  list: string
  value: Record<string, unknown>
}

/** Maximum nesting of a file. */
const MAX_DEPTH = 60

const refuse = (message: string) => new AppError('VALIDATION_FAILED', `The file ${message}`, { path: ['content'] })

/**
 * Reads the objects at some paths of a JSON file while it arrives, like `$.*` or `$.cards.*`. What
 * stands elsewhere is not kept. Memory is bounded: an item may have 1 MiB.
 */
export async function* readJson(chunks: AsyncIterable<Uint8Array>, paths: string[]): AsyncGenerator<JsonItem> {
  let found: JsonItem[] = []
  const parser = new JSONParser({ paths, keepStack: false })
  parser.onValue = ({ value, stack, key }) => {
    const owner = stack.at(-1)?.key ?? key
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return
    found.push({ list: typeof owner === 'string' ? owner : '', value: value as Record<string, unknown> })
  }
  const guard = new SizeGuard(Math.max(...paths.map((path) => path.split('.').length - 1)))
  for await (const chunk of chunks) {
    // In small parts: the parser takes all of a chunk at once.
    for (let start = 0; start < chunk.length; start += STEP) {
      const part = chunk.subarray(start, start + STEP)
      guard.look(part)
      try {
        parser.write(part)
      } catch (error) {
        throw refuse(`is not valid JSON: ${(error as Error).message.slice(0, 200)}`)
      }
      yield* found
      found = []
    }
  }
  if (!parser.isEnded) throw refuse('ends before its JSON does.')
}

const STEP = 16_384

const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [34, 92, 91, 93, 123, 125]

/** Rejects values that are nested too deeply, and innermost parts that are too large to keep. */
class SizeGuard {
  readonly #itemDepth: number
  #depth = 0
  #inText = false
  #escaped = false
  /** Bytes since an item, or what stands beside items, last ended. */
  #since = 0

  constructor(itemDepth: number) {
    this.#itemDepth = itemDepth
  }

  look(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (++this.#since > MAX_ITEM) throw refuse(`has a value of more than ${MAX_ITEM} bytes.`)
      if (this.#inText) this.#inside(byte)
      else this.#outside(byte)
    }
  }

  #inside(byte: number): void {
    if (this.#escaped) this.#escaped = false
    else if (byte === BACKSLASH) this.#escaped = true
    else if (byte === QUOTE) this.#inText = false
  }

  #outside(byte: number): void {
    if (byte === QUOTE) this.#inText = true
    else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      if (++this.#depth > MAX_DEPTH) throw refuse(`is nested more than ${MAX_DEPTH} levels deep.`)
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      this.#depth--
      if (this.#depth <= this.#itemDepth) this.#since = 0
    }
  }
}
