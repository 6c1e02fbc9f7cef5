import { builder } from '../../builder.ts'
import { checkPage, connectionType, pageArguments, pageRules } from '../../pagination.ts'
import * as sessions from './service.ts'

export const SessionType = builder.prismaObject('Session', {
  description: 'One sign-in and what came of it by refreshing.',
  fields: (t) => ({
    id: t.exposeID('id'),
    userAgent: t.exposeString('userAgent', { nullable: true, description: 'What the client called itself.' }),
    current: t.boolean({
      description: 'Whether it is the session that asks.',
      resolve: ({ id }, _args, { viewer }) => viewer?.credential.kind === 'session' && viewer.credential.id === id,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    lastUsedAt: t.expose('lastUsedAt', { type: 'DateTime', description: 'When it was opened or last refreshed.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'Unless it is refreshed before.' }),
  }),
})

const SessionConnection = connectionType(SessionType)

builder.queryField('sessions', (t) =>
  t.field({
    type: SessionConnection,
    description: 'Your open sessions, newest first.',
    authScopes: { person: true },
    rest: { method: 'GET', path: '/sessions' },
    validate: pageRules.check(checkPage),
    args: pageArguments,
    resolve: (_root, args, ctx) => sessions.listSessions(ctx, args),
  }),
)

builder.mutationField('revokeSession', (t) =>
  t.field({
    type: SessionType,
    description: 'End one of your sessions, with its open streams.',
    authScopes: { person: true },
    rest: { method: 'DELETE', path: '/sessions/{id}', status: 204 },
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, ctx) => sessions.revokeSession(ctx, id),
  }),
)
