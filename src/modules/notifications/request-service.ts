import { v7 as uuidv7 } from 'uuid'
import type { Database } from '../../database/client.ts'
import { logInternal } from '../../events/log.ts'

/** Type of the internal event that asks the background worker to notify somebody. */
export const NOTICE_REQUESTED = 'notice.requested'

/** What the worker is asked to tell. */
export type Notice =
  | { kind: 'UPDATED'; taskId: string; recipientIds: string[] }
  | { kind: 'ADMIN_NOTICE'; message: string; recipientIds: string[] }

/**
 * Asks the background worker to notify these users. The request is a row of the event log: it is
 * made if the transaction commits, and survives a restart. Returns its id.
 */
export async function requestNotice(
  db: Pick<Database, 'event'>,
  actor: { id: string },
  notice: Notice,
): Promise<string> {
  const id = uuidv7()
  await logInternal(db, { type: NOTICE_REQUESTED, subjectId: id, actorId: actor.id, state: notice })
  return id
}
