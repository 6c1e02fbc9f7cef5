import { builder } from '../../schema/builder.ts'
import { connectionType, listQuery, pageArguments } from '../../schema/lists.ts'
import { logged } from '../../schema/logged.ts'
import { findsNodes, Node } from '../../schema/node.ts'
import { EXPECTED_VERSION } from '../../schema/rules.ts'
import { TASK_ID_ARGUMENT } from '../tasks/key-type.ts'
import { loadTask } from '../tasks/loader.ts'
import { onVisibleTaskSql } from '../tasks/policy.ts'
import { TaskType } from '../tasks/type.ts'
import { loadUser } from '../users/loader.ts'
import { UserType } from '../users/schema.ts'
import { createCommentRules, listCommentsRules, mentions, pageOfCommentsRules, updateCommentRules } from './input.ts'
import { loadComments } from './loader.ts'
import * as comments from './service.ts'

logged('comment', {
  table: 'Comment',
  project: 'projectId',
  columns: ['taskId', 'body', 'mentionIds', 'editedAt'],
  fixed: ['taskId'],
})

const { body } = createCommentRules.shape

findsNodes({ name: 'Comment', scope: 'tasks:read', visible: onVisibleTaskSql })

export const CommentType = builder.prismaObject('Comment', {
  interfaces: [Node],
  select: { id: true },
  description: 'What a person says about a task.',
  fields: (t) => ({
    id: t.exposeID('id'),
    taskId: t.exposeID('taskId'),
    task: t.field({
      type: TaskType,
      nullable: true,
      select: { taskId: true },
      resolve: (comment, _args, ctx, info) => loadTask(ctx, comment.taskId, info),
    }),
    body: t.exposeString('body', { description: 'Markdown.', extensions: { rules: body } }),
    authorId: t.exposeID('authorId', { nullable: true, description: 'Null if the account was deleted.' }),
    // Not a relation: a write that returns one takes more statements.
    author: t.field({
      type: UserType,
      nullable: true,
      restEmbed: true,
      select: { authorId: true },
      resolve: ({ authorId }, _args, ctx, info) => (authorId === null ? null : loadUser(ctx, authorId, info)),
    }),
    mentionIds: t.exposeIDList('mentionIds', {
      description: 'Members of the project whom the body mentioned when it was written.',
      extensions: { rules: mentions },
    }),
    mentions: t.field({
      type: [UserType],
      extensions: { rules: mentions },
      select: { mentionIds: true },
      resolve: async ({ mentionIds }, _args, ctx, info) => {
        const users = await Promise.all(mentionIds.map((id) => loadUser(ctx, id, info)))
        return users.filter((user) => user !== null)
      },
    }),
    editedAt: t.expose('editedAt', { type: 'DateTime', nullable: true, description: 'Null if it was never edited.' }),
    version: t.exposeInt('version', { description: 'Increases by one with each change.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
  }),
})

const CommentConnection = connectionType(CommentType)

builder.objectField(TaskType, 'comments', (t) =>
  t.field({
    type: CommentConnection,
    description: 'Comments on the task, oldest first.',
    validate: pageOfCommentsRules,
    args: pageArguments,
    resolve: ({ id }, args, ctx, info) => loadComments(ctx, { taskId: id, args, query: listQuery(ctx, info) }),
  }),
)

const BODY =
  'Markdown, 1 to 10,000 characters. `@` and the e-mail address or name of a member of the project mentions that member.'

const CreateCommentInput = builder.inputType('CreateCommentInput', {
  validate: createCommentRules,
  fields: (t) => ({ body: t.string({ required: true, description: BODY }) }),
})

const UpdateCommentInput = builder.inputType('UpdateCommentInput', {
  description: 'Absent fields stay unchanged.',
  validate: updateCommentRules,
  fields: (t) => ({ body: t.string({ description: BODY }) }),
})

builder.queryField('comments', (t) =>
  t.field({
    type: CommentConnection,
    description: 'List the comments on a task, oldest first. Needs VIEWER on the task’s project.',
    access: { scope: 'tasks:read' },
    extensions: { errors: ['NOT_FOUND'] },
    rest: { method: 'GET', path: '/tasks/{taskId}/comments' },
    validate: listCommentsRules,
    args: { taskId: t.arg.id(TASK_ID_ARGUMENT), ...pageArguments },
    resolve: (_root, args, ctx, info) => comments.listComments(ctx, args, listQuery(ctx, info)),
  }),
)

builder.queryField('comment', (t) =>
  t.prismaField({
    type: 'Comment',
    nullable: true,
    description: 'A comment by id.',
    access: { scope: 'tasks:read' },
    rest: { method: 'GET', path: '/comments/{id}' },
    args: { id: t.arg.id({ required: true }) },
    resolve: (query, _root, { id }, ctx) => comments.getComment(ctx, id, query),
  }),
)

builder.mutationField('createComment', (t) =>
  t.prismaField({
    type: 'Comment',
    description: 'Comment on a task. Needs COMMENTER on the project.',
    access: { scope: 'tasks:write' },
    rest: {
      method: 'POST',
      path: '/tasks/{taskId}/comments',
      status: 201,
      body: 'input',
      location: ({ id }) => `/comments/${id}`,
    },
    args: { taskId: t.arg.id(TASK_ID_ARGUMENT), input: t.arg({ type: CreateCommentInput, required: true }) },
    resolve: (query, _root, { taskId, input }, ctx) => comments.createComment(ctx, taskId, input, query),
  }),
)

builder.mutationField('updateComment', (t) =>
  t.prismaField({
    type: 'Comment',
    description: 'Edit your own comment. Needs COMMENTER on the project.',
    access: { scope: 'tasks:write' },
    rest: { method: 'PATCH', path: '/comments/{id}', body: 'input' },
    args: {
      id: t.arg.id({ required: true }),
      input: t.arg({ type: UpdateCommentInput, required: true }),
      expectedVersion: t.arg.int({ description: EXPECTED_VERSION }),
    },
    resolve: (query, _root, { id, input, expectedVersion }, ctx) =>
      comments.updateComment(ctx, id, input, expectedVersion, query),
  }),
)

builder.mutationField('deleteComment', (t) =>
  t.prismaField({
    type: 'Comment',
    description: 'Delete your own comment, which needs COMMENTER, or any comment, which needs OWNER on the project.',
    access: { scope: 'tasks:write' },
    rest: { method: 'DELETE', path: '/comments/{id}', status: 204 },
    args: {
      id: t.arg.id({ required: true }),
      expectedVersion: t.arg.int({ description: EXPECTED_VERSION }),
    },
    resolve: (query, _root, { id, expectedVersion }, ctx) => comments.deleteComment(ctx, id, expectedVersion, query),
  }),
)
