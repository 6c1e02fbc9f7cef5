import { builder } from '../../schema/builder.ts'
import { connectionType, listQuery, pageArguments } from '../../schema/lists.ts'
import { logged } from '../../schema/logged.ts'
import { findsNodes, Node } from '../../schema/node.ts'
import { TASK_ID_ARGUMENT } from '../tasks/key-type.ts'
import { loadTask } from '../tasks/loader.ts'
import { onVisibleTaskSql } from '../tasks/policy.ts'
import { TaskType } from '../tasks/type.ts'
import { loadUser } from '../users/loader.ts'
import { UserType } from '../users/schema.ts'
import { filename, listAttachmentsRules, pageOfAttachmentsRules, sha256, size, uploadAttachmentRules } from './input.ts'
import { loadAttachments } from './loader.ts'
import { receiveUpload } from './receive.ts'
import * as attachments from './service.ts'

logged('attachment', {
  table: 'Attachment',
  verbs: { insert: 'created', delete: 'deleted' },
  project: 'projectId',
  columns: ['taskId', 'filename', 'contentType', 'size'],
  versioned: false,
})

findsNodes({ name: 'Attachment', scope: 'tasks:read', visible: onVisibleTaskSql })

export const AttachmentType = builder.prismaObject('Attachment', {
  interfaces: [Node],
  select: { id: true },
  description: 'A file on a task. `GET /attachments/{id}/content` has its bytes.',
  fields: (t) => ({
    id: t.exposeID('id'),
    taskId: t.exposeID('taskId'),
    task: t.field({
      type: TaskType,
      nullable: true,
      select: { taskId: true },
      resolve: (attachment, _args, ctx, info) => loadTask(ctx, attachment.taskId, info),
    }),
    filename: t.exposeString('filename', { extensions: { rules: filename } }),
    contentType: t.exposeString('contentType', {
      description: 'Media type: what the first bytes say, else what the uploader said. A hint, not a promise.',
    }),
    size: t.exposeInt('size', { description: 'In bytes.', extensions: { rules: size } }),
    sha256: t.exposeString('sha256', {
      description: 'SHA-256 of the bytes, in hex.',
      extensions: { rules: sha256 },
    }),
    uploaderId: t.exposeID('uploaderId', { nullable: true, description: 'Null if the account was deleted.' }),
    // Not a relation: a write that returns one takes more statements.
    uploader: t.field({
      type: UserType,
      nullable: true,
      select: { uploaderId: true },
      resolve: ({ uploaderId }, _args, ctx, info) => (uploaderId === null ? null : loadUser(ctx, uploaderId, info)),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
})

const AttachmentConnection = connectionType(AttachmentType)

builder.objectField(TaskType, 'attachments', (t) =>
  t.field({
    type: AttachmentConnection,
    description: 'Files on the task, oldest first.',
    validate: pageOfAttachmentsRules,
    args: pageArguments,
    resolve: ({ id }, args, ctx, info) => loadAttachments(ctx, { taskId: id, args, query: listQuery(ctx, info) }),
  }),
)

builder.queryField('attachments', (t) =>
  t.field({
    type: AttachmentConnection,
    description: 'List the files on a task, oldest first. Needs VIEWER on the task’s project.',
    access: { scope: 'tasks:read' },
    extensions: { errors: ['NOT_FOUND'] },
    rest: { method: 'GET', path: '/tasks/{taskId}/attachments' },
    validate: listAttachmentsRules,
    args: { taskId: t.arg.id(TASK_ID_ARGUMENT), ...pageArguments },
    resolve: (_root, args, ctx, info) => attachments.listAttachments(ctx, args, listQuery(ctx, info)),
  }),
)

builder.queryField('attachment', (t) =>
  t.prismaField({
    type: 'Attachment',
    nullable: true,
    description: 'An attachment by id, without its bytes.',
    access: { scope: 'tasks:read' },
    rest: {
      method: 'GET',
      path: '/attachments/{id}',
      content: {
        path: '/attachments/{id}/content',
        operationId: 'attachmentContent',
        description: 'The bytes of an attachment. Sent so that a browser saves them; whole, or one range of them.',
        open: (answer, ctx) => attachments.openContent(ctx as never, answer as never),
      },
    },
    args: { id: t.arg.id({ required: true }) },
    resolve: (query, _root, { id }, ctx) => attachments.getAttachment(ctx, id, query),
  }),
)

const taskId = ['taskId'] as const

builder.mutationField('uploadAttachment', (t) =>
  t.prismaField({
    type: 'Attachment',
    description: 'Attach a file to a task. Needs EDITOR on the project.',
    access: { scope: 'tasks:write' },
    rest: {
      method: 'POST',
      path: '/tasks/{taskId}/attachments',
      status: 201,
      body: 'file',
      location: ({ id }) => `/attachments/${id}`,
      also: [
        {
          method: 'PUT',
          path: '/tasks/{taskId}/attachments',
          operationId: 'putAttachment',
          fills: { taskId },
        },
        {
          method: 'PUT',
          path: '/tasks/{taskId}/attachments/{filename}',
          operationId: 'putNamedAttachment',
          fills: { taskId, filename: ['filename'] },
        },
      ],
    },
    receive: async (args, ctx) => {
      args.file.received = await receiveUpload(ctx, args)
    },
    validate: uploadAttachmentRules,
    args: {
      taskId: t.arg.id(TASK_ID_ARGUMENT),
      file: t.arg({ type: 'Upload', required: true }),
      filename: t.arg.string({
        description: 'Replaces the name that the file is sent with. Of a path, the last part.',
      }),
    },
    resolve: (query, _root, args, ctx) => attachments.uploadAttachment(ctx, args, query),
  }),
)

builder.mutationField('deleteAttachment', (t) =>
  t.prismaField({
    type: 'Attachment',
    description: 'Delete a file that you attached, which needs EDITOR, or any file, which needs OWNER on the project.',
    access: { scope: 'tasks:write' },
    rest: { method: 'DELETE', path: '/attachments/{id}', status: 204 },
    args: { id: t.arg.id({ required: true }) },
    resolve: (query, _root, { id }, ctx) => attachments.deleteAttachment(ctx, id, query),
  }),
)
