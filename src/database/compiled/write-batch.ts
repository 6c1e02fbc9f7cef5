import { asked, askedColumns, askedValues, splitAnswer, stateOf } from './asked.ts'
import type { RunText } from './read-batch.ts'
import { type CompiledWrite, oneText } from './write.ts'

/** Maximum number of rows in one statement. Their locks are held until it ends. */
const MAX_BATCH = 30

/** Maximum number of statements of one form at a time. Writes that arrive meanwhile gather. */
const MAX_RUNNING = 2

/** How long a batch waits for a row that another transaction has locked. */
const LOCK_TIMEOUT_MS = 250

interface Waiting {
  write: CompiledWrite
  resolve: (row: string | undefined) => void
  reject: (error: unknown) => void
}

/** Writes of one form that wait, and the number of statements that run. */
interface Queue {
  waiting: Waiting[]
  running: number
  isScheduled: boolean
}

/**
 * Runs writes of one row each. Those of one form, from any request, that arrive in the same turn of
 * the event loop, or while earlier ones run, become one statement: one commit for all. A write
 * resolves after its commit. If a row of a batch fails or is locked, the batch is rolled back and
 * each write runs alone, so that only its own request fails or waits.
 */
export function createWriteBatches(run: RunText) {
  const queues = new Map<string, Queue>()

  function start(form: string, queue: Queue): void {
    queue.isScheduled = false
    while (queue.waiting.length > 0 && queue.running < MAX_RUNNING) {
      queue.running++
      void runBatch(takeBatch(queue)).then(() => {
        queue.running--
        start(form, queue)
      })
    }
    if (queue.waiting.length === 0 && queue.running === 0) queues.delete(form)
  }

  /** Resolves when the next batch may start. */
  async function runBatch(batch: readonly Waiting[]): Promise<void> {
    const [first] = batch
    if (batch.length === 1 && first) return runAlone(first)
    try {
      const rows = new Map(
        (await run(manyText(batch), [JSON.stringify(batch.map(({ write }) => askedValues(write.values)))])).map(
          splitAnswer,
        ),
      )
      for (const { write, resolve } of batch) resolve(rows.get(write.id))
    } catch (error) {
      if (isOfOneRow(error)) for (const one of batch) void runAlone(one)
      else for (const { reject } of batch) reject(error)
    }
  }

  async function runAlone({ write, resolve, reject }: Waiting): Promise<void> {
    try {
      resolve((await run(oneText(write), write.values))[0])
    } catch (error) {
      reject(error)
    }
  }

  return (write: CompiledWrite): Promise<string | undefined> =>
    new Promise((resolve, reject) => {
      const form = oneText(write)
      const queue = queues.get(form) ?? { waiting: [], running: 0, isScheduled: false }
      queues.set(form, queue)
      queue.waiting.push({ write, resolve, reject })
      if (queue.isScheduled || queue.running >= MAX_RUNNING) return
      queue.isScheduled = true
      setImmediate(start, form, queue)
    })
}

/** Takes the next writes from a queue, at most one of each row: a statement changes a row once. */
function takeBatch(queue: Queue): Waiting[] {
  const ids = new Set<string>()
  const batch: Waiting[] = []
  queue.waiting = queue.waiting.filter((one) => {
    if (batch.length >= MAX_BATCH || ids.has(one.write.id)) return true
    ids.add(one.write.id)
    batch.push(one)
    return false
  })
  return batch
}

function manyText([first]: readonly Waiting[]): string {
  if (!first) throw new Error('an empty batch')
  const { change, condition, row, types } = first.write
  const from = `FROM jsonb_to_recordset($1::jsonb) AS asked(${askedColumns(types).join(', ')}),
    set_config('lock_timeout', '${LOCK_TIMEOUT_MS}ms', true)`
  return `${asked(change)} ${from} ${asked(condition)} RETURNING "id" || ' ' || ${row} AS "row"`
}

/**
 * Checks for an error of PostgreSQL that one row can cause: its values, a constraint, a trigger, a
 * conflict or a lock. The statement is rolled back then.
 */
function isOfOneRow(error: unknown): boolean {
  return /^(22|23|40|P0|55P03)/.test(stateOf(error))
}
