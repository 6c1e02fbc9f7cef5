import type { InputFieldBuilder } from '@pothos/core'
import { builder } from '../../builder.ts'
import { createTaskRules, replaceTaskRules, updateTaskRules } from './input.ts'
import { TaskStatusType } from './type.ts'

type Fields = InputFieldBuilder<typeof builder.$inferSchemaTypes, 'InputObject'>

/** The fields by which tasks are linked, the same in all inputs. */
const links = (t: Fields) => ({
  parentId: t.id({
    description: 'The task it is a sub-task of, in the same project, by id or key; at most 10 levels.',
  }),
  assigneeIds: t.idList({ description: 'Members of the project; at most 20.' }),
  labelIds: t.idList({ description: 'Labels of the project; at most 20.' }),
})

const description = (t: Fields) => t.string({ description: 'Markdown, at most 2,000 characters.' })

/** What a new task, or one that is replaced, is given: absent fields take their defaults. */
export const newTaskFields = (t: Fields) => ({
  title: t.string({ required: true, description: '1 to 200 characters.' }),
  description: description(t),
  status: t.field({ type: TaskStatusType, description: 'PENDING when absent.' }),
  priority: t.int({ description: '1 lowest to 5 highest; 1 when absent.' }),
  dueAt: t.field({ type: 'DateTime' }),
  ...links(t),
})

export const projectOfTask = (t: Fields) =>
  t.id({ description: 'When absent, that of its parent, or without one your Inbox.' })

/** What a change of a task takes: absent fields stay as they are. */
export const changedTaskFields = (t: Fields) => ({
  title: t.string({ description: '1 to 200 characters.' }),
  description: description(t),
  status: t.field({ type: TaskStatusType }),
  priority: t.int({ description: '1 lowest to 5 highest.' }),
  dueAt: t.field({ type: 'DateTime' }),
  ...links(t),
})

export const CreateTaskInput = builder.inputType('CreateTaskInput', {
  validate: createTaskRules,
  fields: (t) => ({ projectId: projectOfTask(t), ...newTaskFields(t) }),
})

export const UpdateTaskInput = builder.inputType('UpdateTaskInput', {
  description: 'Absent fields stay as they are; null clears a field that may be empty.',
  validate: updateTaskRules,
  fields: changedTaskFields,
})

export const ReplaceTaskInput = builder.inputType('ReplaceTaskInput', {
  description: 'All of a task that a client may set; absent fields take their defaults.',
  validate: replaceTaskRules,
  fields: newTaskFields,
})
