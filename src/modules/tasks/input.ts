import { z } from 'zod'
import { TaskStatus } from '../../generated/prisma/enums.ts'
import { checkPage, pageRules } from '../../pagination.ts'
import { id, line, notNull, text } from '../../rules.ts'
import { TASK_ORDER_FIELDS } from './order.ts'

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

const taskFilterRules = z.object({
  status: z.array(status).nullish(),
  priority: z.object({ in: z.array(priority).nullish(), gte: priority.nullish(), lte: priority.nullish() }).nullish(),
  projectId: id.nullish(),
})

/** All arguments of a list in one rule, so that every problem is told at once. */
export const listTasksRules = pageRules
  .extend({
    filter: taskFilterRules.nullish(),
    orderBy: z
      .array(z.object({ field: z.enum(TASK_ORDER_FIELDS), direction: z.enum(['ASC', 'DESC']) }))
      .max(2, 'takes at most 2 terms')
      .nullish(),
  })
  .check(checkPage)

export type CreateTaskValues = z.infer<typeof createTaskRules>
export type ReplaceTaskValues = z.infer<typeof replaceTaskRules>
export type UpdateTaskValues = z.infer<typeof updateTaskRules>
export type TaskFilterValues = z.infer<typeof taskFilterRules>
export type ListTasksValues = z.infer<typeof listTasksRules>
