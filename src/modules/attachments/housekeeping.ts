import { actAs } from '../../database/actor.ts'
import type { Database } from '../../database/client.ts'
import type { Context } from '../../request/context.ts'
import type { FileStorage } from '../../request/files.ts'

type Log = Context['log']

/** How long a file may be without a row, and a row without a file: an upload may be running. */
const GRACE_MS = 86_400_000

/** Ids per statement. */
const BATCH = 500

interface Options {
  db: Database
  files: FileStorage
  log: Log
  signal?: AbortSignal
  graceMs?: number
}

/**
 * Removes files without a row and rows without a file, which crashes leave behind. Returns how many.
 * Several servers may run it at once.
 */
export async function tidyAttachments(options: Options): Promise<number> {
  const { removed, found } = await removeStrayFiles(options)
  return removed + (await removeEmptyRows(options, found))
}

async function removeStrayFiles({ db, files, signal, graceMs = GRACE_MS }: Options) {
  const before = new Date(Date.now() - graceMs)
  let removed = 0
  let found = 0
  let batch: string[] = []
  const flush = async () => {
    const rows = await db.attachment.findMany({ where: { id: { in: batch } }, select: { id: true } })
    const known = new Set(rows.map(({ id }) => id))
    for (const id of batch.filter((one) => !known.has(one))) {
      await files.remove(id)
      removed++
    }
    batch = []
  }
  for await (const { id, modifiedAt, isComplete } of files.list()) {
    if (signal?.aborted) return { removed, found }
    if (isComplete) found++
    if (modifiedAt > before) continue
    batch.push(id)
    if (batch.length === BATCH) await flush()
  }
  if (batch.length > 0) await flush()
  return { removed, found }
}

/**
 * Removes rows whose file is missing. If there are rows and no file at all, the storage is probably
 * not the one it was: then nothing is removed.
 */
async function removeEmptyRows({ db, files, log, signal, graceMs = GRACE_MS }: Options, found: number) {
  const createdAt = { lt: new Date(Date.now() - graceMs) }
  let removed = 0
  let after: string | undefined
  while (!signal?.aborted) {
    const rows = await db.attachment.findMany({
      where: { createdAt, ...(after && { id: { gt: after } }) },
      select: { id: true },
      orderBy: { id: 'asc' },
      take: BATCH,
    })
    after = rows.at(-1)?.id
    if (!after) return removed
    if (found === 0) {
      log.error({}, 'the storage of attachments is empty although there are attachments: check ATTACHMENTS_DIR')
      return removed
    }
    const there = await Promise.all(rows.map(({ id }) => files.has(id)))
    const missing = rows.filter((_, index) => !there[index]).map(({ id }) => id)
    if (missing.length === 0) continue
    removed += await db.$transaction(async (tx) => {
      await actAs(tx, null)
      const { count } = await tx.attachment.deleteMany({ where: { id: { in: missing } } })
      return count
    })
  }
  return removed
}

/** The part of the event log that the removal needs. */
interface DeletionSource {
  onBatch(listener: (events: readonly { type: string; subjectId: string }[]) => void): () => void
}

/**
 * Removes the files of attachments that are gone, whatever deleted them. Housekeeping finds those
 * that were deleted while no server was running. Returns the function that waits for the rest.
 */
export function removeDeletedFiles(source: DeletionSource, files: FileStorage, log: Log): () => Promise<void> {
  let running = Promise.resolve()
  const stop = source.onBatch((events) => {
    const deleted = events.filter(({ type }) => type === 'attachment.deleted').map(({ subjectId }) => subjectId)
    if (deleted.length === 0) return
    running = running.then(async () => {
      for (const id of deleted) await files.remove(id).catch((err) => log.warn({ err, id }, 'cannot remove a file'))
    })
  })
  return () => {
    stop()
    return running
  }
}
