import { builder } from '../../schema/builder.ts'
import { listQuery, pageArguments } from '../../schema/lists.ts'
import { EXPECTED_VERSION } from '../../schema/rules.ts'
import { duplicateTaskRules } from './input.ts'
import './bulk/schema.ts'
import { CreateTaskInput, ReplaceTaskInput, RepositionTaskInput, UpdateTaskInput } from './input-types.ts'
import './export/schema.ts'
import './import/schema.ts'
import { taskId } from './key-type.ts'
import { TaskConnection } from './list/connection.ts'
import { listTasksRules } from './list/input.ts'
import { selectArguments } from './list/select-arguments.ts'
import { listTasks } from './list/service.ts'
import { moveTask } from './move.ts'
import { repositionTask } from './position.ts'
import * as tasks from './service.ts'

const TASK_ID = {
  required: true,
  description: 'Id of the task, or its key like WEB-42.',
  extensions: { rules: taskId },
} as const

builder.queryField('task', (t) =>
  t.prismaField({
    type: 'Task',
    // So that an unknown id does not fail the rest of the query.
    nullable: true,
    description: 'A task by id or key.',
    access: { scope: 'tasks:read' },
    rest: { method: 'GET', path: '/tasks/{id}' },
    args: { id: t.arg.id(TASK_ID) },
    resolve: (query, _root, { id }, ctx) => tasks.getTask(ctx, id, query),
  }),
)

builder.queryField('tasks', (t) =>
  t.field({
    type: TaskConnection,
    description:
      'Tasks visible to you that match the filter. Oldest first by default; with a search, most relevant first.',
    access: { scope: 'tasks:read' },
    extensions: { errors: ['NOT_FOUND'] },
    rest: {
      method: 'GET',
      path: '/tasks',
      also: [{ path: '/projects/{id}/tasks', operationId: 'projectTasks', fills: { id: ['filter', 'projectId'] } }],
    },
    validate: listTasksRules,
    args: { ...selectArguments, ...pageArguments },
    resolve: (_root, args, ctx, info) => listTasks(ctx, args, listQuery(ctx, info)),
  }),
)

builder.mutationField('createTask', (t) =>
  t.prismaField({
    type: 'Task',
    description: 'Create a task. Needs EDITOR on the project.',
    access: { scope: 'tasks:write' },
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
    access: { scope: 'tasks:write' },
    rest: { method: 'PATCH', path: '/tasks/{id}', body: 'input' },
    args: {
      id: t.arg.id(TASK_ID),
      input: t.arg({ type: UpdateTaskInput, required: true }),
      expectedVersion: t.arg.int({ description: EXPECTED_VERSION }),
      notify: t.arg.boolean({ description: 'True notifies the assignees of the change, in the background.' }),
    },
    resolve: (query, _root, { id, input, expectedVersion, notify }, ctx) =>
      tasks.updateTask(ctx, id, input, expectedVersion, query, notify === true),
  }),
)

builder.mutationField('replaceTask', (t) =>
  t.prismaField({
    type: 'Task',
    description: 'Replace all fields of a task. Needs EDITOR on the project.',
    access: { scope: 'tasks:write' },
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
    description: 'Move a task to the trash. It can be restored until the trash is purged. Needs EDITOR on the project.',
    access: { scope: 'tasks:write' },
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
    description: 'Restore a task from the trash. Needs EDITOR on the project.',
    access: { scope: 'tasks:write' },
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
    description: 'Create a copy of a task with status PENDING. Needs EDITOR on the project.',
    access: { scope: 'tasks:write' },
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
      title: t.arg.string({ description: 'Title of the copy, 1 to 200 characters. By default the original title.' }),
    },
    resolve: (query, _root, { id, title }, ctx) => tasks.duplicateTask(ctx, id, title, query),
  }),
)

builder.mutationField('moveTask', (t) =>
  t.prismaField({
    type: 'Task',
    description:
      'Move a task and its sub-tasks to another project. They get new keys, and the old keys still find them. Labels map to labels of the same name; assignees who are not members of that project are removed. Needs EDITOR on both projects.',
    access: { scope: 'tasks:write' },
    rest: { method: 'POST', path: '/tasks/{id}/move', body: ['projectId'] },
    args: {
      id: t.arg.id(TASK_ID),
      projectId: t.arg.id({ required: true, description: 'Destination project.' }),
      expectedVersion: t.arg.int({ description: EXPECTED_VERSION }),
    },
    resolve: (query, _root, { id, projectId, expectedVersion }, ctx) =>
      moveTask(ctx, id, projectId, expectedVersion, query),
  }),
)

builder.mutationField('repositionTask', (t) =>
  t.prismaField({
    type: 'Task',
    description:
      'Put a task between others in the order of its project, as on a board. Changes the rank of no other task. Needs EDITOR on the project.',
    access: { scope: 'tasks:write' },
    extensions: { errors: ['CONFLICT'] },
    rest: { method: 'POST', path: '/tasks/{id}/position', body: 'input' },
    args: {
      id: t.arg.id(TASK_ID),
      input: t.arg({ type: RepositionTaskInput, required: true }),
      expectedVersion: t.arg.int({ description: EXPECTED_VERSION }),
    },
    resolve: (query, _root, { id, input, expectedVersion }, ctx) =>
      repositionTask(ctx, id, input, expectedVersion, query),
  }),
)
