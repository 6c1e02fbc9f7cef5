import { AppError } from '../../../gateway/errors.ts'
import type { Context } from '../../../request/context.ts'
import { recordAct } from '../../audit/record-service.ts'
import { requireProject } from '../../projects/policy.ts'
import { Importer } from './importer.ts'
import { type ImportTasksValues, readMap } from './input.ts'
import { Results } from './results.ts'
import type { FileRow } from './row.ts'
import { readerOf } from './sources/read.ts'

/** Rows of one transaction. The embedded database serves others between two of them. */
const BATCH = 500

/** Points of a row, as many as a single creation costs. */
const ROW_POINTS = 20

/** Columns that an answer names. */
const MAX_UNKNOWN = 100

export interface ImportResult extends ReturnType<Results['report']> {
  dryRun: boolean
  stopped: boolean
  unknownColumns: string[]
}

/**
 * Imports tasks into a project while the file arrives. Needs EDITOR. A row that fails stops nothing,
 * unless asked. Rows that name where they come from are found again, so importing twice changes
 * nothing.
 */
export async function importTasks(ctx: Context, args: ImportTasksValues): Promise<ImportResult> {
  const { projectId, format, content, onError } = args
  await requireProject(ctx, projectId, 'EDITOR', ['projectId'])
  const dryRun = args.dryRun === true
  // Before the first of several transactions, so that no imported task is without it.
  if (!dryRun) await recordAct(ctx.db, ctx, { action: 'tasks.imported', projectId, details: { format } })
  const results = new Results()
  const importer = new Importer(ctx, { projectId, dryRun }, results)
  let unknownColumns: string[] = []
  const rows = readerOf(format)(content.chunks, {
    map: readMap(args.map),
    onUnknown: (names) => {
      unknownColumns = names.slice(0, MAX_UNKNOWN)
    },
  })
  let stopped = false
  for await (const batch of inBatches(rows)) {
    ctx.payer?.spend(batch.length * ROW_POINTS)
    stopped = !(await importer.take(batch, onError === 'stop'))
    if (stopped) break
  }
  await importer.finish()
  return { ...results.report(), dryRun, stopped, unknownColumns }
}

/** Rows that came before the limit of the body are a batch too. */
async function* inBatches(rows: AsyncIterable<FileRow>): AsyncGenerator<FileRow[]> {
  let batch: FileRow[] = []
  let tooLarge: AppError | undefined
  try {
    for await (const row of rows) {
      batch.push(row)
      if (batch.length < BATCH) continue
      yield batch
      batch = []
    }
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'PAYLOAD_TOO_LARGE') throw error
    tooLarge = error
  }
  if (batch.length > 0) yield batch
  if (tooLarge) throw tooLarge
}
