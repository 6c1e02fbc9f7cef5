import { builder } from '../../../schema/builder.ts'
import { DownloadType } from '../../../schema/download.ts'
import { selectArguments } from '../list/select-arguments.ts'
import { EXPORT_FORMATS } from './formats.ts'
import { EXPORT_FORMAT_NAMES, exportTasksRules } from './input.ts'
import { exportTasks } from './service.ts'

const mediaType = (contentType: string) => contentType.split(';')[0] ?? contentType

builder.queryField('exportTasks', (t) =>
  t.field({
    type: DownloadType,
    description:
      'Export tasks as a file: all that are visible to you and match the filter, in the order of the list. Streamed, so it can have any length.',
    access: { scope: 'tasks:read' },
    extensions: { errors: ['NOT_FOUND'] },
    rest: {
      method: 'GET',
      path: '/tasks/export',
      download: { types: Object.values(EXPORT_FORMATS).map(({ contentType }) => mediaType(contentType)) },
    },
    validate: exportTasksRules,
    args: {
      ...selectArguments,
      format: t.arg({
        type: builder.enumType('ExportFormat', {
          description: 'csv: for spreadsheets. ndjson: one JSON object per line. json: an array. ics: calendar to-dos.',
          values: EXPORT_FORMAT_NAMES,
        }),
        description: 'csv by default.',
      }),
    },
    resolve: (_root, args, ctx) => exportTasks(ctx, args),
  }),
)
