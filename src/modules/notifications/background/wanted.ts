import { v7 as uuidv7 } from 'uuid'
import type { Database } from '../../../database/client.ts'
import type { LoggedEvent } from '../../../events/log.ts'
import { NOTICE_REQUESTED, type Notice } from '../request-service.ts'
import { readDiscussions } from './discussions.ts'
import { dueSoon } from './due.ts'
import type { Wanted } from './insert.ts'

/** Returns the notifications that events cause. `remindedUntil` is how far the clock has come. */
export async function wantedBy(
  db: Pick<Database, '$queryRaw'>,
  events: readonly LoggedEvent[],
  remindedUntil: Date,
): Promise<Wanted[]> {
  const comments = events.filter(({ type }) => type.startsWith('comment.')).map(({ subjectId }) => subjectId)
  const discussions = await readDiscussions(db, comments)
  const reminders = Map.groupBy(await dueSoon(db, events, remindedUntil), (one) => one.eventPosition)
  return events.flatMap((event) => {
    const { type, subjectId } = event
    if (type === NOTICE_REQUESTED) return ofRequest(event)
    if (!type.startsWith('comment.')) return [...ofAssignment(event), ...(reminders.get(String(event.position)) ?? [])]
    const discussion = discussions.get(subjectId)
    return discussion ? ofComment(event, discussion) : []
  })
}

/** Makes one for each recipient but the one whose own act it is. */
function tell(
  event: LoggedEvent,
  recipientIds: Iterable<string>,
  what: Pick<Wanted, 'kind'> & Partial<Wanted>,
  actorId = event.actorId,
): Wanted[] {
  const { position } = event
  return [...new Set(recipientIds)]
    .filter((id) => id !== actorId)
    .map((recipientId) => ({
      id: uuidv7(),
      recipientId,
      cause: `event:${position}`,
      actorId,
      eventPosition: String(position),
      ...what,
    }))
}

/** Returns the ids that a change added to a list. */
function added({ changes }: LoggedEvent, field: string): string[] {
  const { from, to } = (changes[field] ?? {}) as { from?: string[] | null; to?: string[] | null }
  const before = new Set(from ?? [])
  return (to ?? []).filter((id) => !before.has(id))
}

function ofAssignment(event: LoggedEvent): Wanted[] {
  const { type, changes, subjectId: taskId } = event
  // The event of a move does not show who was assigned before. A move assigns nobody.
  const moved = type === 'task.updated' && 'projectId' in changes
  if (moved || type === 'task.restored') return []
  return tell(event, added(event, 'assigneeIds'), { kind: 'ASSIGNED', taskId })
}

function ofComment(
  event: LoggedEvent,
  { taskId, authorId, peopleIds }: { taskId: string; authorId: string | null; peopleIds: readonly string[] },
): Wanted[] {
  const { type, subjectId: commentId } = event
  const actorId = event.actorId ?? authorId
  const about = { taskId, commentId }
  const mentioned = added(event, 'mentionIds')
  const mentions = tell(event, mentioned, { kind: 'MENTIONED', ...about }, actorId)
  if (type !== 'comment.created') return mentions
  const others = peopleIds.filter((id) => !mentioned.includes(id))
  return [...mentions, ...tell(event, others, { kind: 'COMMENTED', ...about }, actorId)]
}

function ofRequest(event: LoggedEvent): Wanted[] {
  const { recipientIds, ...what } = event.state as unknown as Notice
  // An ADMIN may write to themselves. That is no act to be told about, but a message.
  const self = what.kind === 'ADMIN_NOTICE' ? null : event.actorId
  return tell(event, recipientIds, { ...what, cause: event.subjectId }, self).map((one) => ({
    ...one,
    actorId: event.actorId,
  }))
}
