import { builder } from '../../schema/builder.ts'
import { logged } from '../../schema/logged.ts'
import { grouped } from '../../schema/rules.ts'
import { TASK_ID_ARGUMENT } from '../tasks/key-type.ts'
import { loadTask } from '../tasks/loader.ts'
import { TaskType } from '../tasks/type.ts'
import { createTaskRelationRules, DEFAULT_RELATIONS, MAX_RELATIONS, relationList, relationsRules } from './input.ts'
import { TASK_RELATION_KINDS } from './kinds.ts'
import type { OwnRelation } from './loader.ts'
import { loadRelations } from './loader.ts'
import * as relations from './service.ts'

// The two tasks may be in different projects: log_relation() writes an event in each.
logged('relation', {
  table: 'TaskRelation',
  verbs: { insert: 'created', delete: 'deleted' },
  writtenBy: 'log_relation',
})

const RelationType = builder.enumType('TaskRelationType', {
  description:
    'How a task is related to another. Every relation has two sides: BLOCKS on one task is BLOCKED_BY on the other.',
  values: TASK_RELATION_KINDS,
})

const TaskRelation = builder.objectRef<OwnRelation>('TaskRelation').implement({
  description:
    'A relation between two tasks, as seen from one of them. Relations to tasks you cannot see are left out.',
  fields: (t) => ({
    id: t.exposeID('id'),
    type: t.expose('type', { type: RelationType }),
    taskId: t.exposeID('taskId'),
    relatedTaskId: t.exposeID('relatedTaskId'),
    relatedTask: t.field({
      type: TaskType,
      nullable: true,
      resolve: ({ relatedTaskId }, _args, ctx, info) => loadTask(ctx, relatedTaskId, info),
    }),
    creatorId: t.exposeID('creatorId', { nullable: true }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
})

builder.objectField(TaskType, 'relations', (t) =>
  t.field({
    type: [TaskRelation],
    description: `Relations to tasks you can see, oldest first. Only the first ${DEFAULT_RELATIONS} by default; the task’s own list has all.`,
    extensions: { rules: relationList },
    validate: relationsRules,
    args: {
      first: t.arg.int({
        required: true,
        defaultValue: DEFAULT_RELATIONS,
        description: `Maximum number of relations, 1 to ${grouped(MAX_RELATIONS)}.`,
      }),
    },
    resolve: ({ id }, { first }, ctx) => loadRelations(ctx, { id, first }),
  }),
)

const CreateTaskRelationInput = builder.inputType('CreateTaskRelationInput', {
  validate: createTaskRelationRules,
  fields: (t) => ({
    type: t.field({ type: RelationType, required: true }),
    relatedTaskId: t.id({ required: true, description: 'Id or key of the other task. It can be in another project.' }),
  }),
})

builder.queryField('taskRelations', (t) =>
  t.field({
    type: [TaskRelation],
    description: 'List a task’s relations to tasks you can see, oldest first. Needs VIEWER on the task’s project.',
    access: { scope: 'tasks:read' },
    extensions: { rules: relationList },
    rest: { method: 'GET', path: '/tasks/{taskId}/relations', key: 'nodes' },
    args: { taskId: t.arg.id(TASK_ID_ARGUMENT) },
    resolve: (_root, { taskId }, ctx) => relations.listRelations(ctx, taskId),
  }),
)

builder.mutationField('createTaskRelation', (t) =>
  t.field({
    type: TaskRelation,
    description:
      'Relate a task to another. A chain of BLOCKS or DUPLICATES must not lead back to its start, and a task has at most 1,000 relations. Needs EDITOR on the projects of both tasks; for RELATES_TO, VIEWER is enough on that of the other task. A relation between projects ends when its creator leaves one of them.',
    access: { scope: 'tasks:write' },
    rest: {
      method: 'POST',
      path: '/tasks/{taskId}/relations',
      status: 201,
      body: 'input',
      location: (_relation, { taskId }) => `/tasks/${taskId}/relations`,
    },
    args: {
      taskId: t.arg.id(TASK_ID_ARGUMENT),
      input: t.arg({ type: CreateTaskRelationInput, required: true }),
    },
    resolve: (_root, { taskId, input }, ctx) => relations.createRelation(ctx, taskId, input),
  }),
)

builder.mutationField('deleteTaskRelation', (t) =>
  t.field({
    type: TaskRelation,
    description: 'Delete a relation, from either of its tasks. Needs EDITOR on the project of the given task.',
    access: { scope: 'tasks:write' },
    rest: { method: 'DELETE', path: '/tasks/{taskId}/relations/{id}', status: 204 },
    args: { taskId: t.arg.id(TASK_ID_ARGUMENT), id: t.arg.id({ required: true }) },
    resolve: (_root, { taskId, id }, ctx) => relations.deleteRelation(ctx, taskId, id),
  }),
)
