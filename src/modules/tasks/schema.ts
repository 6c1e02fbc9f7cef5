import { queryFromInfo } from '@pothos/plugin-prisma'
import { builder } from '../../builder.ts'
import { TaskStatus } from '../../generated/prisma/enums.ts'
import { connectionType, pageArguments } from '../../pagination.ts'
import { EXPECTED_VERSION } from '../../rules.ts'
import { createTaskRules, listTasksRules, replaceTaskRules, updateTaskRules } from './input.ts'
import { TASK_ORDER_FIELDS } from './order.ts'
import * as tasks from './service.ts'

const TaskStatusType = builder.enumType(TaskStatus, { name: 'TaskStatus', description: 'How far a task is.' })

export const TaskType = builder.prismaObject('Task', {
  description: 'Something to be done in a project.',
  fields: (t) => ({
    id: t.exposeID('id'),
    projectId: t.exposeID('projectId'),
    project: t.relation('project', { authScopes: { scope: 'projects:read' } }),
    number: t.exposeInt('number', { description: 'Counts from 1 in each project.' }),
    title: t.exposeString('title'),
    description: t.exposeString('description', { nullable: true, description: 'Markdown.' }),
    status: t.expose('status', { type: TaskStatusType }),
    priority: t.exposeInt('priority', { description: '1 lowest to 5 highest.' }),
    dueAt: t.expose('dueAt', { type: 'DateTime', nullable: true }),
    completedAt: t.expose('completedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When its status became COMPLETED; null in any other.',
    }),
    creatorId: t.exposeID('creatorId', { nullable: true }),
    creator: t.relation('creator', { nullable: true }),
    version: t.exposeInt('version', { description: 'Rises by one with each change.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
  }),
})

const TaskConnection = connectionType(TaskType)

const title = { description: '1 to 200 characters.' }
const description = { description: 'Markdown, at most 2,000 characters.' }
const priority = { description: '1 lowest to 5 highest.' }

const CreateTaskInput = builder.inputType('CreateTaskInput', {
  validate: createTaskRules,
  fields: (t) => ({
    projectId: t.id({ description: 'Your Inbox when absent.' }),
    title: t.string({ ...title, required: true }),
    description: t.string(description),
    status: t.field({ type: TaskStatusType, description: 'PENDING when absent.' }),
    priority: t.int({ description: '1 lowest to 5 highest; 1 when absent.' }),
    dueAt: t.field({ type: 'DateTime' }),
  }),
})

const UpdateTaskInput = builder.inputType('UpdateTaskInput', {
  description: 'Absent fields stay as they are; null clears a field that may be empty.',
  validate: updateTaskRules,
  fields: (t) => ({
    title: t.string(title),
    description: t.string(description),
    status: t.field({ type: TaskStatusType }),
    priority: t.int(priority),
    dueAt: t.field({ type: 'DateTime' }),
  }),
})

const ReplaceTaskInput = builder.inputType('ReplaceTaskInput', {
  description: 'All of a task that a client may set; absent fields take their defaults.',
  validate: replaceTaskRules,
  fields: (t) => ({
    title: t.string({ ...title, required: true }),
    description: t.string(description),
    status: t.field({ type: TaskStatusType, description: 'PENDING when absent.' }),
    priority: t.int({ description: '1 lowest to 5 highest; 1 when absent.' }),
    dueAt: t.field({ type: 'DateTime' }),
  }),
})

const PriorityFilter = builder.inputType('PriorityFilter', {
  fields: (t) => ({
    in: t.intList({ description: 'One of these.' }),
    gte: t.int({ description: 'This or higher.' }),
    lte: t.int({ description: 'This or lower.' }),
  }),
})

const TaskFilter = builder.inputType('TaskFilter', {
  description: 'What a task has to meet: every condition given.',
  fields: (t) => ({
    status: t.field({ type: [TaskStatusType], description: 'One of these.' }),
    priority: t.field({ type: PriorityFilter }),
    projectId: t.id(),
  }),
})

const TaskOrder = builder.inputType('TaskOrder', {
  fields: (t) => ({
    field: t.field({
      type: builder.enumType('TaskOrderField', { values: TASK_ORDER_FIELDS }),
      required: true,
    }),
    direction: t.field({
      type: builder.enumType('OrderDirection', { values: ['ASC', 'DESC'] as const }),
      required: true,
      defaultValue: 'ASC',
    }),
  }),
})

builder.queryField('task', (t) =>
  t.prismaField({
    type: 'Task',
    // Null beside its error, so that one id that is not there does not take the rest of a query with it.
    nullable: true,
    description: 'One task.',
    authScopes: { scope: 'tasks:read' },
    rest: { method: 'GET', path: '/tasks/{id}' },
    args: { id: t.arg.id({ required: true }) },
    resolve: (query, _root, { id }, ctx) => tasks.getTask(ctx, id, query),
  }),
)

builder.queryField('tasks', (t) =>
  t.field({
    type: TaskConnection,
    description: 'The tasks you see that meet the filter, oldest first unless ordered otherwise.',
    authScopes: { scope: 'tasks:read' },
    rest: { method: 'GET', path: '/tasks' },
    validate: listTasksRules,
    args: {
      filter: t.arg({ type: TaskFilter }),
      orderBy: t.arg({ type: [TaskOrder], description: 'At most two. Tasks without a due date come last.' }),
      ...pageArguments,
    },
    resolve: (_root, args, ctx, info) =>
      tasks.listTasks(ctx, args, queryFromInfo({ context: ctx, info, paths: [['nodes'], ['edges', 'node']] })),
  }),
)

builder.mutationField('createTask', (t) =>
  t.prismaField({
    type: 'Task',
    description: 'Create a task. Needs EDITOR on the project.',
    authScopes: { scope: 'tasks:write' },
    rest: { method: 'POST', path: '/tasks', status: 201, body: 'input', location: (task) => `/tasks/${task.id}` },
    args: { input: t.arg({ type: CreateTaskInput, required: true }) },
    resolve: (query, _root, { input }, ctx) => tasks.createTask(ctx, input, query),
  }),
)

builder.mutationField('updateTask', (t) =>
  t.prismaField({
    type: 'Task',
    description: 'Change some fields of a task. Needs EDITOR on the project.',
    authScopes: { scope: 'tasks:write' },
    rest: { method: 'PATCH', path: '/tasks/{id}', body: 'input' },
    args: {
      id: t.arg.id({ required: true }),
      input: t.arg({ type: UpdateTaskInput, required: true }),
      expectedVersion: t.arg.int({ description: EXPECTED_VERSION }),
    },
    resolve: (query, _root, { id, input, expectedVersion }, ctx) =>
      tasks.updateTask(ctx, id, input, expectedVersion, query),
  }),
)

builder.mutationField('replaceTask', (t) =>
  t.prismaField({
    type: 'Task',
    description: 'Replace all fields of a task. Needs EDITOR on the project.',
    authScopes: { scope: 'tasks:write' },
    rest: { method: 'PUT', path: '/tasks/{id}', body: 'input' },
    args: {
      id: t.arg.id({ required: true }),
      input: t.arg({ type: ReplaceTaskInput, required: true }),
      expectedVersion: t.arg.int({ description: EXPECTED_VERSION }),
    },
    resolve: (query, _root, { id, input, expectedVersion }, ctx) =>
      tasks.replaceTask(ctx, id, input, expectedVersion, query),
  }),
)

builder.mutationField('deleteTask', (t) =>
  t.prismaField({
    type: 'Task',
    description: 'Delete a task; it is not found any more. Needs EDITOR on the project.',
    authScopes: { scope: 'tasks:write' },
    rest: { method: 'DELETE', path: '/tasks/{id}', status: 204 },
    args: {
      id: t.arg.id({ required: true }),
      expectedVersion: t.arg.int({ description: EXPECTED_VERSION }),
    },
    resolve: (query, _root, { id, expectedVersion }, ctx) => tasks.deleteTask(ctx, id, expectedVersion, query),
  }),
)
