import { queryFromInfo } from '@pothos/plugin-prisma'
import type { GraphQLResolveInfo } from 'graphql'
import { ERROR_CODES, type ErrorCode, type Issue } from '../../../gateway/errors.ts'
import type { Context } from '../../../request/context.ts'
import { builder } from '../../../schema/builder.ts'
import { changedTaskFields, newTaskFields, projectOfTask } from '../input-types.ts'
import { TaskType } from '../type.ts'
import { type BatchResult, type ItemError, type ItemOutcome, OUTCOME_STATUSES } from './batch.ts'
import { bulkDeleteTasks, bulkUpdateTasks } from './change.ts'
import { bulkCreateTasks } from './create.ts'
import { bulkCreateItemRules, bulkDeleteItemRules, bulkRules, bulkUpdateItemRules, itemIssues } from './input.ts'

const ErrorCodeType = builder.enumType('ErrorCode', {
  description: 'Kind of error.',
  values: Object.keys(ERROR_CODES) as ErrorCode[],
})

const IssueType = builder.objectRef<Issue>('Issue').implement({
  description: 'One problem with one value.',
  fields: (t) => ({
    path: t.field({
      type: ['JSON'],
      description: 'Path from the input to the value, like ["items", 3, "title"].',
      extensions: {
        jsonSchema: {
          type: 'array',
          items: { type: ['string', 'integer'], format: 'int32', minimum: 0, maximum: 2 ** 31 - 1 },
        },
      },
      resolve: ({ path }) => path,
    }),
    code: t.exposeString('code', { description: 'The broken rule.' }),
    message: t.exposeString('message'),
  }),
})

const ItemErrorType = builder.objectRef<ItemError>('BulkItemError').implement({
  description: 'Why an item failed. The code is the one the single operation would return.',
  fields: (t) => ({
    code: t.expose('code', { type: ErrorCodeType }),
    message: t.exposeString('message'),
    issues: t.field({
      type: [IssueType],
      restEmbed: true,
      extensions: { rules: itemIssues },
      resolve: ({ issues }) => issues,
    }),
  }),
})

const OutcomeType = builder.objectRef<ItemOutcome>('BulkTaskOutcome').implement({
  description: 'Result of one item.',
  fields: (t) => ({
    index: t.exposeInt('index', { description: 'Index of the item, from 0.' }),
    status: t.expose('status', {
      type: builder.enumType('BulkOutcomeStatus', {
        description: 'ROLLED_BACK: the item was valid, but another item of the atomic batch failed.',
        values: OUTCOME_STATUSES,
      }),
    }),
    task: t.expose('task', { type: TaskType, nullable: true, restEmbed: true }),
    error: t.expose('error', { type: ItemErrorType, nullable: true, restEmbed: true }),
  }),
})

const BulkTasksPayload = builder.objectRef<BatchResult>('BulkTasksPayload').implement({
  description: 'Result of a batch. For a dry run, the result it would have had.',
  fields: (t) => ({
    succeeded: t.exposeInt('succeeded'),
    failed: t.exposeInt('failed'),
    dryRun: t.exposeBoolean('dryRun'),
    outcomes: t.field({
      type: [OutcomeType],
      restEmbed: true,
      description: 'One per item, in the same order.',
      extensions: { rules: bulkRules.shape.items, counted: true },
      resolve: ({ outcomes }) => outcomes,
    }),
  }),
})

const VERSION = 'Version the change is based on. The item fails if the task has another version.'

const BulkCreateItem = builder.inputType('BulkCreateTaskItem', {
  extensions: { rules: bulkCreateItemRules },
  fields: (t) => ({ projectId: projectOfTask(t), ...newTaskFields(t) }),
})

const BulkUpdateItem = builder.inputType('BulkUpdateTaskItem', {
  description: 'Absent fields keep their value. Null clears an optional field.',
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
      items: t.field({ type: [item], required: true, description: '1 to 1,000 items.' }),
      atomic: t.boolean({
        defaultValue: false,
        description: 'All or nothing: if one item fails, nothing is written.',
      }),
      dryRun: t.boolean({
        defaultValue: false,
        description:
          'Write nothing and return the outcomes the batch would have had. Counts of sub-tasks stay unchanged.',
      }),
    }),
  })
}

/** For the cost of an operation: one outcome for each item. */
const sizeOf = ({ input }: Record<string, unknown>) =>
  (input as { items: readonly unknown[] } | undefined)?.items.length ?? 0

const EACH = 'Up to 1,000 at once. Each item has its own outcome; only an invalid batch is an error.'

/** A stored answer is refused to a viewer who lost a project of it. */
const REPLAY_ERRORS = { errors: ['NOT_FOUND'] }

const outcomeQuery = (ctx: Context, info: GraphQLResolveInfo) =>
  queryFromInfo({ context: ctx, info, typeName: 'Task', path: ['outcomes', 'task'] })

builder.mutationField('bulkCreateTasks', (t) =>
  t.field({
    type: BulkTasksPayload,
    description: `Create tasks. ${EACH}`,
    access: { scope: 'tasks:write' },
    extensions: { ...REPLAY_ERRORS, items: sizeOf },
    rest: { method: 'POST', path: '/tasks/bulk', body: 'input', large: true },
    args: { input: t.arg({ type: batchInput('BulkCreateTasksInput', BulkCreateItem), required: true }) },
    resolve: (_root, { input }, ctx, info) => bulkCreateTasks(ctx, input, outcomeQuery(ctx, info)),
  }),
)

builder.mutationField('bulkUpdateTasks', (t) =>
  t.field({
    type: BulkTasksPayload,
    description: `Update tasks. ${EACH}`,
    access: { scope: 'tasks:write' },
    extensions: { ...REPLAY_ERRORS, items: sizeOf },
    rest: { method: 'PATCH', path: '/tasks/bulk', body: 'input', large: true },
    args: { input: t.arg({ type: batchInput('BulkUpdateTasksInput', BulkUpdateItem), required: true }) },
    resolve: (_root, { input }, ctx, info) => bulkUpdateTasks(ctx, input, outcomeQuery(ctx, info)),
  }),
)

builder.mutationField('bulkDeleteTasks', (t) =>
  t.field({
    type: BulkTasksPayload,
    description: `Move tasks to the trash. ${EACH}`,
    access: { scope: 'tasks:write' },
    extensions: { ...REPLAY_ERRORS, items: sizeOf },
    rest: { method: 'POST', path: '/tasks/bulk-delete', body: 'input', large: true },
    args: { input: t.arg({ type: batchInput('BulkDeleteTasksInput', BulkDeleteItem), required: true }) },
    resolve: (_root, { input }, ctx, info) => bulkDeleteTasks(ctx, input, outcomeQuery(ctx, info)),
  }),
)
