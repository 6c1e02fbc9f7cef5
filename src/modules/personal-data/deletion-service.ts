import { AppError, validationFailed } from '../../gateway/errors.ts'
import type { Prisma } from '../../generated/prisma/client.ts'
import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'
import { grouped } from '../../schema/rules.ts'
import { deleteForGood } from '../tasks/purge-service.ts'
import { changeAccount, requireOtherAdmin } from '../users/account-service.ts'
import { eraseAccount } from '../users/erasure-service.ts'
import { getMe, requirePassword } from '../users/service.ts'
import { CONFIRM_DELETION, type DeleteMyAccountValues } from './input.ts'

/** Tasks that one request deletes with the projects of an account. */
const MAX_DELETED = 10_000

/**
 * Deletes the viewer's account with the projects that nobody else is a member of. Throws CONFLICT
 * for the last ADMIN, and for the only OWNER of a project with other members.
 */
export async function deleteMyAccount(ctx: Context, input: DeleteMyAccountValues): Promise<boolean> {
  const viewer = requireViewer(ctx)
  await requireConfirmation(ctx, input)
  await requireHandedOver(ctx.db, viewer.id)
  await deleteOwnTasks(ctx, viewer)
  await changeAccount(ctx, viewer.id, undefined, async (tx, user) => {
    await requireOtherAdmin(tx, user)
    // Like changes of members, so that no project loses its last OWNER meanwhile.
    await tx.$executeRaw`SELECT FROM "Project" WHERE "id" IN (SELECT "projectId" FROM "Membership" WHERE "userId" = ${viewer.id}::uuid)
      ORDER BY "id" FOR NO KEY UPDATE`
    await requireHandedOver(tx, viewer.id)
    const ids = (await ownProjects(tx, viewer.id)).map(({ id }) => id)
    await tx.project.deleteMany({ where: { id: { in: ids } } })
    await eraseAccount(tx, viewer.id)
  })
  return true
}

/** An account of an identity provider has no password here. */
async function requireConfirmation(ctx: Context, { currentPassword, confirm }: DeleteMyAccountValues): Promise<void> {
  const user = await getMe(ctx, {})
  if (user.passwordHash !== null) {
    if (currentPassword != null) return requirePassword(ctx, user, currentPassword)
    throw refused('currentPassword', 'is required to delete an account with a password')
  }
  if (confirm !== CONFIRM_DELETION) throw refused('confirm', `must be exactly ${JSON.stringify(CONFIRM_DELETION)}`)
}

const refused = (field: string, message: string) =>
  validationFailed([{ path: ['input', field], code: 'required', message }])

type Projects = Pick<Prisma.TransactionClient, 'project'>

async function requireHandedOver(db: Projects, userId: string): Promise<void> {
  const others = { userId: { not: userId } }
  const projects = await db.project.findMany({
    where: {
      memberships: { some: { userId, role: 'OWNER' }, none: { ...others, role: 'OWNER' } },
      AND: { memberships: { some: others } },
    },
    select: { key: true },
    orderBy: { key: 'asc' },
    take: 20,
  })
  if (projects.length === 0) return
  const keys = projects.map(({ key }) => key).join(', ')
  throw new AppError(
    'CONFLICT',
    `You are the only OWNER of projects with other members: ${keys}. Make one of them OWNER, or delete the projects, first.`,
  )
}

/** The projects that nobody else is a member of: the Inbox and others. */
const ownProjects = (db: Projects, userId: string) =>
  db.project.findMany({
    where: { memberships: { some: { userId, role: 'OWNER' }, none: { userId: { not: userId } } } },
    select: { id: true },
  })

/** Deletes the tasks in batches, because one transaction would take too long. */
async function deleteOwnTasks(ctx: Context, viewer: { id: string }): Promise<void> {
  let left = MAX_DELETED
  for (const { id } of await ownProjects(ctx.db, viewer.id)) {
    const { count, hasMore } = await deleteForGood(ctx.db, viewer, id, left)
    left -= count
    if (!hasMore) continue
    const message = `The account still has tasks. ${grouped(MAX_DELETED - left)} are deleted: send the request again to go on.`
    throw new AppError('CONFLICT', message)
  }
}
