/**
 * Worker thread of the embedded database: PGlite behind a unix socket, so that a `pg` pool
 * connects to it as to a PostgreSQL server. PGlite is a single session: clients take turns, each
 * until it disconnects.
 */
import { constants, cpSync, existsSync, renameSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import { type Corrections, restrictTree } from './permissions.ts'
import { SNAPSHOT_SOCKET } from './snapshot.ts'
import { FrameReader, ProtocolError, queryMessage } from './wire.ts'

export interface WorkerData {
  /** PGlite's directory, or undefined for a database in memory. */
  directory: string | undefined
  socketPath: string
  /** Interval of the check for maintenance. */
  maintenanceMs: number
  /** PGlite's module from an earlier worker of this process. Compiled here if undefined. */
  wasm: WebAssembly.Module | undefined
}

/**
 * Messages from the worker to its parent: the permissions that it corrected, then its compiled
 * module, then that it is ready.
 * The parent sends only "close".
 */
export type WorkerMessage = 'ready' | 'closed' | Corrections | WebAssembly.Module

/** Marks a cluster that was created completely. */
const COMPLETE = 'taskwire.complete'

const IDLE = 'I'.charCodeAt(0)

/**
 * Removes the state of the previous client. Two messages, because each is a transaction and
 * DISCARD ALL cannot run in one.
 */
const RESET = ['ROLLBACK', 'DISCARD ALL'].map(queryMessage)

const MAINTENANCE = queryMessage('VACUUM (ANALYZE)')

/** Maintenance blocks every client, so it runs in a quiet moment after this many statements. */
const MAINTENANCE_AFTER = 5_000
/** Number of statements after which maintenance no longer waits for a quiet moment. */
const MAINTENANCE_FORCED_AFTER = 200_000

/**
 * Maximum statements between two checks in a quiet moment. The event tail alone sends one a second.
 */
const QUIET_STATEMENTS = 50

/**
 * PGlite's own default of 128 MB costs a quarter of its start, because it is memory to clear. The
 * operating system caches the files as well.
 */
const SHARED_BUFFERS = '32MB'

const { directory, socketPath, maintenanceMs, wasm } = workerData as WorkerData
const waiting: Socket[] = []
let active: Socket | undefined
let statements = 0
let statementsAtLastCheck = 0
let inTransaction = false

const postgres = await openPostgres()

const server = createServer((socket) => {
  // 'close' follows every error and is handled below.
  socket.on('error', () => {})
  if (active) {
    socket.pause()
    waiting.push(socket)
    socket.once('close', () => waiting.includes(socket) && waiting.splice(waiting.indexOf(socket), 1))
  } else {
    serve(socket)
  }
})

const snapshots = createServer((socket) => {
  socket.on('error', () => {})
  socket.setEncoding('utf8')
  socket.once('data', (target: string) => void copyTo(target).then((answer) => socket.end(answer)))
})

server.listen(socketPath, () => {
  if (directory === undefined) return report('ready')
  snapshots.listen(join(dirname(socketPath), SNAPSHOT_SOCKET), () => report('ready'))
})
setInterval(() => void maintain().catch(fail), maintenanceMs).unref()
parentPort?.once('message', () => void close().catch(fail))

async function openPostgres(): Promise<PGlite> {
  const options = {
    pgliteWasmModule: wasm ?? (await compile()),
    startParams: [...PGlite.defaultStartParams, '-c', `shared_buffers=${SHARED_BUFFERS}`],
  }
  if (directory === undefined) return PGlite.create(options)
  // A first start that was killed leaves an incomplete cluster without data. Move it out
  // of the way.
  const complete = join(directory, COMPLETE)
  if (existsSync(directory) && !existsSync(complete)) renameSync(directory, `${directory}.incomplete-${Date.now()}`)
  const opened = await PGlite.create(directory, options)
  writeFileSync(complete, '')
  // PGlite unpacks a new cluster with files that anybody may write.
  report(restrictTree(directory))
  return opened
}

async function compile(): Promise<WebAssembly.Module> {
  const file = new URL('./pglite.wasm', import.meta.resolve('@electric-sql/pglite'))
  const compiled = await WebAssembly.compile(await readFile(file))
  report(compiled)
  return compiled
}

function serve(socket: Socket): void {
  active = socket
  const reader = new FrameReader()
  // One chunk at a time: a chunk waits until earlier ones are answered.
  let work = Promise.resolve()
  socket.on('data', (chunk) => {
    work = work.then(() => answer(socket, reader, chunk)).catch(fail)
  })
  socket.once('close', () => {
    work = work.then(release).catch(fail)
  })
  socket.resume()
}

async function answer(socket: Socket, reader: FrameReader, chunk: Buffer): Promise<void> {
  try {
    reader.push(chunk)
    for (let frame = reader.next(); frame; frame = reader.next()) {
      if (frame.kind === 'terminate' || frame.kind === 'cancel') return void socket.end()
      // "N" declines encryption, which a local socket does not need.
      const bytes = frame.kind === 'encryption' ? Buffer.from('N') : await execute(frame.bytes)
      if (!socket.destroyed) socket.write(bytes)
    }
  } catch (error) {
    socket.destroy()
    // A ProtocolError concerns this client only. An error of PGlite concerns all.
    if (!(error instanceof ProtocolError)) throw error
  }
}

async function release(): Promise<void> {
  for (const message of RESET) await execute(message)
  active = undefined
  const next = waiting.shift()
  if (next) serve(next)
}

/** The statement that runs, if any. */
let running: Promise<unknown> = Promise.resolve()

/**
 * Copies the cluster for a backup, between two statements. Like the files of a killed process, they
 * have everything that was committed. Synchronous, so that nothing runs meanwhile.
 */
async function copyTo(target: string): Promise<string> {
  try {
    for (let seen: unknown; seen !== running; ) {
      seen = running
      await running.catch(() => undefined)
    }
    cpSync(directory ?? '', target, { recursive: true, mode: constants.COPYFILE_FICLONE })
    return ''
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** Executes complete groups of messages and returns PostgreSQL's answer. */
async function execute(bytes: Uint8Array): Promise<Buffer> {
  const chunks: Buffer[] = []
  running = postgres.execProtocolRawStream(bytes, {
    // NodeFS writes through: nothing to sync.
    syncToFs: false,
    // execProtocolRaw would also parse every answer and keep the result. Copy each chunk: the next
    // one overwrites its memory.
    onRawData: (data) => void chunks.push(Buffer.from(data)),
  })
  await running
  const answer = Buffer.concat(chunks)
  statements++
  // The last byte is the transaction status of ReadyForQuery: I (idle), T (in a transaction) or E
  // (in a failed one).
  inTransaction = answer.at(-1) !== IDLE
  return answer
}

/**
 * Does the work of autovacuum, which PGlite lacks: removes dead rows and updates
 * the planner's statistics.
 */
async function maintain(): Promise<void> {
  const quiet = statements - statementsAtLastCheck <= QUIET_STATEMENTS
  statementsAtLastCheck = statements
  if (inTransaction || statements < (quiet ? MAINTENANCE_AFTER : MAINTENANCE_FORCED_AFTER)) return
  await execute(MAINTENANCE)
  statements = 0
  statementsAtLastCheck = 0
}

async function close(): Promise<void> {
  server.close()
  snapshots.close()
  for (const socket of [...waiting, active]) socket?.destroy()
  await postgres.close()
  report('closed')
  process.exit()
}

/** Ends the worker with an error that its parent receives. A PGlite that threw may be corrupt. */
function fail(error: unknown): void {
  setImmediate(() => {
    throw error
  })
}

function report(message: WorkerMessage): void {
  parentPort?.postMessage(message)
}
