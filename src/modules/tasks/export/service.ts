import { type KeysetPage, keysetPage } from '../../../database/keyset.ts'
import { Prisma } from '../../../generated/prisma/client.ts'
import type { Context } from '../../../request/context.ts'
import type { Download } from '../../../schema/download.ts'
import { openList } from '../list/service.ts'
import type { TaskSource } from '../list/source.ts'
import { rowExpression, SHOWN, type Value } from './columns.ts'
import { type ExportFormat, formatNamed } from './formats.ts'
import type { ExportTasksValues } from './input.ts'

/**
 * Rows of one statement. No transaction and no connection is held between two of them, so a slow
 * client holds up nobody, on the embedded database either.
 */
const BATCH = 1_000

/** Exports the tasks of a list as a file, in the order of the list. */
export async function exportTasks(ctx: Context, args: ExportTasksValues): Promise<Download> {
  const { source, requireProject } = await openList(ctx, args)
  await requireProject()
  const format = args.format ?? 'csv'
  const { contentType } = formatNamed(format)
  return { filename: `tasks.${format}`, contentType, open: () => writeRows(readRows(ctx, source), format) }
}

async function* writeRows(batches: AsyncIterable<Value[][]>, format: ExportFormat): AsyncGenerator<Uint8Array> {
  const { opening, separator, closing, row } = formatNamed(format)
  let before = opening
  for await (const rows of batches) {
    if (rows.length === 0) continue
    yield Buffer.from(before + rows.map(row).join(separator))
    before = separator
  }
  const last = (before === opening ? opening : '') + closing
  if (last !== '') yield Buffer.from(last)
}

/** Reads batches of rows. While the client takes one, the next is being read. */
async function* readRows(ctx: Context, source: TaskSource): AsyncGenerator<Value[][]> {
  const row = rowExpression(source.hasColumns)
  const { from = Prisma.sql`"Task"`, id = Prisma.sql`"Task"."id"` } = source
  const read = (after: string | null) =>
    keysetPage(ctx.db, { ...source, name: 'Task', from, id, row, first: BATCH, after })
  let next: Promise<KeysetPage> | undefined = read(null)
  while (next) {
    const { rows, hasNextPage }: KeysetPage = await next
    ctx.payer?.spend(rows.length * SHOWN.length)
    next = hasNextPage ? read(rows.at(-1)?.cursor ?? null) : undefined
    // Awaited in the next step, unless the client has left.
    next?.catch(() => undefined)
    yield rows.map((one) => one.row as Value[])
  }
}
