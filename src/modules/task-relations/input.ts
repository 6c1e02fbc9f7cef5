import { z } from 'zod'
import { grouped } from '../../schema/rules.ts'
import { taskId } from '../tasks/key-type.ts'
import { TASK_RELATION_KINDS } from './kinds.ts'

/** Maximum number of relations of one task. */
export const MAX_RELATIONS = 1_000
/** Number of relations of a task where nothing else is requested. */
export const DEFAULT_RELATIONS = 100

export const relationList = z.array(z.unknown()).max(MAX_RELATIONS)

const range = `must be 1 to ${grouped(MAX_RELATIONS)}`
export const relationsRules = z.object({ first: z.int().min(1, range).max(MAX_RELATIONS, range) })

export const createTaskRelationRules = z.object({ type: z.enum(TASK_RELATION_KINDS), relatedTaskId: taskId })

export type CreateTaskRelationValues = z.infer<typeof createTaskRelationRules>
