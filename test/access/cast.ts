import { hashPassword } from '../../src/auth/passwords.ts'
import { createAccessTokens } from '../../src/auth/tokens.ts'
import type { Config } from '../../src/config.ts'
import type { Database } from '../../src/database/client.ts'
import { adders, insert, type NamedTask, noRows, type Rows, type Session } from './cast-rows.ts'
import type { Credential } from './doors.ts'
import { describePersona, type Persona } from './matrix.ts'

export const PASSWORD = 'correct horse battery staple'

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
  self: Account & { inboxId: string; inboxTask: NamedTask; otherSession: Session; token: string; apiKeyIds: string[] }
  credential: Credential
  /** OWNER of the project; self, where that is an OWNER. */
  ownerId: string
  ownerToken: string
  /** A VIEWER of the project, whom others may change or take out. */
  third: Account
  /** Somebody who is no member of anything. */
  outsider: { id: string; email: string }
  projectId: string
  task: NamedTask
  /** Below the task, related to it, with the label, and assigned to the third. */
  subtask: NamedTask
  deletedTask: NamedTask
  labelId: string
  relationId: string
  membershipIds: string[]
  /** Where self has the same role as in the project. */
  secondProjectId: string
  /** Where self may only read, if they are a member of anything. */
  readable: { projectId: string; task: NamedTask }
  /**
   * What none but ADMINs see, though much leads there: its task was created by self, is assigned to self and the third, and is
   * related to the project's.
   */
  unseen: {
    ownerId: string
    projectId: string
    membershipId: string
    task: NamedTask
    deletedTask: NamedTask
    labelId: string
    relationId: string
  }
  /** All there are. */
  userIds: string[]
  projectIds: string[]
  /** An address without an account. */
  newEmail: string
}

let made = 0
/** One for all: hashing takes longer than a world. */
let hashed: Promise<string> | undefined

/** Makes a world for each of the personas, all in a few statements. */
export async function makeWorlds(
  server: { db: Database; config: Pick<Config, 'JWT_SECRET'> },
  personas: readonly Persona[],
): Promise<World[]> {
  const tokens = createAccessTokens({ secret: server.config.JWT_SECRET ?? '', lifetime: 900 })
  hashed ??= hashPassword(PASSWORD)
  const passwordHash = await hashed
  const rows = noRows()
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
  const add = adders(rows, tag, passwordHash)

  const self = add.user('self', { role: admin ? 'ADMIN' : 'MEMBER', disabledAt: disabled ? new Date() : null })
  const owner = role === 'OWNER' ? self : add.user('owner')
  const [third, outsider, keeper] = [add.user('third'), add.user('outsider'), add.user('keeper')]
  const [projectId, secondProjectId] = [add.project('Secret', owner.id), add.project('Second', owner.id)]
  const [readableId, unseenId] = [add.project('Readable', keeper.id), add.project('Unseen', keeper.id)]
  const inboxId = add.project('Inbox', self.id)
  rows.inboxes.push({ userId: self.id, inboxId })
  add.member(inboxId, self.id, 'OWNER')
  const membershipIds = [add.member(projectId, third.id, 'VIEWER')]
  if (owner !== self) membershipIds.push(add.member(projectId, owner.id, 'OWNER'))
  if (role) {
    const own = add.member(projectId, self.id, role)
    const further = [add.member(secondProjectId, self.id, role), add.member(readableId, self.id, 'VIEWER')]
    if (removed) rows.removed.push(own, ...further)
    else membershipIds.push(own)
  }

  const [labelId, unseenLabelId] = [add.label(projectId, 'Urgent'), add.label(unseenId, 'Unseen')]
  const task = add.task(projectId, 'Secret plans', { creatorId: owner.id })
  const subtask = add.task(projectId, 'Secret steps', {
    creatorId: owner.id,
    parentId: task.id,
    labelIds: [labelId],
    assigneeIds: [third.id],
  })
  // Neither who created a task nor whom it is assigned to has to be a member any more.
  const unseenTask = add.task(unseenId, 'Unseen secret', {
    creatorId: self.id,
    labelIds: [unseenLabelId],
    assigneeIds: [self.id, third.id],
  })

  const [session, otherSession] = [add.session(self.id), add.session(self.id)]
  const spareKey = add.apiKey(self.id, ['tasks:read'])
  const ownKey = credential === 'none' || credential === 'token' ? undefined : add.apiKey(self.id, [credential])
  const tokenOf = (userId: string, sessionId: string) => tokens.sign({ userId, sessionId })
  const token = tokenOf(self.id, session.id)
  const sent: Credential = ownKey ? { apiKey: ownKey.secret } : credential === 'none' ? {} : { token }
  const account = (user: { id: string; email: string }): Account => ({
    ...user,
    session: add.session(user.id),
    apiKeyId: add.apiKey(user.id, ['tasks:read']).id,
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
      inboxTask: add.task(inboxId, 'Own plans', { creatorId: self.id }),
      apiKeyId: spareKey.id,
      apiKeyIds: [spareKey.id, ...(ownKey ? [ownKey.id] : [])],
    },
    credential: sent,
    ownerId: owner.id,
    ownerToken: owner === self ? token : tokenOf(owner.id, add.session(owner.id).id),
    third: account(third),
    outsider,
    projectId,
    task,
    subtask,
    deletedTask: add.task(projectId, 'Forgotten plans', { creatorId: owner.id, deletedAt: new Date() }),
    labelId,
    relationId: add.relation(task.id, 'BLOCKS', subtask.id),
    membershipIds,
    secondProjectId,
    readable: { projectId: readableId, task: add.task(readableId, 'Readable plans', { creatorId: keeper.id }) },
    unseen: {
      ownerId: keeper.id,
      projectId: unseenId,
      membershipId: add.member(unseenId, keeper.id, 'OWNER'),
      task: unseenTask,
      deletedTask: add.task(unseenId, 'Unseen and forgotten', { creatorId: keeper.id, deletedAt: new Date() }),
      labelId: unseenLabelId,
      relationId: add.relation(task.id, 'RELATES_TO', unseenTask.id),
    },
    userIds: [...new Set([self, owner, third, outsider, keeper].map(({ id }) => id))],
    projectIds: [projectId, secondProjectId, readableId, unseenId, inboxId],
    newEmail: `new-${tag}@example.org`,
  }
}
