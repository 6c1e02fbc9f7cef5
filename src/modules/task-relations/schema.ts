import { builder } from '../../builder.ts'
import { taskId } from '../tasks/keys.ts'
import { TaskType } from '../tasks/type.ts'
import { createTaskRelationRules } from './input.ts'
import { TASK_RELATION_KINDS } from './kinds.ts'
import type { OwnRelation } from './loader.ts'
import * as relations from './service.ts'

const RelationType = builder.enumType('TaskRelationType', {
  description: 'How a task is related to another: each relation is seen from either side, as BLOCKS or BLOCKED_BY.',
  values: TASK_RELATION_KINDS,
})

const TaskRelation = builder.objectRef<OwnRelation>('TaskRelation').implement({
  description: 'A relation of a task to another, from its side. Related tasks you do not see are left out.',
  fields: (t) => ({
    id: t.exposeID('id'),
    type: t.expose('type', { type: RelationType }),
    taskId: t.exposeID('taskId'),
    relatedTaskId: t.exposeID('relatedTaskId'),
    relatedTask: t.field({
      type: TaskType,
      nullable: true,
      resolve: ({ relatedTaskId }, _args, { loaders }) => loaders.task.load(relatedTaskId),
    }),
    creatorId: t.exposeID('creatorId', { nullable: true }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
})

builder.objectField(TaskType, 'relations', (t) =>
  t.field({
    type: [TaskRelation],
    description: 'To tasks you see, oldest first.',
    resolve: ({ id }, _args, { loaders }) => loaders.relations.load(id),
  }),
)

const CreateTaskRelationInput = builder.inputType('CreateTaskRelationInput', {
  validate: createTaskRelationRules,
  fields: (t) => ({
    type: t.field({ type: RelationType, required: true }),
    relatedTaskId: t.id({ required: true, description: 'The other task, by id or key; also one of another project.' }),
  }),
})

const TASK_ID = {
  required: true,
  description: 'The task’s id, or its key like WEB-42.',
  extensions: { rules: taskId },
} as const

builder.queryField('taskRelations', (t) =>
  t.field({
    type: [TaskRelation],
    description: 'The relations of a task to tasks you see, oldest first.',
    authScopes: { scope: 'tasks:read' },
    rest: { method: 'GET', path: '/tasks/{taskId}/relations', key: 'nodes' },
    args: { taskId: t.arg.id(TASK_ID) },
    resolve: (_root, { taskId }, ctx) => relations.listRelations(ctx, taskId),
  }),
)

builder.mutationField('createTaskRelation', (t) =>
  t.field({
    type: TaskRelation,
    description:
      'Relate a task to another. Nothing blocks or duplicates itself, over however many tasks. Needs EDITOR on the project of the first.',
    authScopes: { scope: 'tasks:write' },
    rest: {
      method: 'POST',
      path: '/tasks/{taskId}/relations',
      status: 201,
      body: 'input',
      location: (_relation, { taskId }) => `/tasks/${taskId}/relations`,
    },
    args: {
      taskId: t.arg.id(TASK_ID),
      input: t.arg({ type: CreateTaskRelationInput, required: true }),
    },
    resolve: (_root, { taskId, input }, ctx) => relations.createRelation(ctx, taskId, input),
  }),
)

builder.mutationField('deleteTaskRelation', (t) =>
  t.field({
    type: TaskRelation,
    description: 'Take a relation away, from either of its tasks. Needs EDITOR on the project of that one.',
    authScopes: { scope: 'tasks:write' },
    rest: { method: 'DELETE', path: '/tasks/{taskId}/relations/{id}', status: 204 },
    args: { taskId: t.arg.id(TASK_ID), id: t.arg.id({ required: true }) },
    resolve: (_root, { taskId, id }, ctx) => relations.deleteRelation(ctx, taskId, id),
  }),
)
