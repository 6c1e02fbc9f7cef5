import { Prisma } from '../generated/prisma/client.ts'
import type { Database } from './client.ts'

/** Who makes a change, and with which credential. A viewer is one. */
export interface Actor {
  id: string
  credential?: { kind: string; id?: string }
}

/**
 * Names the actor of the events and audit entries that a transaction writes, with their credential
 * and request. Needed for deletes, because a deleted row cannot name its actor, and for rows that
 * have no column for it. Null for what the server does by itself.
 */
export async function actAs(
  tx: Pick<Database, '$executeRaw'>,
  actor: Actor | null,
  requestId: string | null = null,
): Promise<void> {
  await tx.$executeRaw`SELECT ${actorSql(actor, requestId)}`
}

/** Does the same as `actAs` in the SELECT list of a statement, without one more statement. */
export function actorSql(actor: Actor | null, requestId: string | null): Prisma.Sql {
  const { kind, id } = actor?.credential ?? {}
  // Read by the triggers of the audit log.
  const origin = JSON.stringify({
    ...(kind === 'session' && { session: id }),
    ...(kind === 'apiKey' && { apiKey: id }),
    ...(requestId !== null && { request: requestId }),
  })
  return Prisma.sql`set_config('taskwire.actor', ${actor?.id ?? 'nobody'}, true),
    set_config('taskwire.origin', ${origin}, true)`
}
