import { actorSql } from '../../database/actor.ts'
import { toAppError } from '../../database/errors.ts'
import { retryOnDeadlock } from '../../database/retry.ts'
import { AppError } from '../../gateway/errors.ts'
import { type Membership, Prisma } from '../../generated/prisma/client.ts'
import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'
import { isUniqueViolation, uniqueConflict } from '../../schema/conflicts.ts'
import { byTime, type Connection, loadPage } from '../../schema/lists.ts'
import { type Quota, withinQuota } from '../../schema/quota.ts'
import { isId } from '../../schema/rules.ts'
import { requireVersion, type Version } from '../../schema/versioned.ts'
import { requireProject } from '../projects/policy.ts'
import { unassign } from '../tasks/assignee-service.ts'
import type { AddMemberValues, ListMembersValues, SetMemberValues } from './input.ts'

type MemberQuery = Pick<Prisma.MembershipFindManyArgs, 'select' | 'include'>

/** Lists the members of a project, longest-standing first. Needs VIEWER. */
export async function listMembers(
  ctx: Context,
  args: ListMembersValues,
  query: MemberQuery,
): Promise<Connection<Membership>> {
  await requireProject(ctx, args.projectId, 'VIEWER', ['projectId'])
  const where = Prisma.sql`"projectId" = ${args.projectId}::uuid`
  return loadPage<Membership>(ctx.db, args, {
    table: 'Membership',
    where,
    order: [byTime('createdAt', 'asc', 'Membership')],
    model: 'membership',
    query,
  })
}

/** Adds an existing, enabled account to a project. Needs OWNER. */
export async function addMember(ctx: Context, projectId: string, input: AddMemberValues, query: MemberQuery) {
  await requireProject(ctx, projectId, 'OWNER', ['projectId'])
  const { email, role } = input
  const user = await ctx.db.user.findUnique({ where: { email, disabledAt: null }, select: { id: true } })
  if (!user) throw accountNotFound()
  try {
    const data = { projectId, userId: user.id, role, updatedById: requireViewer(ctx).id }
    return await withinQuota(ctx, quotaOf(projectId), (tx) => tx.membership.create({ ...query, data }))
  } catch (error) {
    if (isUniqueViolation(error, 'userId'))
      throw uniqueConflict(['input', 'email'], 'This user is already a member of the project.')
    // The account was deleted after the look-up above.
    throw toAppError(error)?.code === 'NOT_FOUND' ? accountNotFound() : error
  }
}

const quotaOf = (projectId: string): Quota => ({
  setting: 'MAX_MEMBERS_PER_PROJECT',
  of: { table: 'Project', id: projectId },
  explain: 'members per project: remove one first',
  count: (tx) => tx.membership.count({ where: { projectId } }),
})

/** Sets a member's role. Needs OWNER. Throws CONFLICT if this would demote the last OWNER. */
export async function setMember(
  ctx: Context,
  projectId: string,
  userId: string,
  { role }: SetMemberValues,
  version: Version,
  query: MemberQuery,
) {
  await requireProject(ctx, projectId, 'OWNER', ['projectId'])
  const updatedById = requireViewer(ctx).id
  return changeMember(ctx, { projectId, userId, version, path: ['userId'] }, async (tx, member) => {
    if (role !== 'OWNER') await requireOtherOwner(tx, member, ['userId'])
    return tx.membership.update({ ...query, where: { id: member.id }, data: { role, updatedById } })
  })
}

/**
 * Removes a member, also as an assignee of the project's tasks, and returns the removed membership.
 * Needs OWNER. Throws CONFLICT for the last OWNER.
 */
export async function removeMember(
  ctx: Context,
  projectId: string,
  userId: string,
  version: Version,
  query: MemberQuery,
) {
  await requireProject(ctx, projectId, 'OWNER', ['projectId'])
  return endMembership(ctx, { projectId, userId, version, path: ['userId'] }, query)
}

/** Ends the viewer's own membership, like `removeMember`. Throws CONFLICT for their Inbox. */
export async function leaveProject(ctx: Context, projectId: string, query: MemberQuery) {
  await requireProject(ctx, projectId, 'VIEWER', ['id'])
  const { id, inboxId } = requireViewer(ctx)
  if (projectId.toLowerCase() === inboxId)
    throw new AppError('CONFLICT', 'You cannot leave your own Inbox.', { path: ['id'] })
  return endMembership(ctx, { projectId, userId: id, version: undefined, path: ['id'] }, query)
}

function endMembership(ctx: Context, target: Target, query: MemberQuery) {
  const end = () =>
    changeMember(ctx, target, async (tx, member) => {
      await requireOtherOwner(tx, member, target.path)
      await unassign(tx, member)
      return tx.membership.delete({ ...query, where: { id: member.id } })
    })
  return retryOnDeadlock(ctx.db, end)
}

interface Target {
  projectId: string
  userId: string
  version: Version
  /** The argument that names the member. */
  path: string[]
}

/**
 * Runs a change to a membership. Changes to the members of one project run one at a time: otherwise
 * two OWNERs who remove each other would each see the other as the remaining OWNER.
 */
async function changeMember<T>(
  ctx: Context,
  { projectId, userId, version, path }: Target,
  change: (tx: Prisma.TransactionClient, member: Membership) => Promise<T>,
): Promise<T> {
  if (!isId(userId)) throw memberNotFound(userId, path)
  return ctx.db.$transaction(async (tx) => {
    // FOR NO KEY UPDATE does not block inserts that only refer to the project, such as a label.
    await tx.$executeRaw`SELECT ${actorSql(ctx.viewer, ctx.requestId)} FROM "Project" WHERE "id" = ${projectId}::uuid FOR NO KEY UPDATE`
    const member = await tx.membership.findUnique({ where: { userId_projectId: { userId, projectId } } })
    if (!member) throw memberNotFound(userId, path)
    requireVersion('membership', member, version)
    return change(tx, member)
  })
}

/** Throws CONFLICT if the change would leave the project without an OWNER. */
async function requireOtherOwner(
  tx: Prisma.TransactionClient,
  { id, projectId, role }: Membership,
  path: string[],
): Promise<void> {
  if (role !== 'OWNER') return
  const other = { projectId, role: 'OWNER', id: { not: id } } as const
  if (await tx.membership.findFirst({ where: other, select: { id: true } })) return
  const message = 'This is the last OWNER of the project. Make another member OWNER first.'
  throw new AppError('CONFLICT', message, { path })
}

function accountNotFound(): AppError {
  return new AppError('NOT_FOUND', 'No enabled account has this e-mail address.', { path: ['input', 'email'] })
}

function memberNotFound(userId: string, path: string[]): AppError {
  return new AppError('NOT_FOUND', `The project has no member ${JSON.stringify(userId)}.`, { path })
}
