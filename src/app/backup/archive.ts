import { createReadStream, createWriteStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib'
import { extract, type Header, pack } from 'tar-stream'
import { BackupError } from './format.ts'

export interface ArchiveWriter {
  add(name: string, bytes: Buffer | string): Promise<void>
  /** Adds a member from a stream of exactly `size` bytes. */
  addStream(name: string, size: number, bytes: AsyncIterable<Buffer>): Promise<void>
}

/**
 * Writes an archive. It appears under its name when it is complete and on disk: until then it is
 * FILE.partial, which a failure removes.
 */
export async function writeArchive(file: string, fill: (archive: ArchiveWriter) => Promise<void>): Promise<void> {
  const partial = `${file}.partial`
  const tar = pack()
  const compress = createZstdCompress({ params: { [constants.ZSTD_c_checksumFlag]: 1 } })
  const written = pipeline(
    tar as unknown as Readable,
    compress,
    createWriteStream(partial, { mode: 0o600, flush: true }),
  )
  const failed = written.then(() => new Promise<never>(() => {}))
  failed.catch(() => undefined)
  const archive: ArchiveWriter = {
    add: (name, bytes) => archive.addStream(name, Buffer.byteLength(bytes), Readable.from([Buffer.from(bytes)])),
    async addStream(name, size, bytes) {
      await Promise.race([
        failed,
        new Promise<void>((resolve, reject) => {
          const entry = tar.entry({ name, size, mode: 0o600 }, (error) => (error ? reject(error) : resolve()))
          pipeline(size === 0 ? [] : bytes, entry as unknown as Writable).catch(reject)
        }),
      ])
    },
  }
  try {
    await fill(archive)
    tar.finalize()
    await written
    await rename(partial, file)
    await syncFolderOf(file)
  } catch (error) {
    tar.destroy()
    await written.catch(() => undefined)
    await rm(partial, { force: true })
    throw error
  }
}

async function syncFolderOf(file: string): Promise<void> {
  const folder = await open(dirname(file), 'r').catch(() => undefined)
  await folder?.sync().catch(() => undefined)
  await folder?.close()
}

export interface Member {
  name: string
  size: number
  bytes: AsyncIterable<Buffer>
}

/** Yields the members of an archive. Each must be read to its end. */
export async function* readArchive(file: string): AsyncGenerator<Member> {
  const tar = extract()
  const source = createReadStream(file)
  let failure: unknown
  const read = pipeline(source, createZstdDecompress(), tar as unknown as Writable).catch((error: unknown) => {
    failure = error
  })
  try {
    for await (const entry of tar as AsyncIterable<AsyncIterable<Buffer> & { header: Header }>) {
      yield { name: entry.header.name, size: entry.header.size ?? 0, bytes: contentOf(file, entry) }
    }
    await read
    if (failure) throw failure
  } catch (error) {
    throw damage(file, failure ?? error)
  } finally {
    source.destroy()
  }
}

async function* contentOf(file: string, entry: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* entry
  } catch (error) {
    throw damage(file, error)
  }
}

/** Translates what reading a damaged file throws. Other errors stay as they are. */
function damage(file: string, error: unknown): unknown {
  const { code = '', message } = error as NodeJS.ErrnoException
  const isDamaged = code.startsWith('ZSTD_') || code.startsWith('Z_') || /tar|end of (data|file)/i.test(message)
  if (!isDamaged) return error
  return new BackupError(`${file} is damaged or cut off: ${message}. Use another backup.`)
}
