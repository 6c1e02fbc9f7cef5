import { randomBytes } from 'node:crypto'
import { type KeysetText, keysetText } from '../../../database/keyset-text.ts'
import { Prisma } from '../../../generated/prisma/client.ts'
import type { Context } from '../../../request/context.ts'
import type { Download } from '../../../schema/download.ts'
import { recordAct } from '../../audit/record-service.ts'
import { openList } from '../list/service.ts'
import type { TaskSource } from '../list/source.ts'
import { COLUMN_NAMES } from './columns.ts'
import { type ExportFormat, formatNamed } from './formats.ts'
import type { ExportTasksValues } from './input.ts'
import { lineExpression } from './lines.ts'
import { Names } from './names.ts'

/**
 * Rows of one statement. No transaction and no connection is held between two of them, so a slow
 * client holds up nobody, on the embedded database either.
 */
const BATCH = 500

/** Stands around lists in lines. Random and never shown, so that no text contains it. */
const MARK = `\u001f${randomBytes(12).toString('hex')}\u001f`

/** Exports the tasks of a list as a file, in the order of the list. */
export async function exportTasks(ctx: Context, args: ExportTasksValues): Promise<Download> {
  const { source, requireProject } = await openList(ctx, args)
  await requireProject()
  const format = args.format ?? 'csv'
  const { contentType } = formatNamed(format)
  return { filename: `tasks.${format}`, contentType, open: () => writeTasks(ctx, args, source, format) }
}

async function* writeTasks(
  ctx: Context,
  { filter, savedFilterId }: ExportTasksValues,
  source: TaskSource,
  format: ExportFormat,
): AsyncGenerator<Uint8Array> {
  const details = { format, filtered: filter != null || savedFilterId != null }
  await recordAct(ctx.db, ctx, { action: 'tasks.exported', projectId: filter?.projectId, details })
  const { opening, separator, closing, line, finish = (lines) => lines } = formatNamed(format)
  const names = new Names(ctx, line.names)
  let before = opening
  for await (const text of readBatches(ctx, source, lineExpression(line, MARK, source.hasColumns))) {
    yield Buffer.from(before + finish(await fillIn(text.split(MARK), names)))
    before = separator
  }
  yield Buffer.from((before === opening ? opening : '') + closing)
}

/** Puts names in the places of their ids. Parts alternate: text, list, text, list, …, text. */
async function fillIn(parts: string[], names: Names): Promise<string> {
  await names.learn(parts.filter((_, index) => index % 2 === 1))
  for (let index = 1; index < parts.length; index += 2) parts[index] = names.textOf(parts[index] ?? '')
  return parts.join('')
}

/** Reads batches of lines. While the client takes one, the next is being read. */
async function* readBatches(
  ctx: Context,
  source: TaskSource,
  row: ReturnType<typeof lineExpression>,
): AsyncGenerator<string> {
  const { from = Prisma.sql`"Task"`, id = Prisma.sql`"Task"."id"` } = source
  const read = (after: string | null) =>
    keysetText(ctx.db, { ...source, name: 'Task', from, id, row, first: BATCH, after })
  let next: Promise<KeysetText> | undefined = read(null)
  while (next !== undefined) {
    const { text, count, cursor }: KeysetText = await next
    ctx.payer?.spend(count * COLUMN_NAMES.length)
    next = count === BATCH ? read(cursor) : undefined
    // Awaited in the next step, unless the client has left.
    next?.catch(() => undefined)
    if (count > 0) yield text
  }
}
