import type { Event } from '../../src/generated/prisma/client.ts'
import type { SeenEvents } from './recipe.ts'

export const eventName = ({ type, subjectId }: { type: string; subjectId: string }) => `${type} ${subjectId}`

/** Returns true if the event matches the expected set. */
export function isAmong(
  { eventsOf, nouns, types, subjects, about }: SeenEvents,
  {
    type,
    projectId,
    subjectId,
    aboutId = null,
    alsoAboutId = null,
  }: Pick<Event, 'type' | 'projectId' | 'subjectId'> & Partial<Event>,
): boolean {
  return (
    projectId !== null &&
    eventsOf.includes(projectId) &&
    (nouns?.some((noun) => type.startsWith(`${noun}.`)) ?? true) &&
    (types?.some((one) => type === one || type.startsWith(`${one}.`)) ?? true) &&
    (subjects?.includes(subjectId) ?? true) &&
    (about?.some((id) => [subjectId, aboutId, alsoAboutId].includes(id)) ?? true)
  )
}
