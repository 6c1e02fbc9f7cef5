import type { Context } from '../../context.ts'
import { toAppError } from '../../database/errors.ts'
import { AppError } from '../../gateway/errors.ts'
import { type Membership, Prisma } from '../../generated/prisma/client.ts'
import { byTime, type Connection, loadPage } from '../../pagination.ts'
import { isId } from '../../rules.ts'
import { isTaken, taken, versionDiffers } from '../conflicts.ts'
import { requireProject } from '../projects/policy.ts'
import { requireViewer } from '../users/policy.ts'
import type { AddMemberValues, ListMembersValues, SetMemberValues } from './input.ts'

type MemberQuery = Pick<Prisma.MembershipFindManyArgs, 'select' | 'include'>
type Version = number | null | undefined

/** Needs VIEWER. The members of a project, longest first. */
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
    load: (ids) => ctx.db.membership.findMany({ ...query, where: { id: { in: ids } } }),
  })
}

/** Needs OWNER. */
export async function addMember(ctx: Context, projectId: string, input: AddMemberValues, query: MemberQuery) {
  await requireProject(ctx, projectId, 'OWNER', ['projectId'])
  const { email, role } = input
  const user = await ctx.db.user.findUnique({ where: { email, disabledAt: null }, select: { id: true } })
  if (!user) throw accountNotFound()
  try {
    return await ctx.db.membership.create({
      ...query,
      data: { projectId, userId: user.id, role, updatedById: requireViewer(ctx).id },
    })
  } catch (error) {
    if (isTaken(error, 'userId')) throw taken(['input', 'email'], 'This user is a member of the project already.')
    // The account was deleted between our look and our insert.
    throw toAppError(error)?.code === 'NOT_FOUND' ? accountNotFound() : error
  }
}

/** Needs OWNER. The last OWNER stays one. */
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
  return changeMember(ctx, projectId, userId, version, async (tx, member) => {
    if (role !== 'OWNER') await keepAnOwner(tx, member)
    return tx.membership.update({ ...query, where: { id: member.id }, data: { role, updatedById } })
  })
}

/** Needs OWNER. The last OWNER stays. Answers the membership as it was. */
export async function removeMember(
  ctx: Context,
  projectId: string,
  userId: string,
  version: Version,
  query: MemberQuery,
) {
  await requireProject(ctx, projectId, 'OWNER', ['projectId'])
  const viewer = requireViewer(ctx)
  return changeMember(ctx, projectId, userId, version, async (tx, member) => {
    await keepAnOwner(tx, member)
    // The log cannot tell from a deleted row who deleted it.
    await tx.$executeRaw`SELECT set_config('taskwire.actor', ${viewer.id}, true)`
    return tx.membership.delete({ ...query, where: { id: member.id } })
  })
}

/**
 * Runs a change of a membership. Changes of one project's members take turns: of two OWNERs who remove each other, each
 * would see the other as the one who remains.
 */
async function changeMember<T>(
  ctx: Context,
  projectId: string,
  userId: string,
  version: Version,
  change: (tx: Prisma.TransactionClient, member: Membership) => Promise<T>,
): Promise<T> {
  if (!isId(userId)) throw memberNotFound(userId)
  return ctx.db.$transaction(async (tx) => {
    // Weaker than FOR UPDATE, so that whatever only refers to the project (a comment, a label) does not wait.
    await tx.$executeRaw`SELECT FROM "Project" WHERE "id" = ${projectId}::uuid FOR NO KEY UPDATE`
    const member = await tx.membership.findUnique({ where: { userId_projectId: { userId, projectId } } })
    if (!member) throw memberNotFound(userId)
    if (version != null && member.version !== version) throw versionDiffers('membership', member.version, version)
    return change(tx, member)
  })
}

/** CONFLICT if the project would be left without an OWNER. */
async function keepAnOwner(tx: Prisma.TransactionClient, { id, projectId, role }: Membership): Promise<void> {
  if (role !== 'OWNER') return
  const other = { projectId, role: 'OWNER', id: { not: id } } as const
  if (await tx.membership.findFirst({ where: other, select: { id: true } })) return
  throw new AppError('CONFLICT', 'This is the last OWNER of the project: make another one first.', { path: ['userId'] })
}

function accountNotFound(): AppError {
  return new AppError('NOT_FOUND', 'There is no account with this e-mail address.', { path: ['input', 'email'] })
}

function memberNotFound(userId: string): AppError {
  return new AppError('NOT_FOUND', `The project has no member ${JSON.stringify(userId)}.`, { path: ['userId'] })
}
