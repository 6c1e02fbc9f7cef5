import { hashPassword } from '../../src/auth/passwords.ts'
import { createAccessTokens } from '../../src/auth/tokens.ts'
import type { Config } from '../../src/config.ts'
import type { Database } from '../../src/database/client.ts'
import { adders, insert, noRows, type Rows } from './cast-rows.ts'
import type { Credential } from './doors.ts'
import { nouns } from './nouns.ts'
import { PASSWORD } from './password.ts'
import { describePersona, type Persona } from './personas.ts'
import type { Account, World } from './world.ts'

export { PASSWORD }

let made = 0
/** Shared hash: hashing a password takes longer than making a world. */
let hashed: Promise<string> | undefined

/** Makes a world for each persona in a few statements. */
export async function makeWorlds(
  server: { db: Database; config: Pick<Config, 'JWT_SECRET'> },
  personas: readonly Persona[],
): Promise<World[]> {
  const tokens = createAccessTokens({ secrets: server.config.JWT_SECRET ?? [], lifetime: 900 })
  hashed ??= hashPassword(PASSWORD)
  const passwordHash = await hashed
  const rows = noRows()
  const worlds = personas.map((persona) => makeWorld(rows, persona, passwordHash, tokens))
  await insert(server.db, rows)
  for (const { populate } of nouns) await populate?.(server.db, worlds)
  return worlds
}

function makeWorld(
  rows: Rows,
  persona: Persona,
  passwordHash: string,
  tokens: ReturnType<typeof createAccessTokens>,
): World {
  const { role, admin, removed, disabled, credential = 'token' } = describePersona(persona)
  // As long in every world, so that the sizes of what is made are equal.
  const tag = `w${String(++made).padStart(5, '0')}`
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
  // Creators and assignees of a task may have left the project.
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
