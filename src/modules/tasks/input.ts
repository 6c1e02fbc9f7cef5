import { z } from 'zod'
import { TaskStatus } from '../../generated/prisma/enums.ts'
import { id, line, notNull, text } from '../../schema/rules.ts'
import { isCalendarDate } from '../../schema/scalars.ts'
import { taskId } from './key-type.ts'

export const title = line(200).meta({ examples: ['Write the report'] })
export const description = text(2000).meta({ examples: ['With **numbers**.'] })
/** Maximum length of a rank. Reached where about 5,900 tasks are put right behind the same one. */
export const MAX_RANK = 1_000
export const status = z.enum(TaskStatus)
export const priority = z.int().min(1, 'must be 1 (lowest) to 5 (highest)').max(5, 'must be 1 (lowest) to 5 (highest)')

/** Checks a date that does not come from the scalar: one of a batch or a stored filter. */
export const calendarDate = z
  .string()
  .refine(isCalendarDate, 'must be a date like 2026-01-31')
  .meta({ format: 'date', examples: ['2026-01-31'] })

/** In an example it is null, next to a dueAt. */
const dueOn = calendarDate.nullish().meta({ examples: [null] })

export const rank = z.string().meta({ pattern: '^[0-9A-Za-z]+$', maxLength: MAX_RANK, examples: ['h0000040V'] })

/** Maximum number of assignees, and of labels. */
const MAX_LINKS = 20
export const links = z.array(id).max(MAX_LINKS, `must have at most ${MAX_LINKS} items`)

/** PUT: every field a client may set. Absent fields take their defaults. */
export const replaceTaskRules = z.object({
  title,
  description: description.nullish(),
  status: status.nullish(),
  priority: priority.nullish(),
  startAt: z.date().nullish(),
  dueAt: z.date().nullish(),
  dueOn,
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
  startAt: z.date().nullish(),
  dueAt: z.date().nullish(),
  dueOn,
  parentId: taskId.nullish(),
  assigneeIds: links.nullish(),
  labelIds: links.nullish(),
})

export const repositionTaskRules = z.object({
  status: notNull(status),
  beforeId: taskId.nullish(),
  afterId: taskId.nullish(),
})

export const duplicateTaskRules = z.object({ id: z.string(), title: title.nullish() })

export type CreateTaskValues = z.infer<typeof createTaskRules>
export type ReplaceTaskValues = z.infer<typeof replaceTaskRules>
export type RepositionTaskValues = z.infer<typeof repositionTaskRules>
export type UpdateTaskValues = z.infer<typeof updateTaskRules>
