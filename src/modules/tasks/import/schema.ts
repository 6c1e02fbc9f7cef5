import { z } from 'zod'
import { builder } from '../../../schema/builder.ts'
import { IMPORT_FORMAT_NAMES, importTasksRules, ON_ERROR } from './input.ts'
import { MAX_RESULTS, ROW_STATUSES, type RowOutcome } from './results.ts'
import { type ImportResult, importTasks } from './service.ts'

const ImportedRow = builder.objectRef<RowOutcome>('ImportedRow').implement({
  description: 'Outcome of one row of the file.',
  fields: (t) => ({
    line: t.exposeInt('line', {
      description: 'Line of the file on which the row begins, from 1. In JSON, the place of the item.',
    }),
    status: t.expose('status', {
      type: builder.enumType('ImportedRowStatus', {
        description: 'UNCHANGED: the task was imported before, and is as the row says. SKIPPED: the row is no task.',
        values: ROW_STATUSES,
      }),
    }),
    taskId: t.exposeID('taskId', {
      nullable: true,
      description: 'Null if it failed. In a dry run, nothing has the id of a new task.',
    }),
    message: t.exposeString('message', { nullable: true, description: 'Why it failed or was skipped.' }),
    warnings: t.exposeStringList('warnings', { description: 'What the file has and the task has not.' }),
  }),
})

const ImportTasksPayload = builder.objectRef<ImportResult>('ImportTasksPayload').implement({
  description: 'Result of an import. For a dry run, the result it would have had.',
  fields: (t) => ({
    created: t.exposeInt('created'),
    updated: t.exposeInt('updated'),
    unchanged: t.exposeInt('unchanged'),
    skipped: t.exposeInt('skipped'),
    failed: t.exposeInt('failed'),
    dryRun: t.exposeBoolean('dryRun'),
    stopped: t.exposeBoolean('stopped', { description: 'True if it ended at a row that failed.' }),
    unknownColumns: t.exposeStringList('unknownColumns', {
      description: 'Columns of a CSV file that were not imported.',
    }),
    results: t.field({
      type: [ImportedRow],
      restEmbed: true,
      description: 'Outcomes in the order of the file, at most 1,000: those with a message or a warning come first.',
      extensions: { rules: z.array(z.unknown()).max(MAX_RESULTS), counted: true },
      resolve: ({ results }) => results,
    }),
    resultsTruncated: t.exposeBoolean('resultsTruncated', { description: 'True if outcomes were left out.' }),
  }),
})

builder.mutationField('importTasks', (t) =>
  t.field({
    type: ImportTasksPayload,
    description:
      'Import tasks from a file into a project. Over REST the file can be large: it is read while it arrives. Rows with externalSource and externalId update the task that was imported from there. Missing labels are created; assignees are found by e-mail address among the members. Needs EDITOR on the project.',
    access: { scope: 'tasks:write' },
    extensions: { errors: ['NOT_FOUND'] },
    rest: {
      method: 'POST',
      path: '/tasks/import',
      streamedBody: {
        argument: 'content',
        types: ['text/csv', 'application/x-ndjson', 'application/json'],
        limit: 'IMPORT_LIMIT',
      },
    },
    validate: importTasksRules,
    args: {
      projectId: t.arg.id({ required: true }),
      format: t.arg({
        type: builder.enumType('ImportFormat', {
          description: 'csv, ndjson and json are those of an export. The others are files of other programs.',
          values: IMPORT_FORMAT_NAMES,
        }),
        required: true,
      }),
      dryRun: t.arg.boolean({ description: 'Write nothing, and return the result it would have had.' }),
      onError: t.arg({
        type: builder.enumType('ImportErrorMode', {
          description: 'continue: a row that fails stops nothing. stop: rows after it are not imported.',
          values: ON_ERROR,
        }),
        description: 'continue by default.',
      }),
      map: t.arg.stringList({ description: 'Fields of CSV columns that are named otherwise, like Name:title.' }),
      content: t.arg({ type: 'Content', required: true }),
    },
    resolve: (_root, args, ctx) => importTasks(ctx, args),
  }),
)
