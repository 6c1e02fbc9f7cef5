/**
 * The worker thread that is the embedded database: PGlite behind a unix socket, so that the same `pg` pool reaches it
 * as reaches a PostgreSQL. PGlite is one session: clients take turns, each for as long as it stays connected.
 */
import { existsSync, renameSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import { FrameReader, ProtocolError, queryMessage } from './wire.ts'

export interface WorkerData {
  /** PGlite's own directory; undefined: in memory. */
  directory: string | undefined
  socketPath: string
  /** How often to see whether the tables need tidying. */
  maintenanceMs: number
}

/** What the worker tells its parent, which sends only "close". */
export type WorkerMessage = 'ready' | 'closed'

/** Marks a cluster whose creation came to its end. */
const COMPLETE = 'taskwire.complete'

const IDLE = 'I'.charCodeAt(0)

/** What the last client may have left behind. Apart, as DISCARD ALL refuses to run in a transaction, and one message is one. */
const RESET = ['ROLLBACK', 'DISCARD ALL'].map(queryMessage)

const MAINTENANCE = queryMessage('VACUUM (ANALYZE)')

/** Tidying stops everything for a while: not before so many statements, and after so many even without a quiet spell. */
const STATEMENTS_WORTH_TIDYING = 5_000
const STATEMENTS_TOO_MANY = 200_000

/** Statements between two looks that still count as quiet: the tail of the log alone asks once a second. */
const QUIET_STATEMENTS = 50

const { directory, socketPath, maintenanceMs } = workerData as WorkerData
const waiting: Socket[] = []
let active: Socket | undefined
let statements = 0
let statementsAtLastLook = 0
let inTransaction = false

const postgres = await openPostgres()

const server = createServer((socket) => {
  // The 'close' that follows an error does what is to be done.
  socket.on('error', () => {})
  if (active) {
    socket.pause()
    waiting.push(socket)
    socket.once('close', () => waiting.includes(socket) && waiting.splice(waiting.indexOf(socket), 1))
  } else {
    serve(socket)
  }
})

server.listen(socketPath, () => tell('ready'))
setInterval(() => void maintain().catch(fail), maintenanceMs).unref()
parentPort?.once('message', () => void close().catch(fail))

async function openPostgres(): Promise<PGlite> {
  if (directory === undefined) return PGlite.create()
  // A first start that was killed leaves half a cluster, in which nothing was ever stored: start afresh beside it.
  const complete = join(directory, COMPLETE)
  if (existsSync(directory) && !existsSync(complete)) renameSync(directory, `${directory}.incomplete-${Date.now()}`)
  const opened = await PGlite.create(directory)
  writeFileSync(complete, '')
  return opened
}

function serve(socket: Socket): void {
  active = socket
  const reader = new FrameReader()
  // One promise after the other: a chunk that arrives while an earlier one is being answered waits.
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
      // Encrypting what never leaves the machine would be waste: "N", and the client goes on in the clear.
      const bytes = frame.kind === 'encryption' ? Buffer.from('N') : await execute(frame.bytes)
      if (!socket.destroyed) socket.write(bytes)
    }
  } catch (error) {
    socket.destroy()
    // Only what PGlite itself throws is more than this client's trouble.
    if (!(error instanceof ProtocolError)) throw error
  }
}

async function release(): Promise<void> {
  for (const message of RESET) await execute(message)
  active = undefined
  const next = waiting.shift()
  if (next) serve(next)
}

/** Runs whole groups of messages and answers what PostgreSQL answers. */
async function execute(bytes: Uint8Array): Promise<Buffer> {
  const chunks: Buffer[] = []
  await postgres.execProtocolRawStream(bytes, {
    // NodeFS has nothing to sync: it writes through.
    syncToFs: false,
    // Not execProtocolRaw, which parses every answer too and keeps what it parsed. A chunk is a view of memory that the next overwrites.
    onRawData: (data) => void chunks.push(Buffer.from(data)),
  })
  const answer = Buffer.concat(chunks)
  statements++
  // It ends in ReadyForQuery, and that in the state of the transaction: Idle, in a Transaction, or in a failed one (E).
  inTransaction = answer.at(-1) !== IDLE
  return answer
}

/** What autovacuum does in a PostgreSQL with more than one process: without it dead rows stay, and the planner has no statistics. */
async function maintain(): Promise<void> {
  const quiet = statements - statementsAtLastLook <= QUIET_STATEMENTS
  statementsAtLastLook = statements
  if (inTransaction || statements < (quiet ? STATEMENTS_WORTH_TIDYING : STATEMENTS_TOO_MANY)) return
  await execute(MAINTENANCE)
  statements = 0
  statementsAtLastLook = 0
}

async function close(): Promise<void> {
  server.close()
  for (const socket of [...waiting, active]) socket?.destroy()
  await postgres.close()
  tell('closed')
  process.exit()
}

/** Ends the worker with an error, which its parent hears of; a PGlite that threw once is not to be trusted again. */
function fail(error: unknown): void {
  setImmediate(() => {
    throw error
  })
}

function tell(message: WorkerMessage): void {
  parentPort?.postMessage(message)
}
