import { randomUUID } from 'node:crypto'
import { newApiKey } from '../../src/auth/api-keys.ts'
import { hashPassword } from '../../src/auth/passwords.ts'
import { createAccessTokens, newRefreshToken } from '../../src/auth/tokens.ts'
import type { Config } from '../../src/config.ts'
import type { Database } from '../../src/database/client.ts'
import type { Prisma } from '../../src/generated/prisma/client.ts'
import type { Credential } from './doors.ts'
import { describePersona, type Persona } from './matrix.ts'

export const PASSWORD = 'correct horse battery staple'

interface Session {
  id: string
  refreshToken: string
}

interface Account {
  id: string
  email: string
  session: Session
  apiKeyId: string
}

/** One persona with all that operations need, apart from every other world: what one cell does disturbs no other. */
export interface World {
  persona: Persona
  /** Unlike any other world's. */
  tag: string
  self: Account & { inboxId: string; inboxTaskId: string; otherSession: Session; token: string; apiKeyIds: string[] }
  credential: Credential
  /** OWNER of the project; self, where that is an OWNER. */
  ownerId: string
  ownerToken: string
  /** A VIEWER of the project, whom others may change or take out. */
  third: Account
  /** Somebody who is no member of anything. */
  outsider: { id: string; email: string }
  projectId: string
  taskId: string
  deletedTaskId: string
  membershipIds: string[]
  /** An address without an account. */
  newEmail: string
}

interface Rows {
  users: Prisma.UserCreateManyInput[]
  projects: Prisma.ProjectCreateManyInput[]
  inboxes: { userId: string; inboxId: string }[]
  memberships: Prisma.MembershipCreateManyInput[]
  removed: string[]
  tasks: Prisma.TaskCreateManyInput[]
  sessions: Prisma.SessionCreateManyInput[]
  refreshTokens: Prisma.RefreshTokenCreateManyInput[]
  apiKeys: Prisma.ApiKeyCreateManyInput[]
}

let made = 0

/** Makes a world for each of the personas, all in a few statements. */
export async function makeWorlds(
  server: { db: Database; config: Pick<Config, 'JWT_SECRET'> },
  personas: readonly Persona[],
): Promise<World[]> {
  const tokens = createAccessTokens({ secret: server.config.JWT_SECRET ?? '', lifetime: 900 })
  const passwordHash = await hashPassword(PASSWORD)
  const rows: Rows = {
    users: [],
    projects: [],
    inboxes: [],
    memberships: [],
    removed: [],
    tasks: [],
    sessions: [],
    refreshTokens: [],
    apiKeys: [],
  }
  const worlds = personas.map((persona) => makeWorld(rows, persona, passwordHash, tokens))
  await insert(server.db, rows)
  return worlds
}

function makeWorld(
  rows: Rows,
  persona: Persona,
  passwordHash: string,
  tokens: ReturnType<typeof createAccessTokens>,
): World {
  const { role, admin, removed, disabled, credential = 'token' } = describePersona(persona)
  const tag = `w${++made}`
  const addUser = (name: string, data: Partial<Prisma.UserCreateManyInput> = {}) => {
    const id = randomUUID()
    const email = `${name}-${tag}@example.org`
    rows.users.push({ id, email, name: `${name} of ${tag}`, passwordHash, ...data })
    return { id, email }
  }
  const addProject = (name: string, ownerId: string) => {
    const id = randomUUID()
    rows.projects.push({ id, key: `P${id.replaceAll('-', '').slice(0, 9).toUpperCase()}`, name, updatedById: ownerId })
    return id
  }
  const addMember = (projectId: string, userId: string, as: NonNullable<typeof role>) => {
    const id = randomUUID()
    rows.memberships.push({ id, projectId, userId, role: as })
    return id
  }
  const addTask = (projectId: string, title: string, data: Partial<Prisma.TaskCreateManyInput> = {}) => {
    const id = randomUUID()
    rows.tasks.push({ id, projectId, title: `${title} of ${tag}`, ...data })
    return id
  }
  const addSession = (userId: string): Session => {
    const id = randomUUID()
    const { token, hash } = newRefreshToken()
    rows.sessions.push({ id, userId, expiresAt: new Date(Date.now() + 3_600_000) })
    rows.refreshTokens.push({ hash, sessionId: id })
    return { id, refreshToken: token }
  }
  const addKey = (userId: string, scopes: string[]) => {
    const id = randomUUID()
    const { secret, hash, prefix } = newApiKey()
    rows.apiKeys.push({ id, userId, name: 'A key', hash, prefix, scopes })
    return { id, secret }
  }

  const self = addUser('self', { role: admin ? 'ADMIN' : 'MEMBER', disabledAt: disabled ? new Date() : null })
  const owner = role === 'OWNER' ? self : addUser('owner')
  const third = addUser('third')
  const projectId = addProject('Secret', owner.id)
  const inboxId = addProject('Inbox', self.id)
  rows.inboxes.push({ userId: self.id, inboxId })
  addMember(inboxId, self.id, 'OWNER')
  const membershipIds = [addMember(projectId, third.id, 'VIEWER')]
  if (owner !== self) membershipIds.push(addMember(projectId, owner.id, 'OWNER'))
  if (role) {
    const id = addMember(projectId, self.id, role)
    if (removed) rows.removed.push(id)
    else membershipIds.push(id)
  }

  const [session, otherSession] = [addSession(self.id), addSession(self.id)]
  const spareKey = addKey(self.id, ['tasks:read'])
  const ownKey = credential === 'none' || credential === 'token' ? undefined : addKey(self.id, [credential])
  const tokenOf = (userId: string, sessionId: string) => tokens.sign({ userId, sessionId })
  const token = tokenOf(self.id, session.id)
  const sent: Credential = ownKey ? { apiKey: ownKey.secret } : credential === 'none' ? {} : { token }
  const account = (user: { id: string; email: string }): Account => ({
    ...user,
    session: addSession(user.id),
    apiKeyId: addKey(user.id, ['tasks:read']).id,
  })
  return {
    persona,
    tag,
    self: {
      ...self,
      session,
      otherSession,
      token,
      inboxId,
      inboxTaskId: addTask(inboxId, 'Own plans', { creatorId: self.id }),
      apiKeyId: spareKey.id,
      apiKeyIds: [spareKey.id, ...(ownKey ? [ownKey.id] : [])],
    },
    credential: sent,
    ownerId: owner.id,
    ownerToken: owner === self ? token : tokenOf(owner.id, addSession(owner.id).id),
    third: account(third),
    outsider: addUser('outsider'),
    projectId,
    taskId: addTask(projectId, 'Secret plans', { creatorId: owner.id }),
    deletedTaskId: addTask(projectId, 'Forgotten plans', { creatorId: owner.id, deletedAt: new Date() }),
    membershipIds,
    newEmail: `new-${tag}@example.org`,
  }
}

/** PostgreSQL takes 65,535 parameters in a statement. */
const ROWS_A_STATEMENT = 1_000

async function insert(db: Database, rows: Rows): Promise<void> {
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
  await db.membership.deleteMany({ where: { id: { in: rows.removed } } })
  await inParts(rows.tasks, (data) => db.task.createMany({ data }))
  await inParts(rows.sessions, (data) => db.session.createMany({ data }))
  await inParts(rows.refreshTokens, (data) => db.refreshToken.createMany({ data }))
  await inParts(rows.apiKeys, (data) => db.apiKey.createMany({ data }))
}
