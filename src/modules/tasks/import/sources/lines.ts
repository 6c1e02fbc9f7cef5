import { isUtf8 } from 'node:buffer'
import type { FileRow } from '../row.ts'
import { nativeRow } from './native.ts'

/** Maximum size of a line or an item. Longer ones fail without being kept in memory. */
export const MAX_ITEM = 1_048_576

const NEWLINE = 10

/** Splits a body into lines, with their numbers from 1. A line that is too long has no bytes. */
async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<{ line: number; bytes?: Buffer }> {
  let kept: Buffer[] = []
  let size = 0
  let line = 1
  const finish = () => {
    const done = size <= MAX_ITEM ? { line, bytes: Buffer.concat(kept, size) } : { line }
    kept = []
    size = 0
    line++
    return done
  }
  const keep = (part: Buffer) => {
    size += part.length
    if (size <= MAX_ITEM) kept.push(part)
    else kept = []
  }
  for await (const chunk of chunks) {
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    let start = 0
    for (let end = buffer.indexOf(NEWLINE); end >= 0; end = buffer.indexOf(NEWLINE, start)) {
      keep(buffer.subarray(start, end))
      start = end + 1
      yield finish()
    }
    keep(buffer.subarray(start))
  }
  if (size > 0) yield finish()
}

/** Reads JSON objects, one per line. Blank lines are skipped. */
export async function* readNdjson(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<FileRow> {
  for await (const { line, bytes } of splitLines(chunks)) {
    if (!bytes) yield { line, values: {}, problem: `is longer than ${MAX_ITEM} bytes` }
    else if (!isUtf8(bytes)) yield { line, values: {}, problem: 'is not valid UTF-8' }
    else {
      const text = bytes
        .toString()
        .replace(/^\ufeff/, '')
        .trim()
      if (text !== '') yield readLine(line, text)
    }
  }
}

function readLine(line: number, text: string): FileRow {
  try {
    return nativeRow(line, JSON.parse(text))
  } catch (error) {
    return { line, values: {}, problem: `is not valid JSON: ${(error as Error).message.slice(0, 200)}` }
  }
}
