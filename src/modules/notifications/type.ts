import type { NotificationKind } from '../../generated/prisma/enums.ts'
import { builder } from '../../schema/builder.ts'
import { cursor } from '../../schema/lists.ts'
import { logged } from '../../schema/logged.ts'
import { findsNodes, Node } from '../../schema/node.ts'
import { loadComment } from '../comments/loader.ts'
import { CommentType } from '../comments/schema.ts'
import { loadTask } from '../tasks/loader.ts'
import { TaskType } from '../tasks/type.ts'
import { loadUser } from '../users/loader.ts'
import { UserType } from '../users/schema.ts'
import { notifyUserRules } from './input.ts'
import { visibleNotificationsSql } from './policy.ts'

// For the streams of the recipients: the events of projects do not show them.
logged('notification', {
  table: 'Notification',
  internal: true,
  verbs: { insert: 'created' },
  subject: 'recipientId',
  columns: [],
  state: ['id'],
  versioned: false,
})

findsNodes({ name: 'Notification', scope: 'tasks:read', visible: visibleNotificationsSql })

const KINDS: Record<NotificationKind, { description: string }> = {
  ASSIGNED: { description: 'Somebody assigned a task to you.' },
  MENTIONED: { description: 'Somebody mentioned you in a comment.' },
  COMMENTED: {
    description: 'Somebody commented on a task that you created, that is assigned to you or that you commented on.',
  },
  UPDATED: { description: 'Somebody changed a task that is assigned to you, and asked to tell you.' },
  DUE_SOON: { description: 'A task is due soon that is assigned to you, or to nobody and you created it.' },
  ADMIN_NOTICE: { description: 'An ADMIN wrote to you.' },
}

export const NotificationKindType = builder.enumType('NotificationKind', {
  description: 'What a notification is about.',
  values: KINDS,
})

export const NotificationType = builder.prismaObject('Notification', {
  interfaces: [Node],
  select: { id: true },
  description: 'Something that you were told. You never get one for what you did yourself.',
  fields: (t) => ({
    id: t.exposeID('id'),
    kind: t.expose('kind', { type: NotificationKindType }),
    recipientId: t.exposeID('recipientId', { description: 'Your own id.' }),
    actorId: t.exposeID('actorId', {
      nullable: true,
      description: 'Who did it. Null if the server did, or if the account was deleted.',
    }),
    actor: t.field({
      type: UserType,
      nullable: true,
      restEmbed: true,
      select: { actorId: true },
      resolve: ({ actorId }, _args, ctx, info) => (actorId === null ? null : loadUser(ctx, actorId, info)),
    }),
    taskId: t.exposeID('taskId', { nullable: true }),
    task: t.field({
      type: TaskType,
      nullable: true,
      restEmbed: true,
      description: 'The task in its current state. Null for an ADMIN_NOTICE.',
      select: { taskId: true },
      resolve: ({ taskId }, _args, ctx, info) => (taskId === null ? null : loadTask(ctx, taskId, info)),
    }),
    commentId: t.exposeID('commentId', { nullable: true }),
    comment: t.field({
      type: CommentType,
      nullable: true,
      select: { commentId: true },
      resolve: ({ commentId }, _args, ctx, info) => (commentId === null ? null : loadComment(ctx, commentId, info)),
    }),
    message: t.exposeString('message', {
      nullable: true,
      description: 'Text of an ADMIN_NOTICE, null otherwise.',
      extensions: { rules: notifyUserRules.shape.message },
    }),
    dueAt: t.expose('dueAt', {
      type: 'DateTime',
      nullable: true,
      description: 'The due time that a DUE_SOON is about, null otherwise.',
    }),
    eventCursor: t.string({
      nullable: true,
      description: 'Cursor of the event that caused it. Null if the clock did.',
      extensions: { rules: cursor },
      select: { eventPosition: true },
      resolve: ({ eventPosition }, _args, { services }) =>
        eventPosition === null ? null : services.tail.cursor(eventPosition),
    }),
    readAt: t.expose('readAt', { type: 'DateTime', nullable: true, description: 'Null if it is unread.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    cursor: t.string({
      nullable: true,
      description:
        'Place in the stream of notifications: pass it as `after` to continue from here. Null outside of streams.',
      extensions: { rules: cursor },
      resolve: (notification) => (notification as { cursor?: string }).cursor ?? null,
    }),
  }),
})
