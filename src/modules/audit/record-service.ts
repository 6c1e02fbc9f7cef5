import type { Database } from '../../database/client.ts'
import type { Context } from '../../request/context.ts'
import type { AuditAction } from './actions.ts'

interface Act {
  action: AuditAction
  /** The user whom it concerns. */
  userId?: string
  subjectId?: string
  projectId?: string | null | undefined
  /** Never a name or a text that somebody wrote. */
  details?: Record<string, string | number | boolean | null>
}

type Facts = Pick<Context, 'viewer' | 'requestId'>

/**
 * Writes an act of the viewer that changes no row: the triggers write all others. Where it belongs
 * to a change, `db` is its transaction.
 */
export async function recordAct(
  db: Pick<Database, '$executeRaw'>,
  { viewer, requestId }: Facts,
  { action, userId, subjectId, projectId, details = {} }: Act,
): Promise<void> {
  const { kind, id } = idOf(viewer)
  await db.$executeRaw`
    INSERT INTO "AuditEntry" ("at", "action", "actorId", "sessionId", "apiKeyId", "requestId", "userId", "subjectId", "projectId", "details")
    VALUES (date_trunc('milliseconds', clock_timestamp()), ${action}, ${viewer?.id ?? null}::uuid,
      ${kind === 'session' ? id : null}::uuid, ${kind === 'apiKey' ? id : null}::uuid, ${requestId},
      ${userId ?? null}::uuid, ${subjectId ?? null}::uuid, ${projectId ?? null}::uuid, ${JSON.stringify(details)}::jsonb)`
}

function idOf(viewer: Context['viewer']): { kind?: string; id?: string } {
  return viewer && viewer.credential.kind !== 'external' ? viewer.credential : {}
}

/** Wrong passwords of one user that are written in an hour. The last says that more may have followed. */
export const MAX_FAILURES = 20

/**
 * Writes a wrong password after the answer, if there is an account with the address. Runs the same
 * statement if there is none, so that nothing tells one case from the other. Nobody can fill the
 * disk with wrong passwords.
 */
export function recordFailure(ctx: Context, email: string, action: 'signIn.failed' | 'password.refused'): void {
  const { viewer, requestId, services } = ctx
  const { kind, id } = idOf(viewer)
  services.background.run(
    () => services.db.$executeRaw`
      INSERT INTO "AuditEntry" ("at", "action", "actorId", "sessionId", "requestId", "userId", "subjectId", "details")
      SELECT date_trunc('milliseconds', clock_timestamp()), ${action}, ${viewer?.id ?? null}::uuid,
        ${kind === 'session' ? id : null}::uuid, ${requestId}, attacked."id", attacked."id",
        CASE earlier."count" WHEN ${MAX_FAILURES - 1}::integer THEN '{"furtherOmitted": true}'::jsonb ELSE '{}' END
      FROM "User" AS attacked, LATERAL (SELECT count(*) AS "count" FROM (
        SELECT FROM "AuditEntry" WHERE "userId" = attacked."id" AND "at" > now() - interval '1 hour'
          AND "action" IN ('signIn.failed', 'password.refused') LIMIT ${MAX_FAILURES}::integer) AS recent) AS earlier
      WHERE attacked."email" = ${email} AND earlier."count" < ${MAX_FAILURES}::integer`,
  )
}
