import { keysetPage } from '../../database/keyset.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import type { Context } from '../../request/context.ts'
import { requireAdmin } from '../../request/viewer.ts'
import type { Download } from '../../schema/download.ts'
import type { AuditFilterValues } from './input.ts'
import { recordAct } from './record-service.ts'
import { auditSource } from './service.ts'

/** Rows of one statement. Between two of them no connection is held, however slow the client is. */
const BATCH = 500

const COLUMNS = [
  ...['id', 'at', 'action', 'actorId', 'sessionId', 'apiKeyId', 'requestId'],
  ...['userId', 'subjectId', 'projectId', 'details'],
]

/** Exports the entries that match the filter, one JSON object per line. Needs an ADMIN. */
export async function exportAudit(ctx: Context, filter: AuditFilterValues): Promise<Download> {
  requireAdmin(ctx)
  return { filename: 'audit.ndjson', contentType: 'application/x-ndjson', open: () => readEntries(ctx, filter) }
}

async function* readEntries(ctx: Context, filter: AuditFilterValues): AsyncGenerator<Uint8Array> {
  await recordAct(ctx.db, ctx, { action: 'auditLog.exported' })
  const spec = {
    ...auditSource(filter, 'asc'),
    name: 'AuditEntry',
    from: Prisma.raw('"AuditEntry"'),
    id: Prisma.raw('"AuditEntry"."id"'),
    row: { columns: COLUMNS, sql: entrySql },
  }
  let after: string | null | undefined = null
  while (after !== undefined) {
    const { rows, hasNextPage } = await keysetPage(ctx.db, { ...spec, first: BATCH, after })
    ctx.payer?.spend(rows.length * COLUMNS.length)
    if (rows.length > 0) yield Buffer.from(`${rows.map(({ row }) => row).join('\n')}\n`)
    after = hasNextPage ? rows.at(-1)?.cursor : undefined
  }
}

/** Returns SQL for an entry as a line of JSON. The time is like those of the API. */
function entrySql(row: string): string {
  const fields = COLUMNS.map((name) =>
    name === 'at' ? `iso_time(${row}."at"::text) AS "at"` : `${row}."${name}" AS "${name}"`,
  )
  return `(SELECT to_json(row_to_json(line)::text) FROM (SELECT ${fields.join(', ')}) AS line)`
}
