import type { Database } from '../../database/client.ts'
import type { KeysetSource } from '../../database/keyset.ts'
import { type AuditEntry, Prisma } from '../../generated/prisma/client.ts'
import type { Context } from '../../request/context.ts'
import { requireAdmin } from '../../request/viewer.ts'
import { type Connection, loadPage } from '../../schema/lists.ts'
import type { AuditFilterValues, ListAuditValues } from './input.ts'

/** Lists the entries that match the filter, newest first. Needs an ADMIN. */
export async function listAudit(ctx: Context, args: ListAuditValues): Promise<Connection<AuditEntry>> {
  requireAdmin(ctx)
  return loadPage<AuditEntry>(ctx.db, args, {
    ...auditSource(args, 'desc'),
    table: 'AuditEntry',
    model: 'auditEntry',
    query: {},
  })
}

/** Returns the entries that match the filter as the source of a list. Only an ADMIN may see them. */
export function auditSource(filter: AuditFilterValues, direction: 'asc' | 'desc') {
  const { actions, actorId, userId, subjectId, from, to } = filter
  const terms = [
    actions && Prisma.sql`"action" = ANY(${actions}::text[])`,
    actorId && Prisma.sql`"actorId" = ${actorId}::uuid`,
    userId && Prisma.sql`"userId" = ${userId}::uuid`,
    subjectId && Prisma.sql`"subjectId" = ${subjectId}::uuid`,
    from && Prisma.sql`"at" >= ${from}::timestamptz`,
    to && Prisma.sql`"at" < ${to}::timestamptz`,
  ].filter((term) => term instanceof Prisma.Sql)
  const at = { name: 'at', expression: Prisma.sql`"AuditEntry"."at"`, type: 'timestamptz', direction } as const
  return {
    ...(terms.length > 0 && { where: Prisma.join(terms, ' AND ') }),
    order: [at],
    // Rare and frequent actions, and people with few and many entries, need different plans.
    planDependsOnValues: true,
  } satisfies Partial<KeysetSource>
}

/** Entries deleted per statement. Keeps each statement short. */
const PURGE_BATCH = 1_000

/** Deletes entries from before a time. Returns how many. */
export async function purgeAudit(db: Database, before: Date, signal: AbortSignal): Promise<number> {
  let total = 0
  for (let count = PURGE_BATCH; count === PURGE_BATCH && !signal.aborted; total += count) {
    const [row] = await db.$queryRaw<{ count: number }[]>`
      SELECT purge_audit(${before}::timestamptz, ${PURGE_BATCH}::integer) AS "count"`
    count = row?.count ?? 0
  }
  return total
}
