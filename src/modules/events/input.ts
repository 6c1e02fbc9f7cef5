import { z } from 'zod'
import { cursor, pageRules } from '../../pagination.ts'
import { id } from '../../rules.ts'
import { taskFilterRules } from '../tasks/filter-input.ts'
import { EVENT_TYPE_NAMES } from './types.ts'

/** Which tasks, and from where on. */
export const followTasksRules = z.object({
  projectId: id.nullish(),
  filter: taskFilterRules.nullish(),
  after: cursor.nullish(),
})

const typeName = z
  .string()
  .refine((name) => EVENT_TYPE_NAMES.includes(name), {
    error: ({ input }) => `has ${JSON.stringify(input)}, which is not one of ${EVENT_TYPE_NAMES.join(', ')}`,
  })
  .meta({ enum: EVENT_TYPE_NAMES, examples: ['task'] })

export const followEventsRules = followTasksRules.extend({
  types: z.array(typeName).min(1, 'must not be empty').max(EVENT_TYPE_NAMES.length).nullish(),
})

export const readEventsRules = followEventsRules.extend({ first: pageRules.shape.first })

export type FollowEventsValues = z.infer<typeof followEventsRules>
export type ReadEventsValues = z.infer<typeof readEventsRules>
