import { queryFromInfo } from '@pothos/plugin-prisma'
import { builder } from '../../builder.ts'
import { pageArguments } from '../../pagination.ts'
import { EXPECTED_VERSION } from '../../rules.ts'
import { listTasksRules } from './filter-input.ts'
import { TaskFilter, TaskOrder } from './filter-schema.ts'
import { duplicateTaskRules } from './input.ts'
import { CreateTaskInput, ReplaceTaskInput, UpdateTaskInput } from './input-types.ts'
import { taskId } from './keys.ts'
import { listTasks } from './list.ts'
import { moveTask } from './move.ts'
import * as tasks from './service.ts'
import { TaskConnection } from './type.ts'

/** Wherever an operation is about one task. */
const TASK_ID = {
  required: true,
  description: 'The task’s id, or its key like WEB-42.',
  extensions: { rules: taskId },
} as const

builder.queryField('task', (t) =>
  t.prismaField({
    type: 'Task',
    // Null beside its error, so that one id that is not there does not take the rest of a query with it.
    nullable: true,
    description: 'One task.',
    authScopes: { scope: 'tasks:read' },
    rest: { method: 'GET', path: '/tasks/{id}' },
    args: { id: t.arg.id(TASK_ID) },
    resolve: (query, _root, { id }, ctx) => tasks.getTask(ctx, id, query),
  }),
)

builder.queryField('tasks', (t) =>
  t.field({
    type: TaskConnection,
    description:
      'The tasks you see that meet the filter, oldest first unless ordered otherwise; with a search the most relevant first.',
    authScopes: { scope: 'tasks:read' },
    extensions: { errors: ['NOT_FOUND'] },
    rest: {
      method: 'GET',
      path: '/tasks',
      also: [{ path: '/projects/{id}/tasks', operationId: 'projectTasks', fills: { id: ['filter', 'projectId'] } }],
    },
    validate: listTasksRules,
    args: {
      filter: t.arg({ type: TaskFilter }),
      orderBy: t.arg({ type: [TaskOrder], description: 'At most two. Tasks without a due date come last.' }),
      ...pageArguments,
    },
    resolve: (_root, args, ctx, info) =>
      listTasks(ctx, args, queryFromInfo({ context: ctx, info, paths: [['nodes'], ['edges', 'node']] })),
  }),
)

builder.mutationField('createTask', (t) =>
  t.prismaField({
    type: 'Task',
    description: 'Create a task. Needs EDITOR on the project.',
    authScopes: { scope: 'tasks:write' },
    extensions: { errors: ['NOT_FOUND'] },
    rest: {
      method: 'POST',
      path: '/tasks',
      status: 201,
      body: 'input',
      location: (task) => `/tasks/${task.id}`,
      also: [{ path: '/projects/{id}/tasks', operationId: 'createProjectTask', fills: { id: ['input', 'projectId'] } }],
    },
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
      id: t.arg.id(TASK_ID),
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
      id: t.arg.id(TASK_ID),
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
    description: 'Put a task into the trash, from which it can be restored for a while. Needs EDITOR on the project.',
    authScopes: { scope: 'tasks:write' },
    rest: { method: 'DELETE', path: '/tasks/{id}', status: 204 },
    args: {
      id: t.arg.id(TASK_ID),
      expectedVersion: t.arg.int({ description: EXPECTED_VERSION }),
    },
    resolve: (query, _root, { id, expectedVersion }, ctx) => tasks.deleteTask(ctx, id, expectedVersion, query),
  }),
)

builder.mutationField('restoreTask', (t) =>
  t.prismaField({
    type: 'Task',
    description: 'Take a task out of the trash. Needs EDITOR on the project.',
    authScopes: { scope: 'tasks:write' },
    rest: { method: 'POST', path: '/tasks/{id}/restore' },
    args: {
      id: t.arg.id(TASK_ID),
      expectedVersion: t.arg.int({ description: EXPECTED_VERSION }),
    },
    resolve: (query, _root, { id, expectedVersion }, ctx) => tasks.restoreTask(ctx, id, expectedVersion, query),
  }),
)

builder.mutationField('duplicateTask', (t) =>
  t.prismaField({
    type: 'Task',
    description: 'Make a new task, PENDING, with all else this one has. Needs EDITOR on the project.',
    authScopes: { scope: 'tasks:write' },
    rest: {
      method: 'POST',
      path: '/tasks/{id}/duplicate',
      status: 201,
      body: ['title'],
      location: (task) => `/tasks/${task.id}`,
    },
    validate: duplicateTaskRules,
    args: {
      id: t.arg.id(TASK_ID),
      title: t.arg.string({ description: 'Another title; 1 to 200 characters.' }),
    },
    resolve: (query, _root, { id, title }, ctx) => tasks.duplicateTask(ctx, id, title, query),
  }),
)

builder.mutationField('moveTask', (t) =>
  t.prismaField({
    type: 'Task',
    description:
      'Move a task, with its sub-tasks, to another project. Each gets a key there and is still found by the one it had; labels go to those of the same name there, and who is no member there is no longer assigned. Needs EDITOR on both projects.',
    authScopes: { scope: 'tasks:write' },
    rest: { method: 'POST', path: '/tasks/{id}/move', body: ['projectId'] },
    args: {
      id: t.arg.id(TASK_ID),
      projectId: t.arg.id({ required: true, description: 'The project it goes to.' }),
      expectedVersion: t.arg.int({ description: EXPECTED_VERSION }),
    },
    resolve: (query, _root, { id, projectId, expectedVersion }, ctx) =>
      moveTask(ctx, id, projectId, expectedVersion, query),
  }),
)
