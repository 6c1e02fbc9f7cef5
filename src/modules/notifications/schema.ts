import { z } from 'zod'
import { builder } from '../../schema/builder.ts'
import { connectionType, listQuery, pageArguments } from '../../schema/lists.ts'
import {
  followNotificationsRules,
  listNotificationsRules,
  markNotificationsReadRules,
  notifyUserRules,
  preferences,
  pushUrl,
  updatePreferencesRules,
} from './input.ts'
import { notifyUser, type QueuedNotice } from './notice-service.ts'
import { getPreferences, type Preference, type Preferences, updatePreferences } from './preferences-service.ts'
import * as notifications from './service.ts'
import { NotificationKindType, NotificationType } from './type.ts'

const NotificationConnection = connectionType(NotificationType)

builder.queryField('notifications', (t) =>
  t.field({
    type: NotificationConnection,
    description: 'Your notifications, newest first. One about a task is shown only while you see the task.',
    access: { scope: 'tasks:read' },
    rest: { method: 'GET', path: '/notifications' },
    validate: listNotificationsRules,
    args: {
      unread: t.arg.boolean({ description: 'True for unread ones, false for read ones.' }),
      kinds: t.arg({ type: [NotificationKindType], description: 'Only these kinds.' }),
      ...pageArguments,
    },
    resolve: (_root, args, ctx, info) => notifications.listNotifications(ctx, args, listQuery(ctx, info)),
  }),
)

const MarkedRead = builder.objectRef<notifications.MarkedRead>('MarkedRead').implement({
  description: 'What marking notifications as read has changed.',
  fields: (t) => ({
    marked: t.exposeInt('marked', { description: 'How many of them were unread.' }),
    unread: t.exposeInt('unread', { description: 'How many of your notifications are unread now.' }),
  }),
})

builder.mutationField('markNotificationsRead', (t) =>
  t.field({
    type: MarkedRead,
    description: 'Mark some or all of your notifications as read. If one of the ids is unknown, none is marked.',
    access: { scope: 'tasks:write' },
    extensions: { errors: ['NOT_FOUND'] },
    rest: { method: 'POST', path: '/notifications/read', body: ['ids', 'all'] },
    validate: markNotificationsReadRules,
    args: {
      ids: t.arg.idList({ description: 'At most 100.' }),
      all: t.arg.boolean({ description: 'True marks all. Cannot be combined with `ids`.' }),
    },
    resolve: (_root, args, ctx) => notifications.markNotificationsRead(ctx, args),
  }),
)

builder.subscriptionField('notifications', (t) =>
  t.field({
    type: NotificationType,
    description:
      'Your new notifications, live. With `after`, the stream first replays everything since that cursor: nothing is lost or repeated.',
    access: { scope: 'tasks:read' },
    extensions: { errors: ['CURSOR_EXPIRED', 'RATE_LIMITED'] },
    rest: { stream: true, path: '/notifications/stream', id: 'cursor', event: 'kind' },
    resume: 'after',
    validate: followNotificationsRules,
    args: { after: t.arg.string({ description: 'Start after this cursor. By default the stream starts now.' }) },
    subscribe: (_root, { after }, ctx) => notifications.followNotifications(ctx, after),
    resolve: (notification) => notification,
  }),
)

const PreferenceType = builder.objectRef<Preference>('NotificationPreference').implement({
  description: 'How you are notified of one kind.',
  fields: (t) => ({
    kind: t.expose('kind', { type: NotificationKindType }),
    inProduct: t.exposeBoolean('inProduct', { description: 'Shown in `notifications`.' }),
    email: t.exposeBoolean('email', { description: 'Sent by e-mail, if this server can send any.' }),
    push: t.exposeBoolean('push', { description: 'Sent to your push URL, if you have set one.' }),
  }),
})

const PreferencesType = builder.objectRef<Preferences>('NotificationPreferences').implement({
  description: 'How you are notified. Everything is on until you turn it off.',
  fields: (t) => ({
    pushUrl: t.exposeString('pushUrl', {
      nullable: true,
      description: 'Where push messages go: the URL of an ntfy topic, or anything that takes a POST of plain text.',
      extensions: { rules: pushUrl },
    }),
    kinds: t.field({
      type: [PreferenceType],
      restEmbed: true,
      description: 'One for each kind.',
      extensions: { rules: preferences },
      resolve: ({ kinds }) => kinds,
    }),
  }),
})

builder.queryField('notificationPreferences', (t) =>
  t.field({
    type: PreferencesType,
    description: 'How you are notified.',
    access: { person: true },
    rest: { method: 'GET', path: '/notifications/preferences' },
    resolve: (_root, _args, ctx) => getPreferences(ctx),
  }),
)

const NotificationPreferenceInput = builder.inputType('NotificationPreferenceInput', {
  description: 'Absent fields stay unchanged.',
  fields: (t) => ({
    kind: t.field({ type: NotificationKindType, required: true }),
    inProduct: t.boolean(),
    email: t.boolean(),
    push: t.boolean(),
  }),
})

const UpdateNotificationPreferencesInput = builder.inputType('UpdateNotificationPreferencesInput', {
  description: 'Absent fields stay unchanged.',
  validate: updatePreferencesRules,
  fields: (t) => ({
    pushUrl: t.string({ description: 'An http:// or https:// URL, at most 2,000 characters. Null turns push off.' }),
    kinds: t.field({ type: [NotificationPreferenceInput], description: 'The kinds to change, each once.' }),
  }),
})

builder.mutationField('updateNotificationPreferences', (t) =>
  t.field({
    type: PreferencesType,
    description: 'Change how you are notified.',
    access: { person: true },
    rest: { method: 'PATCH', path: '/notifications/preferences', body: 'input' },
    args: { input: t.arg({ type: UpdateNotificationPreferencesInput, required: true }) },
    resolve: (_root, { input }, ctx) => updatePreferences(ctx, input),
  }),
)

const QueuedNoticeType = builder.objectRef<QueuedNotice>('QueuedNotice').implement({
  description: 'A message that is on its way.',
  fields: (t) => ({
    id: t.exposeID('id'),
    userId: t.exposeID('userId', { extensions: { rules: z.string() } }),
  }),
})

const NotifyUserInput = builder.inputType('NotifyUserInput', {
  validate: notifyUserRules,
  fields: (t) => ({ message: t.string({ required: true, description: '1 to 2,000 characters.' }) }),
})

builder.mutationField('notifyUser', (t) =>
  t.field({
    type: QueuedNoticeType,
    description: 'Send a message to a user, who gets it as an ADMIN_NOTICE a moment later. Needs an ADMIN.',
    access: { admin: true },
    rest: { method: 'POST', path: '/users/{userId}/notify', status: 202, body: 'input' },
    args: { userId: t.arg.id({ required: true }), input: t.arg({ type: NotifyUserInput, required: true }) },
    resolve: (_root, { userId, input }, ctx) => notifyUser(ctx, userId, input),
  }),
)
