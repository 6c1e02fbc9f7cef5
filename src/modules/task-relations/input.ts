import { z } from 'zod'
import { taskId } from '../tasks/key-type.ts'
import { TASK_RELATION_KINDS } from './kinds.ts'

export const createTaskRelationRules = z.object({ type: z.enum(TASK_RELATION_KINDS), relatedTaskId: taskId })

export type CreateTaskRelationValues = z.infer<typeof createTaskRelationRules>
