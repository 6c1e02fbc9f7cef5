import { queryFromInfo } from '@pothos/plugin-prisma'
import type { GraphQLResolveInfo } from 'graphql'
import { builder } from '../../builder.ts'
import type { Context } from '../../context.ts'
import { ERROR_CODES, type ErrorCode, type Issue } from '../../gateway/errors.ts'
import { type BatchResult, type ItemError, OUTCOME_STATUSES, type Outcome } from './bulk.ts'
import { bulkDeleteTasks, bulkUpdateTasks } from './bulk-change.ts'
import { bulkCreateTasks } from './bulk-create.ts'
import { bulkCreateItemRules, bulkDeleteItemRules, bulkRules, bulkUpdateItemRules } from './bulk-input.ts'
import { changedTaskFields, newTaskFields, projectOfTask } from './input-types.ts'
import { TaskType } from './type.ts'

const ErrorCodeType = builder.enumType('ErrorCode', {
  description: 'What kind of error it is.',
  values: Object.keys(ERROR_CODES) as ErrorCode[],
})

const IssueType = builder.objectRef<Issue>('Issue').implement({
  description: 'One problem with one value.',
  fields: (t) => ({
    path: t.field({
      type: ['JSON'],
      description: 'Names and indexes that lead from the input to the value, like ["items", 3, "title"].',
      extensions: {
        jsonSchema: {
          type: 'array',
          items: { type: ['string', 'integer'], format: 'int32', minimum: 0, maximum: 2 ** 31 - 1 },
        },
      },
      resolve: ({ path }) => path,
    }),
    code: t.exposeString('code', { description: 'The rule that was broken.' }),
    message: t.exposeString('message'),
  }),
})

const ItemErrorType = builder.objectRef<ItemError>('BulkItemError').implement({
  description: 'Why an item failed: the code that the single operation would have answered.',
  fields: (t) => ({
    code: t.expose('code', { type: ErrorCodeType }),
    message: t.exposeString('message'),
    issues: t.field({ type: [IssueType], restEmbed: true, resolve: ({ issues }) => issues }),
  }),
})

const OutcomeType = builder.objectRef<Outcome>('BulkTaskOutcome').implement({
  description: 'What became of one item.',
  fields: (t) => ({
    index: t.exposeInt('index', { description: 'Its place among the items, from 0.' }),
    status: t.expose('status', {
      type: builder.enumType('BulkOutcomeStatus', {
        description: 'ROLLED_BACK: nothing was wrong with it, but with another item of an atomic batch.',
        values: OUTCOME_STATUSES,
      }),
    }),
    task: t.expose('task', { type: TaskType, nullable: true, restEmbed: true }),
    error: t.expose('error', { type: ItemErrorType, nullable: true, restEmbed: true }),
  }),
})

const BulkTasksPayload = builder.objectRef<BatchResult>('BulkTasksPayload').implement({
  description: 'What became of a batch. With dryRun it is what would have become of it.',
  fields: (t) => ({
    succeeded: t.exposeInt('succeeded'),
    failed: t.exposeInt('failed'),
    dryRun: t.exposeBoolean('dryRun'),
    outcomes: t.field({
      type: [OutcomeType],
      restEmbed: true,
      description: 'One for each item, in their order.',
      extensions: { rules: bulkRules.shape.items },
      resolve: ({ outcomes }) => outcomes,
    }),
  }),
})

const VERSION = 'The version the change is based on; another one fails the item.'

const BulkCreateItem = builder.inputType('BulkCreateTaskItem', {
  extensions: { rules: bulkCreateItemRules },
  fields: (t) => ({ projectId: projectOfTask(t), ...newTaskFields(t) }),
})

const BulkUpdateItem = builder.inputType('BulkUpdateTaskItem', {
  description: 'Absent fields stay as they are; null clears a field that may be empty.',
  extensions: { rules: bulkUpdateItemRules },
  fields: (t) => ({
    id: t.id({ required: true, description: 'The task’s id or key.' }),
    expectedVersion: t.int({ description: VERSION }),
    ...changedTaskFields(t),
  }),
})

const BulkDeleteItem = builder.inputType('BulkDeleteTaskItem', {
  extensions: { rules: bulkDeleteItemRules },
  fields: (t) => ({
    id: t.id({ required: true, description: 'The task’s id or key.' }),
    expectedVersion: t.int({ description: VERSION }),
  }),
})

function batchInput<Item extends typeof BulkCreateItem | typeof BulkUpdateItem | typeof BulkDeleteItem>(
  name: string,
  item: Item,
) {
  return builder.inputType(name, {
    validate: bulkRules,
    fields: (t) => ({
      items: t.field({ type: [item], required: true, description: '1 to 1,000.' }),
      atomic: t.boolean({
        defaultValue: false,
        description: 'All or nothing: if one item fails, nothing of the batch stays.',
      }),
      dryRun: t.boolean({
        defaultValue: false,
        description:
          'Change nothing, and answer what would have become of it; what is counted of a task stays as it is.',
      }),
    }),
  })
}

/** What an item fails with is in its outcome; only what is wrong with the batch as a whole is an error. */
const EACH = 'Up to 1,000 at once, with an outcome for each.'

const tasksIn = (ctx: Context, info: GraphQLResolveInfo) =>
  queryFromInfo({ context: ctx, info, typeName: 'Task', path: ['outcomes', 'task'] })

builder.mutationField('bulkCreateTasks', (t) =>
  t.field({
    type: BulkTasksPayload,
    description: `Create tasks. ${EACH}`,
    authScopes: { scope: 'tasks:write' },
    rest: { method: 'POST', path: '/tasks/bulk', body: 'input', large: true },
    args: { input: t.arg({ type: batchInput('BulkCreateTasksInput', BulkCreateItem), required: true }) },
    resolve: (_root, { input }, ctx, info) => bulkCreateTasks(ctx, input, tasksIn(ctx, info)),
  }),
)

builder.mutationField('bulkUpdateTasks', (t) =>
  t.field({
    type: BulkTasksPayload,
    description: `Change tasks, each its own fields. ${EACH}`,
    authScopes: { scope: 'tasks:write' },
    rest: { method: 'PATCH', path: '/tasks/bulk', body: 'input', large: true },
    args: { input: t.arg({ type: batchInput('BulkUpdateTasksInput', BulkUpdateItem), required: true }) },
    resolve: (_root, { input }, ctx, info) => bulkUpdateTasks(ctx, input, tasksIn(ctx, info)),
  }),
)

builder.mutationField('bulkDeleteTasks', (t) =>
  t.field({
    type: BulkTasksPayload,
    description: `Put tasks into the trash. ${EACH}`,
    authScopes: { scope: 'tasks:write' },
    rest: { method: 'POST', path: '/tasks/bulk-delete', body: 'input', large: true },
    args: { input: t.arg({ type: batchInput('BulkDeleteTasksInput', BulkDeleteItem), required: true }) },
    resolve: (_root, { input }, ctx, info) => bulkDeleteTasks(ctx, input, tasksIn(ctx, info)),
  }),
)
