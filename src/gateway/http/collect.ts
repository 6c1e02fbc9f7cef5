import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Bytes that are streamed between two collections. */
const EVERY = 8 * 1_048_576

let collect: ((options: { type: 'minor' }) => void) | undefined
let streamed = 0

/**
 * Counts the bytes of a body that is streamed, and collects young objects now and then. By itself
 * V8 would do so only after 64 MB of buffers, as little as there is on the heap beside them.
 */
export function countStreamed(bytes: number): void {
  streamed += bytes
  if (streamed < EVERY) return
  streamed = 0
  collect ??= findCollect()
  collect({ type: 'minor' })
}

/** Returns V8's function, which only contexts made after the flag have. */
function findCollect(): typeof collect & object {
  setFlagsFromString('--expose-gc')
  const found = runInNewContext('gc') as typeof collect & object
  setFlagsFromString('--no-expose-gc')
  return found
}
