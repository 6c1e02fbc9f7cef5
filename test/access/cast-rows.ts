import { randomUUID } from 'node:crypto'
import { newApiKey } from '../../src/auth/api-keys.ts'
import { newRefreshToken } from '../../src/auth/tokens.ts'
import type { Database } from '../../src/database/client.ts'
import type { Prisma } from '../../src/generated/prisma/client.ts'

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
      rows.users.push({ id, email, name: `${name} of ${tag}`, passwordHash, ...data })
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
      rows.tasks.push({ id, projectId, title: `${title} of ${tag}`, ...data })
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

/** Stays below the 65,535 parameters that PostgreSQL accepts in one statement. */
const ROWS_A_STATEMENT = 1_000

export async function insert(db: Database, rows: Rows): Promise<void> {
  const inParts = async <Row>(all: Row[], create: (data: Row[]) => Promise<unknown>) => {
    for (let start = 0; start < all.length; start += ROWS_A_STATEMENT) {
      await create(all.slice(start, start + ROWS_A_STATEMENT))
    }
  }
  await inParts(rows.users, (data) => db.user.createMany({ data }))
  await inParts(rows.projects, (data) => db.project.createMany({ data }))
  await inParts(rows.inboxes, (data) => {
    const [users, inboxes] = [data.map(({ userId }) => userId), data.map(({ inboxId }) => inboxId)]
    return db.$executeRaw`UPDATE "User" u SET "inboxId" = given.inbox
      FROM unnest(${users}::uuid[], ${inboxes}::uuid[]) AS given(id, inbox) WHERE u."id" = given.id`
  })
  await inParts(rows.memberships, (data) => db.membership.createMany({ data }))
  await inParts(rows.removed, (ids) => db.membership.deleteMany({ where: { id: { in: ids } } }))
  await inParts(rows.labels, (data) => db.label.createMany({ data }))
  await inParts(rows.tasks, (data) => db.task.createMany({ data }))
  await inParts(rows.relations, (data) => db.taskRelation.createMany({ data }))
  await inParts(rows.sessions, (data) => db.session.createMany({ data }))
  await inParts(rows.refreshTokens, (data) => db.refreshToken.createMany({ data }))
  await inParts(rows.apiKeys, (data) => db.apiKey.createMany({ data }))
}
