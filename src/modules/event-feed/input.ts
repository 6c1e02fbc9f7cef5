import { z } from 'zod'
import { cursor, pageRules } from '../../schema/lists.ts'
import { id } from '../../schema/rules.ts'
import { taskFilterRules } from '../tasks/filter/rules.ts'
import { eventTypeNames } from './types.ts'

/** Arguments of `taskEvents`. */
export const followTasksRules = z.object({
  projectId: id.nullish(),
  filter: taskFilterRules.nullish(),
  after: cursor.nullish(),
})

/**
 * A function, called when the schema is built: event types come from every module that
 * declares a noun.
 */
export const followEventsRules = () => {
  const names = eventTypeNames()
  const typeName = z
    .string()
    .refine((name) => names.includes(name), {
      error: ({ input }) => `has the unknown type ${JSON.stringify(input)}; known are ${names.join(', ')}`,
    })
    .meta({ enum: names, examples: ['task'] })
  return followTasksRules.extend({
    types: z.array(typeName).min(1, 'must not be empty').max(names.length).nullish(),
  })
}

export const readEventsRules = () => followEventsRules().extend({ first: pageRules.shape.first })

export type FollowEventsValues = z.infer<ReturnType<typeof followEventsRules>>
export type ReadEventsValues = z.infer<ReturnType<typeof readEventsRules>>
