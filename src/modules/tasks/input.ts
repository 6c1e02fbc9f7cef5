import { z } from 'zod'
import { TaskStatus } from '../../generated/prisma/enums.ts'
import { id, line, notNull, text } from '../../rules.ts'
import { taskId } from './keys.ts'

export const title = line(200).meta({ examples: ['Write the report'] })
export const description = text(2000).meta({ examples: ['With **numbers**.'] })
export const status = z.enum(TaskStatus)
export const priority = z.int().min(1, 'must be 1 (lowest) to 5 (highest)').max(5, 'must be 1 (lowest) to 5 (highest)')

/** How many people a task may be assigned to, and how many labels it may have. */
const MOST_LINKS = 20
export const links = z.array(id).max(MOST_LINKS, `must be at most ${MOST_LINKS}`)

/** What PUT replaces: everything a client may set, absent meaning the default. */
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

/** What PATCH changes: absent leaves alone, null clears what may be empty. */
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

/** The arguments of duplicateTask. */
export const duplicateTaskRules = z.object({ id: z.string(), title: title.nullish() })

export type CreateTaskValues = z.infer<typeof createTaskRules>
export type ReplaceTaskValues = z.infer<typeof replaceTaskRules>
export type UpdateTaskValues = z.infer<typeof updateTaskRules>
