import { createReadStream } from 'node:fs'
import { mkdir, open, opendir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { FileStorage, StoredFile } from '../../../request/files.ts'
import { isId } from '../../../schema/rules.ts'

const FOLDER_MODE = 0o700
const FILE_MODE = 0o600

/** Files that are arriving. They are renamed when they are complete. */
const ARRIVING = 'arriving'
const SHARDS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/**
 * Stores files in a folder, each in a sub-folder named by the last two digits of its id. Everything
 * in it is accessible to the owner of the process only.
 */
export async function openFolder(root: string): Promise<FileStorage> {
  await mkdir(join(root, ARRIVING), { recursive: true, mode: FOLDER_MODE })

  function pathOf(id: string): { folder: string; path: string; arriving: string } {
    if (!isId(id)) throw new Error(`${JSON.stringify(id)} is not the id of a file`)
    const name = id.toLowerCase()
    const folder = join(root, name.slice(-2))
    return { folder, path: join(folder, name), arriving: join(root, ARRIVING, name) }
  }

  async function write(id: string, bytes: AsyncIterable<Buffer>): Promise<void> {
    const { folder, path, arriving } = pathOf(id)
    try {
      const file = await open(arriving, 'wx', FILE_MODE)
      // The stream closes the file, also when it fails, and syncs it first.
      await pipeline(bytes, file.createWriteStream({ flush: true }))
      await mkdir(folder, { recursive: true, mode: FOLDER_MODE })
      await rename(arriving, path)
      await syncFolder(folder)
    } catch (error) {
      await rm(arriving, { force: true })
      throw error
    }
  }

  return {
    write,
    read: (id, first, last) => readPart(pathOf(id).path, first, last),
    has: (id) => unlessMissing(async () => (await stat(pathOf(id).path)).isFile(), false),
    async remove(id) {
      const { path, arriving } = pathOf(id)
      await rm(path, { force: true })
      await rm(arriving, { force: true })
    },
    async *list() {
      yield* filesIn(join(root, ARRIVING), false)
      for (const shard of SHARDS) yield* filesIn(join(root, shard), true)
    },
  }
}

function readPart(path: string, first: number, last: number): Promise<Readable | null> {
  return new Promise((resolve, reject) => {
    const stream = createReadStream(path, { start: first, end: last })
    stream.once('open', () => {
      stream.removeAllListeners('error')
      resolve(stream)
    })
    stream.once('error', (error) => (isMissing(error) ? resolve(null) : reject(error)))
  })
}

async function* filesIn(folder: string, isComplete: boolean): AsyncGenerator<StoredFile> {
  const entries = await unlessMissing(() => opendir(folder), undefined)
  if (!entries) return
  for await (const entry of entries) {
    if (!entry.isFile() || !isId(entry.name)) continue
    const found = await unlessMissing(() => stat(join(folder, entry.name)), undefined)
    if (found) yield { id: entry.name, modifiedAt: found.mtime, isComplete }
  }
}

/** Makes the names in a folder survive a power cut. Not every system can. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  await handle?.sync().catch(() => undefined)
  await handle?.close()
}

async function unlessMissing<T, Missing>(work: () => Promise<T>, missing: Missing): Promise<T | Missing> {
  try {
    return await work()
  } catch (error) {
    if (isMissing(error)) return missing
    throw error
  }
}

const isMissing = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT'
