import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { chmod, lstat, mkdir, realpath, rm } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { type ConnectionSettings, type Log, SILENT } from './connection.ts'
import type { WorkerData, WorkerMessage } from './embedded-worker.ts'
import { type Corrections, restrictFolder } from './permissions.ts'
import { claimDirectory } from './single-process.ts'
import { socketDirectoryOf } from './snapshot.ts'

/** The data directory of a database that is discarded when closed. */
export const IN_MEMORY = 'memory://'

/** File name that `pg` appends to the host. */
const SOCKET = '.s.PGSQL.5432'

const CLOSE_TIMEOUT_MS = 10_000

/**
 * PostgreSQL as the first worker compiled it. Later ones share its machine code, which saves them
 * most of their start.
 */
let compiled: WebAssembly.Module | undefined

export interface EmbeddedDatabase {
  /** Serves one connection at a time. A second waits until the first closes. */
  connection: ConnectionSettings
  /**
   * Calls the listener once if the database's thread dies. Its connections break at the same time.
   */
  onFailure(listener: (error: Error) => void): void
  /** Writes a checkpoint and stops the thread. Can be called more than once. */
  close(): Promise<void>
}

export interface EmbeddedOptions {
  /** Interval of the check for maintenance. */
  maintenanceMs?: number
  log?: Log
}

/**
 * Starts the embedded database in a data directory, created if missing, or in memory
 * ("memory://"). Throws if this process or another has the directory open.
 */
export async function startEmbedded(
  dataDir: string,
  { maintenanceMs = 10_000, log = SILENT }: EmbeddedOptions = {},
): Promise<EmbeddedDatabase> {
  const inMemory = dataDir === IN_MEMORY
  const release = inMemory ? async () => {} : await claimDirectory(dataDir)
  const onCorrections = ({ corrected, failed }: Corrections) => {
    if (corrected > 0) log.info({ dataDir, corrected }, 'restricted the data folder to its owner: modes 0700 and 0600')
    if (failed > 0) log.warn({ dataDir, failed }, 'the data folder may be open to others: its modes cannot be changed')
  }
  try {
    if (!inMemory) onCorrections(restrictFolder(dataDir))
    const socketDirectory = await makeSocketDirectory(inMemory ? randomUUID() : await realpath(dataDir))
    const directory = inMemory ? undefined : join(dataDir, 'postgres')
    return await startWorker(
      { directory, socketPath: join(socketDirectory, SOCKET), maintenanceMs },
      socketDirectory,
      release,
      onCorrections,
    )
  } catch (error) {
    await release()
    throw error
  }
}

async function startWorker(
  data: Omit<WorkerData, 'wasm'>,
  socketDirectory: string,
  release: () => Promise<void>,
  onCorrections: (corrections: Corrections) => void,
): Promise<EmbeddedDatabase> {
  const workerData: WorkerData = { ...data, wasm: compiled }
  const file = new URL(`./embedded-worker${extname(import.meta.url)}`, import.meta.url)
  const worker = new Worker(file, { workerData, name: 'database' })
  worker.on('message', (message: WorkerMessage) => {
    if (message instanceof WebAssembly.Module) compiled = message
    else if (typeof message === 'object') onCorrections(message)
  })
  const listeners = new Set<(error: Error) => void>()
  let failure: Error | undefined
  let closing: Promise<void> | undefined

  // Cleans up when a process exits without closing. A killed process leaves the directory behind;
  // the next start replaces it.
  const removeSocket = () => rmSync(socketDirectory, { recursive: true, force: true })
  process.once('exit', removeSocket)

  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  worker.on('error', (error) => {
    failure ??= error instanceof Error ? error : new Error(String(error))
  })
  const cleaned = exited.then(async () => {
    process.off('exit', removeSocket)
    removeSocket()
    await release()
    if (closing !== undefined) return
    failure ??= new Error('the embedded database stopped by itself')
    for (const listener of listeners) listener(failure)
  })

  await Promise.race([
    untilMessage(worker, 'ready'),
    cleaned.then(() => {
      throw new Error(`The embedded database did not start: ${failure?.message}`, { cause: failure })
    }),
  ])
  // From now on, only its clients keep the process alive.
  worker.unref()

  return {
    connection: {
      config: { host: socketDirectory, user: 'postgres', database: 'postgres' },
      schema: 'public',
      namedStatements: true,
    },
    onFailure(listener) {
      if (failure) listener(failure)
      else listeners.add(listener)
    },
    close() {
      closing ??= (async () => {
        worker.ref()
        worker.postMessage('close')
        // A thread that runs a long statement does not read messages. PostgreSQL recovers from a
        // termination at its next start.
        const timer = setTimeout(() => void worker.terminate(), CLOSE_TIMEOUT_MS)
        await cleaned
        clearTimeout(timer)
      })()
      return closing
    },
  }
}

function untilMessage(worker: Worker, expected: WorkerMessage): Promise<void> {
  return new Promise((resolve) => {
    worker.on('message', (message) => message === expected && resolve())
  })
}

/**
 * Creates an empty directory that only this user can enter, named after the data directory. The
 * caller holds the claim on the data directory, so an existing one belongs to a dead process and
 * is replaced.
 */
async function makeSocketDirectory(served: string): Promise<string> {
  const directory = socketDirectoryOf(served, SOCKET)
  const found = await lstat(directory).catch(() => undefined)
  // Another user could have created it first, to listen in our place.
  if (found && (!found.isDirectory() || found.uid !== (process.getuid?.() ?? found.uid))) {
    throw new Error(`${directory} belongs to another user. Remove it.`)
  }
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { mode: 0o700 })
  // The umask may have cleared bits.
  await chmod(directory, 0o700)
  return directory
}
