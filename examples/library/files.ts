import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Content, IncomingFile } from '../../src/gateway/library/exports.ts'

/** A file that has arrived completely. */
export interface StoredFile {
  filename: string
  contentType: string
  size: number
  sha256: string
  storedAt: Date
  path: string
}

/** Largest file, and largest form with several, in bytes. A refusal names them. */
export const UPLOAD_LIMITS = { MAX_FILE: 10_485_760, MAX_FORM: 104_857_600 }

const TYPES = /^image\/(png|jpeg|webp)$/

/** Keeps files in a folder, under names that no client chooses. */
export class FileStore {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Writes a file as it arrives. Keeps nothing of one that breaks off. */
  async store({ filename = 'file', contentType = '', bytes }: IncomingFile): Promise<StoredFile> {
    const path = join(this.#folder, randomUUID())
    const hash = createHash('sha256')
    let size = 0
    async function* measured() {
      for await (const chunk of bytes) {
        size += chunk.length
        hash.update(chunk)
        yield chunk
      }
    }
    try {
      await pipeline(measured, createWriteStream(path))
    } catch (error) {
      await rm(path, { force: true })
      throw error
    }
    const type = TYPES.test(contentType) ? contentType : 'application/octet-stream'
    return { filename, contentType: type, size, sha256: hash.digest('hex'), storedAt: new Date(), path }
  }

  discard = ({ path }: StoredFile) => rm(path, { force: true })
}

/** Returns a stored file as the gateway serves it. */
export function contentOf(file: StoredFile): Content {
  return {
    size: file.size,
    tag: Buffer.from(file.sha256, 'hex').toString('base64url').slice(0, 22),
    modifiedAt: file.storedAt,
    contentType: file.contentType,
    filename: file.filename,
    read: (start, end) => createReadStream(file.path, { start, end }),
  }
}
