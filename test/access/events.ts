import type { Event } from '../../src/generated/prisma/client.ts'
import type { SeenEvents } from './recipes.ts'

export const eventName = ({ type, subjectId }: { type: string; subjectId: string }) => `${type} ${subjectId}`

/** Whether an event is one of those that are seen. */
export function isAmong(
  { eventsOf, tasksOnly, types, subjects }: SeenEvents,
  { type, projectId, subjectId }: Pick<Event, 'type' | 'projectId' | 'subjectId'>,
): boolean {
  return (
    projectId !== null &&
    eventsOf.includes(projectId) &&
    (!tasksOnly || type.startsWith('task.')) &&
    (types?.some((one) => type === one || type.startsWith(`${one}.`)) ?? true) &&
    (subjects?.includes(subjectId) ?? true)
  )
}
