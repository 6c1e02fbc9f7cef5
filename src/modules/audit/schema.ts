import { z } from 'zod'
import { builder } from '../../schema/builder.ts'
import { DownloadType } from '../../schema/download.ts'
import { connectionType, pageArguments } from '../../schema/lists.ts'
import { AUDIT_ACTIONS } from './actions.ts'
import { exportAudit } from './export-service.ts'
import { exportAuditRules, listAuditRules } from './input.ts'
import { listAudit } from './service.ts'

const AuditEntryType = builder.prismaObject('AuditEntry', {
  select: { id: true },
  description: 'An entry of the audit log. Its ids may be of something that no longer exists.',
  fields: (t) => ({
    id: t.exposeID('id'),
    at: t.expose('at', { type: 'DateTime' }),
    action: t.exposeString('action', {
      description: 'For example session.opened or member.roleChanged. Later versions have further ones.',
      extensions: {
        rules: z
          .string()
          .regex(/^[a-zA-Z]+\.[a-zA-Z]+$/)
          .meta({ examples: ['session.opened'] }),
      },
    }),
    actorId: t.exposeID('actorId', {
      nullable: true,
      description: 'Who did it. Null if nobody was signed in, or if the server or a script did it.',
    }),
    sessionId: t.exposeID('sessionId', { nullable: true, description: 'The session that the actor used.' }),
    apiKeyId: t.exposeID('apiKeyId', { nullable: true, description: 'The API key that the actor used.' }),
    requestId: t.exposeString('requestId', {
      nullable: true,
      description: 'As in the header X-Request-Id of the answer, and in the log of the server.',
    }),
    userId: t.exposeID('userId', {
      nullable: true,
      description: 'The user whose account, session, API key or membership it is about.',
    }),
    subjectId: t.exposeID('subjectId', {
      nullable: true,
      description: 'Id of the session, API key, user or project that changed.',
    }),
    projectId: t.exposeID('projectId', { nullable: true }),
    details: t.expose('details', {
      type: 'JSON',
      description: 'Roles, scopes and the like. A changed value is {"from": …, "to": …}.',
    }),
  }),
})

const AuditEntryConnection = connectionType(AuditEntryType)

const ACTIONS = `Only entries with these actions.\n\n${Object.entries(AUDIT_ACTIONS)
  .map(([name, about]) => `- \`${name}\`: ${about}`)
  .join('\n')}`

const filterArguments = builder.args((t) => ({
  actions: t.stringList({ description: ACTIONS }),
  actorId: t.id({ description: 'Only what this user did.' }),
  userId: t.id({ description: 'Only entries about this user: their account, sessions, API keys and memberships.' }),
  subjectId: t.id({ description: 'Only entries about this session, API key, user or project.' }),
  from: t.field({ type: 'DateTime', description: 'Only entries at this time or later.' }),
  to: t.field({ type: 'DateTime', description: 'Only entries before this time.' }),
}))

const KEPT = 'Kept for AUDIT_RETENTION_DAYS. Needs an ADMIN.'

builder.queryField('auditLog', (t) =>
  t.field({
    type: AuditEntryConnection,
    description: `List who signed in, changed accounts, API keys, roles and members, exported or imported, newest first. ${KEPT}`,
    access: { admin: true },
    rest: { method: 'GET', path: '/admin/audit' },
    validate: listAuditRules,
    args: { ...filterArguments, ...pageArguments },
    resolve: (_root, args, ctx) => listAudit(ctx, args),
  }),
)

builder.queryField('exportAuditLog', (t) =>
  t.field({
    type: DownloadType,
    description: `Export the audit log as a file: one JSON object per line, oldest first. Streamed, so it can have any length. ${KEPT}`,
    access: { admin: true },
    rest: { method: 'GET', path: '/admin/audit/export', download: { types: ['application/x-ndjson'] } },
    validate: exportAuditRules,
    args: filterArguments,
    resolve: (_root, args, ctx) => exportAudit(ctx, args),
  }),
)
