import { verifyPassword } from '../../auth/passwords.ts'
import type { Context } from '../../context.ts'
import { AppError } from '../../gateway/errors.ts'
import { Prisma, type User } from '../../generated/prisma/client.ts'
import { byTime, type Connection, loadPage } from '../../pagination.ts'
import { isId } from '../../rules.ts'
import { isTaken, versionDiffers } from '../conflicts.ts'
import { emailTaken } from './accounts.ts'
import type { ListUsersValues, UpdateMeValues, UserFilterValues } from './input.ts'
import { requireAdmin, requireViewer, userNotFound } from './policy.ts'

type UserQuery = Pick<Prisma.UserFindManyArgs, 'select' | 'include'>

export async function getMe(ctx: Context, query: UserQuery) {
  const viewer = requireViewer(ctx)
  const user = await ctx.db.user.findUnique({ ...query, where: { id: viewer.id } })
  if (!user) throw new AppError('UNAUTHENTICATED', 'This account is gone.')
  return user
}

/** Needs an ADMIN. */
export async function getUser(ctx: Context, id: string, query: UserQuery) {
  requireAdmin(ctx)
  const user = isId(id) ? await ctx.db.user.findUnique({ ...query, where: { id } }) : null
  if (!user) throw userNotFound(id)
  return user
}

/** Needs an ADMIN. The users that pass the filter, oldest first. */
export async function listUsers(ctx: Context, args: ListUsersValues, query: UserQuery): Promise<Connection<User>> {
  requireAdmin(ctx)
  const where = userCondition(args.filter ?? {})
  return loadPage<User>(ctx.db, args, {
    table: 'User',
    where,
    order: [byTime('createdAt', 'asc', 'User')],
    load: (ids) => ctx.db.user.findMany({ ...query, where: { id: { in: ids } } }),
  })
}

function userCondition({ role, disabled, search }: UserFilterValues): Prisma.Sql {
  const terms = [
    Prisma.sql`TRUE`,
    role && Prisma.sql`"role" = ${role}::"UserRole"`,
    disabled != null && Prisma.sql`("disabledAt" IS NOT NULL) = ${disabled}`,
    // Not ILIKE, to which % and _ in the text would mean something.
    search && Prisma.sql`(strpos(lower("name"), lower(${search})) > 0 OR strpos("email", lower(${search})) > 0)`,
  ].filter((term) => term instanceof Prisma.Sql)
  return Prisma.join(terms, ' AND ')
}

/** Changes the viewer's own account; its e-mail address only with the present password. */
export async function updateMe(
  ctx: Context,
  input: UpdateMeValues,
  version: number | null | undefined,
  query: UserQuery,
) {
  const { id } = requireViewer(ctx)
  const { name, email, currentPassword } = input
  if (email != null) await requirePassword(ctx, currentPassword ?? '')
  try {
    return await ctx.db.user.update({
      ...query,
      where: { id, ...(version != null && { version }) },
      data: { name: name ?? undefined, email: email ?? undefined },
    })
  } catch (error) {
    if (isTaken(error, 'email')) throw emailTaken()
    if (!(error instanceof Prisma.PrismaClientKnownRequestError) || error.code !== 'P2025') throw error
    throw versionDiffers('account', (await getMe(ctx, {})).version, version)
  }
}

/** FORBIDDEN unless it is the viewer's password. Counted like a sign-in: a stolen token is no way to guess it. */
async function requirePassword(ctx: Context, tried: string): Promise<void> {
  const user = await getMe(ctx, {})
  const succeeded = await ctx.services.guard.attempt(user.email, ctx.request.remoteAddress)
  if (!(await verifyPassword(tried, user.passwordHash))) {
    throw new AppError('FORBIDDEN', 'The current password is wrong.', { path: ['input', 'currentPassword'] })
  }
  await succeeded()
}
