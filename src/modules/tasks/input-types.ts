import type { InputFieldBuilder } from '@pothos/core'
import { builder } from '../../schema/builder.ts'
import { createTaskRules, replaceTaskRules, repositionTaskRules, updateTaskRules } from './input.ts'
import { TaskStatusType } from './status-type.ts'

type Fields = InputFieldBuilder<typeof builder.$inferSchemaTypes, 'InputObject'>

/** Links, the same in all inputs. */
const links = (t: Fields) => ({
  parentId: t.id({
    description: 'Parent task in the same project, by id or key. At most 10 levels.',
  }),
  assigneeIds: t.idList({ description: 'Members of the project; at most 20.' }),
  labelIds: t.idList({ description: 'Labels of the project; at most 20.' }),
})

const dates = (t: Fields) => ({
  startAt: t.field({ type: 'DateTime', description: 'Not later than it is due.' }),
  dueAt: t.field({ type: 'DateTime', description: 'The time it is due. A task has this or `dueOn`.' }),
  dueOn: t.field({ type: 'Date', description: 'The day it is due, in every time zone. A task has this or `dueAt`.' }),
})

const description = (t: Fields) => t.string({ description: 'Markdown, at most 2,000 characters.' })

/** Fields of a new or replaced task. */
export const newTaskFields = (t: Fields) => ({
  title: t.string({ required: true, description: '1 to 200 characters.' }),
  description: description(t),
  status: t.field({ type: TaskStatusType, description: 'PENDING by default.' }),
  priority: t.int({ description: '1 (lowest, the default) to 5 (highest).' }),
  ...dates(t),
  ...links(t),
})

export const projectOfTask = (t: Fields) =>
  t.id({ description: 'By default the project of the parent, or your Inbox.' })

/** Fields of an update, all optional. */
export const changedTaskFields = (t: Fields) => ({
  title: t.string({ description: '1 to 200 characters.' }),
  description: description(t),
  status: t.field({ type: TaskStatusType }),
  priority: t.int({ description: '1 (lowest) to 5 (highest).' }),
  ...dates(t),
  ...links(t),
})

export const CreateTaskInput = builder.inputType('CreateTaskInput', {
  validate: createTaskRules,
  fields: (t) => ({ projectId: projectOfTask(t), ...newTaskFields(t) }),
})

export const UpdateTaskInput = builder.inputType('UpdateTaskInput', {
  description: 'Absent fields keep their value. Null clears an optional field.',
  validate: updateTaskRules,
  fields: changedTaskFields,
})

export const ReplaceTaskInput = builder.inputType('ReplaceTaskInput', {
  description: 'Every field a client may set. Absent fields take their defaults.',
  validate: replaceTaskRules,
  fields: newTaskFields,
})

export const RepositionTaskInput = builder.inputType('RepositionTaskInput', {
  description: 'The new place of a task. Without neighbours, it goes to the end of its column.',
  validate: repositionTaskRules,
  fields: (t) => ({
    status: t.field({ type: TaskStatusType, description: 'The column. By default the task stays in its own.' }),
    beforeId: t.id({ description: 'The task it comes right before, by id or key. Same project.' }),
    afterId: t.id({ description: 'The task it comes right after, by id or key. Same project.' }),
  }),
})
