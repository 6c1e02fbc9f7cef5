import { randomUUID } from 'node:crypto'
import { newApiKey } from '../../src/auth/api-keys.ts'
import { newRefreshToken } from '../../src/auth/tokens.ts'
import type { Database } from '../../src/database/client.ts'
import type { Prisma } from '../../src/generated/prisma/client.ts'
import { insertRows } from '../support/rows.ts'

/** Rows of many worlds, collected so that a few statements can insert them. */
export interface Rows {
  users: Prisma.UserCreateManyInput[]
  projects: Prisma.ProjectCreateManyInput[]
  inboxes: { userId: string; inboxId: string }[]
  memberships: Prisma.MembershipCreateManyInput[]
  removed: string[]
  labels: Prisma.LabelCreateManyInput[]
  tasks: Prisma.TaskCreateManyInput[]
  relations: Prisma.TaskRelationCreateManyInput[]
  sessions: Prisma.SessionCreateManyInput[]
  refreshTokens: Prisma.RefreshTokenCreateManyInput[]
  apiKeys: Prisma.ApiKeyCreateManyInput[]
}

export const noRows = (): Rows => ({
  users: [],
  projects: [],
  inboxes: [],
  memberships: [],
  removed: [],
  labels: [],
  tasks: [],
  relations: [],
  sessions: [],
  refreshTokens: [],
  apiKeys: [],
})

export interface Session {
  id: string
  refreshToken: string
}

/** The two identifiers of a task. */
export interface NamedTask {
  id: string
  key: string
}

type Role = NonNullable<Prisma.MembershipCreateManyInput['role']>

const projectKey = (id: string) => `P${id.replaceAll('-', '').slice(0, 9).toUpperCase()}`

/** Returns functions that add rows of one world. `tag` makes its names unique. */
export function adders(rows: Rows, tag: string, passwordHash: string) {
  const counts = new Map<string, number>()
  return {
    user(name: string, data: Partial<Prisma.UserCreateManyInput> = {}) {
      const id = randomUUID()
      const email = `${name}-${tag}@example.org`
      rows.users.push({ id, email, name: `${name} of ${tag}`, passwordHash, role: 'MEMBER', ...data })
      return { id, email }
    },
    project(name: string, ownerId: string) {
      const id = randomUUID()
      rows.projects.push({ id, key: projectKey(id), name: `${name} of ${tag}`, updatedById: ownerId })
      return id
    },
    member(projectId: string, userId: string, role: Role) {
      const id = randomUUID()
      rows.memberships.push({ id, projectId, userId, role })
      return id
    },
    label(projectId: string, name: string) {
      const id = randomUUID()
      rows.labels.push({ id, projectId, name: `${name} of ${tag}`, color: '#1d76db' })
      return id
    },
    /** Predicts the key: the database numbers tasks in insertion order. */
    task(projectId: string, title: string, data: Partial<Prisma.TaskCreateManyInput> = {}): NamedTask {
      const id = randomUUID()
      const number = (counts.get(projectId) ?? 0) + 1
      counts.set(projectId, number)
      rows.tasks.push({ id, projectId, title: `${title} of ${tag}`, assigneeIds: [], labelIds: [], ...data })
      return { id, key: `${projectKey(projectId)}-${number}` }
    },
    relation(sourceId: string, type: Prisma.TaskRelationCreateManyInput['type'], targetId: string) {
      const id = randomUUID()
      rows.relations.push({ id, type, sourceId, targetId })
      return id
    },
    session(userId: string): Session {
      const id = randomUUID()
      const { token, hash } = newRefreshToken()
      rows.sessions.push({ id, userId, expiresAt: new Date(Date.now() + 3_600_000) })
      rows.refreshTokens.push({ hash, sessionId: id })
      return { id, refreshToken: token }
    },
    apiKey(userId: string, scopes: string[]) {
      const id = randomUUID()
      const { secret, hash, prefix } = newApiKey()
      rows.apiKeys.push({ id, userId, name: 'A key', hash, prefix, scopes })
      return { id, secret }
    },
  }
}

export async function insert(db: Database, rows: Rows): Promise<void> {
  await insertRows(db, 'User', rows.users)
  await insertRows(db, 'Project', rows.projects)
  const [users, inboxes] = [rows.inboxes.map(({ userId }) => userId), rows.inboxes.map(({ inboxId }) => inboxId)]
  await db.$executeRaw`UPDATE "User" u SET "inboxId" = given.inbox
    FROM unnest(${users}::uuid[], ${inboxes}::uuid[]) AS given(id, inbox) WHERE u."id" = given.id`
  await insertRows(db, 'Membership', rows.memberships)
  await db.membership.deleteMany({ where: { id: { in: rows.removed } } })
  await insertRows(db, 'Label', rows.labels)
  await insertRows(db, 'Task', rows.tasks)
  await insertRows(db, 'TaskRelation', rows.relations)
  await insertRows(db, 'Session', rows.sessions)
  await insertRows(db, 'RefreshToken', rows.refreshTokens)
  await insertRows(db, 'ApiKey', rows.apiKeys)
}
