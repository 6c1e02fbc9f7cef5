import { z } from 'zod'
import { TaskStatus } from '../../generated/prisma/enums.ts'
import { id, line, notNull, text } from '../../rules.ts'

const title = line(200)
const description = text(2000)
const status = z.enum(TaskStatus)
const priority = z.int().min(1, 'must be 1 (lowest) to 5 (highest)').max(5, 'must be 1 (lowest) to 5 (highest)')

/** What PUT replaces: everything a client may set, absent meaning the default. */
export const replaceTaskRules = z.object({
  title,
  description: description.nullish(),
  status: status.nullish(),
  priority: priority.nullish(),
  dueAt: z.date().nullish(),
})

export const createTaskRules = replaceTaskRules.extend({ projectId: id.nullish() })

/** What PATCH changes: absent leaves alone, null clears what may be empty. */
export const updateTaskRules = z.object({
  title: notNull(title),
  description: description.nullish(),
  status: notNull(status),
  priority: notNull(priority),
  dueAt: z.date().nullish(),
})

export const taskFilterRules = z.object({
  status: z.array(status).nullish(),
  priority: z.object({ in: z.array(priority).nullish(), gte: priority.nullish(), lte: priority.nullish() }).nullish(),
  projectId: id.nullish(),
})

export type CreateTaskValues = z.infer<typeof createTaskRules>
export type ReplaceTaskValues = z.infer<typeof replaceTaskRules>
export type UpdateTaskValues = z.infer<typeof updateTaskRules>
export type TaskFilterValues = z.infer<typeof taskFilterRules>
