import type { Viewer } from '../../auth/viewer.ts'
import { keysetPage } from '../../database/keyset.ts'
import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'
import type { Download } from '../../schema/download.ts'
import { RECORDS, type RecordKind } from './records.ts'

/** Rows of one statement. Between two of them no connection is held, however slow the client is. */
const BATCH = 500

/** Exports what the viewer owns or wrote, one JSON object per line. */
export async function exportMyData(ctx: Context): Promise<Download> {
  const viewer = requireViewer(ctx)
  return { filename: 'my-data.ndjson', contentType: 'application/x-ndjson', open: () => readRecords(ctx, viewer) }
}

async function* readRecords(ctx: Context, viewer: Viewer): AsyncGenerator<Uint8Array> {
  for (const kind of RECORDS) {
    const spec = { ...kind.source(viewer), row: { columns: kind.columns, sql: (row: string) => recordSql(kind, row) } }
    let after: string | null | undefined
    do {
      const { rows, hasNextPage } = await keysetPage(ctx.db, { ...spec, first: BATCH, after: after ?? null })
      ctx.payer?.spend(rows.length * kind.columns.length)
      if (rows.length > 0) yield Buffer.from(`${rows.map(({ row }) => JSON.stringify(row)).join('\n')}\n`)
      after = hasNextPage ? rows.at(-1)?.cursor : undefined
    } while (after !== undefined)
  }
}

/** Returns SQL for a record: its type and its fields. Times are like those of the API. */
function recordSql({ type, columns, more }: RecordKind, row: string): string {
  const own = columns.map((name) => {
    const column = `${row}."${name}"`
    return `'${name}', ${name.endsWith('At') ? `iso_time(${column}::text)` : column}`
  })
  const further = Object.entries(more).map(([name, sql]) => `'${name}', ${sql(row)}`)
  return `json_build_object('type', '${type}', ${[...own, ...further].join(', ')})`
}
