import type { Viewer } from '../../auth/viewer.ts'
import { keysetPage } from '../../database/keyset.ts'
import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'
import type { Download } from '../../schema/download.ts'
import { recordAct } from '../audit/record-service.ts'
import { RECORDS, type RecordKind } from './records.ts'

/** Rows of one statement. Between two of them no connection is held, however slow the client is. */
const BATCH = 200

/** Exports what the viewer owns or wrote, one JSON object per line. */
export async function exportMyData(ctx: Context): Promise<Download> {
  const viewer = requireViewer(ctx)
  return { filename: 'my-data.ndjson', contentType: 'application/x-ndjson', open: () => readRecords(ctx, viewer) }
}

async function* readRecords(ctx: Context, viewer: Viewer): AsyncGenerator<Uint8Array> {
  await recordAct(ctx.db, ctx, { action: 'account.exported', userId: viewer.id, subjectId: viewer.id })
  for (const kind of RECORDS) {
    const spec = { ...kind.source(viewer), row: { columns: kind.columns, sql: (row: string) => recordSql(kind, row) } }
    let after: string | null | undefined
    do {
      const { rows, hasNextPage } = await keysetPage(ctx.db, { ...spec, first: BATCH, after: after ?? null })
      ctx.payer?.spend(rows.length * kind.columns.length)
      if (rows.length > 0) yield Buffer.from(`${rows.map(({ row }) => row).join('\n')}\n`)
      after = hasNextPage ? rows.at(-1)?.cursor : undefined
    } while (after !== undefined)
  }
}

/** Returns SQL for a record as a line of JSON: its type and its fields. Times are like those of the API. */
function recordSql({ type, columns, more }: RecordKind, row: string): string {
  const own = columns.map((name) => {
    const column = `${row}."${name}"`
    return `${name.endsWith('At') ? `iso_time(${column}::text)` : column} AS "${name}"`
  })
  const further = Object.entries(more).map(([name, sql]) => `${sql(row)} AS "${name}"`)
  const fields = [`'${type}' AS "type"`, ...own, ...further].join(', ')
  return `(SELECT to_json(row_to_json(line)::text) FROM (SELECT ${fields}) AS line)`
}
