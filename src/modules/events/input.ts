import { z } from 'zod'
import { cursor, pageRules } from '../../pagination.ts'
import { id } from '../../rules.ts'

/** Whose events, and from where on. */
export const followTasksRules = z.object({ projectId: id.nullish(), after: cursor.nullish() })

export const readEventsRules = followTasksRules.extend({ first: pageRules.shape.first })

export type FollowTasksValues = z.infer<typeof followTasksRules>
export type ReadEventsValues = z.infer<typeof readEventsRules>
