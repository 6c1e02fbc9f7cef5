import { createHash } from 'node:crypto'
import { mkdir, rm, stat } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The message tells the operator how to fix it. */
export class DataDirInUseError extends Error {
  readonly code = 'DATA_DIR_IN_USE'
}

/**
 * Claims a directory for this process and returns a function that releases it. Two PGlites on one
 * directory would corrupt it. Throws if this process or another has already claimed it.
 *
 * The claim is a listening socket named after the directory's device and inode, so every path to
 * the directory leads to the same claim. Unlike a lock file, it is taken atomically, and the
 * kernel releases it when the process dies. On Linux the socket is abstract, and so belongs to a
 * network namespace: containers do not see each other's claims.
 */
export async function claimDirectory(directory: string): Promise<() => Promise<void>> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const { dev, ino } = await stat(directory, { bigint: true })
  const name = `taskwire-${createHash('sha256').update(`${dev}:${ino}`).digest('hex').slice(0, 24)}`
  try {
    const server = await listenOn(name)
    return () => new Promise((resolve) => void server.close(() => resolve()))
  } catch (error) {
    if (!isInUse(error)) throw error
    throw new DataDirInUseError(
      `The data directory ${directory} is in use by another Taskwire server. Stop that server, give this one ` +
        'another DATA_DIR, or let both use one PostgreSQL (DATABASE_URL).',
    )
  }
}

async function listenOn(name: string): Promise<Server> {
  if (process.platform === 'linux') return listen(`\0${name}`)
  if (process.platform === 'win32') return listen(`\\\\.\\pipe\\${name}`)
  const path = join(tmpdir(), `${name}.lock`)
  try {
    return await listen(path)
  } catch (error) {
    // The file remains when its process dies.
    if (!isInUse(error) || (await answers(path))) throw error
    await rm(path, { force: true })
    return listen(path)
  }
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => void socket.destroy())
    server.once('error', reject)
    server.listen(path, () => {
      server.unref()
      resolve(server)
    })
  })
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

function isInUse(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
}
