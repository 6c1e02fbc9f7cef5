import { createHash } from 'node:crypto'
import { z } from 'zod'
import { AppError, cursorRule, type Logged } from '../../src/gateway/library/exports.ts'
import { builder, type ChatMessage } from './builder.ts'
import type { Notification } from './notifications.ts'
import { codes, fetchWeather, type Weather } from './weather.ts'

const line = (max: number) => z.string().trim().min(1).max(max).meta({ minLength: 1, maxLength: max, pattern: '\\S' })

/** Rules of a message in the chat, however it arrives. */
export const messageRules = z.object({ name: line(50), text: line(1_000) })

const WeatherType = builder.objectRef<Weather>('Weather').implement({
  description: 'The weather of now.',
  fields: (t) => ({
    city: t.exposeString('city'),
    celsius: t.exposeFloat('celsius'),
    sky: t.exposeString('sky'),
  }),
})

const MessageType = builder.objectRef<Logged<ChatMessage & { kind: string }>>('ChatMessage').implement({
  description: 'A message in the chat.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', { description: 'Send it as `after` to resume after this message.' }),
    kind: t.exposeString('kind'),
    name: t.exposeString('name'),
    text: t.exposeString('text'),
  }),
})

const NotificationState = builder.enumType('NotificationState', { values: ['QUEUED', 'SENT', 'FAILED'] as const })

const NotificationType = builder.objectRef<Notification>('Notification').implement({
  description: 'A notification that is delivered after it was accepted.',
  fields: (t) => ({
    id: t.exposeID('id'),
    email: t.exposeString('email'),
    message: t.exposeString('message'),
    state: t.expose('state', { type: NotificationState }),
  }),
})

const CountType = builder.objectRef<{ bytes: number; sha256: string }>('Count').implement({
  description: 'What an upload contained.',
  fields: (t) => ({ bytes: t.exposeFloat('bytes'), sha256: t.exposeString('sha256') }),
})

builder.queryField('weather', (t) =>
  t.field({
    type: WeatherType,
    description: 'Ask a weather service. It is asked again if it fails or takes too long.',
    rest: { path: '/weather/{city}' },
    validate: z.object({ city: line(100) }),
    extensions: { errors: [codes.UPSTREAM_FAILED, codes.UPSTREAM_TIMEOUT] },
    args: { city: t.arg.string({ required: true }) },
    resolve: (_root, { city }, { upstream }) => fetchWeather(city, upstream),
  }),
)

builder.mutationField('say', (t) =>
  t.field({
    type: MessageType,
    description: 'Say something to everybody in the chat.',
    rest: { method: 'POST', path: '/chat', status: 201, body: ['name', 'text'] },
    validate: messageRules,
    args: { name: t.arg.string({ required: true }), text: t.arg.string({ required: true }) },
    resolve: (_root, message, { chat }) => chat.append({ ...message, kind: 'said' }),
  }),
)

builder.subscriptionField('chat', (t) =>
  t.field({
    type: MessageType,
    description: 'Follow the chat.',
    rest: { stream: true, path: '/chat/stream', id: 'cursor', event: 'kind' },
    resume: 'after',
    validate: z.object({ after: cursorRule.nullish() }),
    extensions: { errors: ['CURSOR_EXPIRED'] },
    args: { after: t.arg.string({ description: 'Continue after this cursor.' }) },
    subscribe: (_root, { after }, { chat }) => chat.follow({ after }),
    resolve: (message) => message,
  }),
)

builder.mutationField('notify', (t) =>
  t.field({
    type: NotificationType,
    description: 'Accept a notification. It is delivered after the answer.',
    rest: {
      method: 'POST',
      path: '/notifications',
      status: 202,
      body: ['email', 'message'],
      location: ({ id }) => `/notifications/${id}`,
    },
    validate: z.object({
      email: z
        .email()
        .max(254)
        .meta({ examples: ['ada@example.org'] }),
      message: line(1_000),
    }),
    args: { email: t.arg.string({ required: true }), message: t.arg.string({ required: true }) },
    resolve: (_root, { email, message }, { notifications }) => notifications.accept(email, message),
  }),
)

builder.queryField('notification', (t) =>
  t.field({
    type: NotificationType,
    description: 'Read what became of a notification.',
    rest: { path: '/notifications/{id}' },
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, { notifications }) => {
      const found = notifications.find(id)
      if (found) return found
      throw new AppError('NOT_FOUND', `There is no notification ${id}.`, { path: ['id'] })
    },
  }),
)

builder.mutationField('countUpload', (t) =>
  t.field({
    type: CountType,
    description: 'Count the bytes of an upload of up to 1 GiB, as they arrive. Nothing is kept.',
    rest: { method: 'POST', path: '/uploads', body: 'file' },
    args: { file: t.arg({ type: 'Upload', required: true }) },
    resolve: async (_root, { file }, { progress }) => {
      const hash = createHash('sha256')
      let size = 0
      for await (const chunk of (await file.open('MAX_UPLOAD')).bytes) {
        hash.update(chunk)
        size += chunk.length
        progress.bytes += chunk.length
      }
      return { bytes: size, sha256: hash.digest('hex') }
    },
  }),
)
