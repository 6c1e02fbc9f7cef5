import { z } from 'zod'
import { TaskStatus } from '../../generated/prisma/enums.ts'
import { id, line, notNull, text } from '../../schema/rules.ts'
import { taskId } from './key-type.ts'

export const title = line(200).meta({ examples: ['Write the report'] })
export const description = text(2000).meta({ examples: ['With **numbers**.'] })
export const status = z.enum(TaskStatus)
export const priority = z.int().min(1, 'must be 1 (lowest) to 5 (highest)').max(5, 'must be 1 (lowest) to 5 (highest)')

/** Maximum number of assignees, and of labels. */
const MAX_LINKS = 20
export const links = z.array(id).max(MAX_LINKS, `must have at most ${MAX_LINKS} items`)

/** PUT: every field a client may set. Absent fields take their defaults. */
export const replaceTaskRules = z.object({
  title,
  description: description.nullish(),
  status: status.nullish(),
  priority: priority.nullish(),
  dueAt: z.date().nullish(),
  parentId: taskId.nullish(),
  assigneeIds: links.nullish(),
  labelIds: links.nullish(),
})

export const createTaskRules = replaceTaskRules.extend({ projectId: id.nullish() })

/** PATCH: absent fields keep their value. Null clears an optional field. */
export const updateTaskRules = z.object({
  title: notNull(title),
  description: description.nullish(),
  status: notNull(status),
  priority: notNull(priority),
  dueAt: z.date().nullish(),
  parentId: taskId.nullish(),
  assigneeIds: links.nullish(),
  labelIds: links.nullish(),
})

export const duplicateTaskRules = z.object({ id: z.string(), title: title.nullish() })

export type CreateTaskValues = z.infer<typeof createTaskRules>
export type ReplaceTaskValues = z.infer<typeof replaceTaskRules>
export type UpdateTaskValues = z.infer<typeof updateTaskRules>
