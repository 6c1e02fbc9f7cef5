import { builder } from '../../schema/builder.ts'
import { checkPage, connectionType, pageArguments, pageRules } from '../../schema/lists.ts'
import { logged } from '../../schema/logged.ts'
import * as sessions from './service.ts'

logged('session', {
  table: 'Session',
  internal: true,
  verbs: {},
  ends: { column: 'revokedAt', set: 'revoked' },
  columns: [],
  versioned: false,
})

export const SessionType = builder.prismaObject('Session', {
  select: { id: true },
  description: 'A session: one sign-in, extended by each refresh.',
  fields: (t) => ({
    id: t.exposeID('id'),
    userAgent: t.exposeString('userAgent', {
      nullable: true,
      description: 'The User-Agent header of the client that signed in.',
    }),
    current: t.boolean({
      description: 'True for the session of this request.',
      resolve: ({ id }, _args, { viewer }) => viewer?.credential.kind === 'session' && viewer.credential.id === id,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      description: 'When the session was opened or last refreshed.',
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      description: 'When the session ends unless it is refreshed first.',
    }),
  }),
})

const SessionConnection = connectionType(SessionType)

builder.queryField('sessions', (t) =>
  t.field({
    type: SessionConnection,
    description: 'List your open sessions, newest first.',
    access: { person: true },
    rest: { method: 'GET', path: '/sessions' },
    validate: pageRules.check(checkPage),
    args: pageArguments,
    resolve: (_root, args, ctx) => sessions.listSessions(ctx, args),
  }),
)

builder.mutationField('revokeSession', (t) =>
  t.field({
    type: SessionType,
    description: 'End one of your sessions and its open streams.',
    access: { person: true },
    rest: { method: 'DELETE', path: '/sessions/{id}', status: 204 },
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, ctx) => sessions.revokeSession(ctx, id),
  }),
)
