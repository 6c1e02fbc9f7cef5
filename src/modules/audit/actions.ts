/**
 * The acts in the audit log. Triggers write those about rows (prisma/functions/audit.sql), the
 * server the others (record-service.ts).
 */
export const AUDIT_ACTIONS = {
  'session.opened': 'Somebody signed in or registered.',
  'session.reused': 'A refresh token was used again, so its session ends.',
  'session.revoked': 'A session ended: signed out, revoked, or ended with a password or an account.',
  'signIn.failed': 'A wrong password for an existing account, or a right one for a disabled account.',
  'password.refused': 'A signed-in user gave a wrong current password.',
  'user.created': 'An account was created. Without an actor, its owner registered.',
  'user.roleChanged': 'A user became ADMIN or MEMBER.',
  'user.passwordChanged': 'A password was set, by its owner or an ADMIN.',
  'user.emailChanged': 'A user changed their e-mail address.',
  'user.renamed': 'An ADMIN changed the name of a user.',
  'user.disabled': 'An account was disabled.',
  'user.enabled': 'A disabled account was enabled again.',
  'user.deleted': 'An account was deleted.',
  'user.notified': 'An ADMIN sent a message to a user.',
  'identity.linked': 'An account was linked to an external identity provider.',
  'apiKey.created': 'An API key was created.',
  'apiKey.updated': 'The scopes or the expiry of an API key changed.',
  'apiKey.revoked': 'An API key was revoked.',
  'member.added': 'A user became a member of a project.',
  'member.roleChanged': 'The role of a member changed.',
  'member.removed': 'A member was removed from a project, left it, or it was deleted.',
  'project.deleted': 'A project was deleted.',
  'tasks.cleared': 'An ADMIN began to delete all tasks, or all of a project.',
  'tasks.exported': 'An export of tasks began.',
  'tasks.imported': 'An import of tasks began.',
  'account.exported': 'A user began to export their data.',
  'auditLog.exported': 'An export of the audit log began.',
} as const

export type AuditAction = keyof typeof AUDIT_ACTIONS

export const AUDIT_ACTION_NAMES = Object.keys(AUDIT_ACTIONS) as AuditAction[]
