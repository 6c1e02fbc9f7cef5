import type { Database } from './client.ts'

/**
 * Names the actor of the events that a transaction logs. Needed for deletes, because a deleted row
 * cannot name its actor. Null for what the server does by itself.
 */
export async function actAs(tx: Pick<Database, '$executeRaw'>, viewer: { id: string } | null): Promise<void> {
  await tx.$executeRaw`SELECT set_config('taskwire.actor', ${viewer?.id ?? 'nobody'}, true)`
}
