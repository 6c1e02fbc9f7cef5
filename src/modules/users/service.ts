import { verifyPassword } from '../../auth/passwords.ts'
import type { Database } from '../../database/client.ts'
import { AppError } from '../../gateway/errors.ts'
import { Prisma, type User } from '../../generated/prisma/client.ts'
import { asViewer } from '../../request/as-viewer.ts'
import type { Context } from '../../request/context.ts'
import { requireAdmin, requireViewer } from '../../request/viewer.ts'
import { isUniqueViolation } from '../../schema/conflicts.ts'
import { byTime, type Connection, loadPage } from '../../schema/lists.ts'
import { isId } from '../../schema/rules.ts'
import { updateVersioned, type Version } from '../../schema/versioned.ts'
import { recordFailure } from '../audit/record-service.ts'
import { emailTaken } from './account-service.ts'
import type { ListUsersValues, UpdateMeValues, UserFilterValues } from './input.ts'
import { userNotFound } from './policy.ts'

type UserQuery = Pick<Prisma.UserFindManyArgs, 'select' | 'include'>

export async function getMe(ctx: Context, query: UserQuery) {
  const viewer = requireViewer(ctx)
  const user = await ctx.db.user.findUnique({ ...query, where: { id: viewer.id } })
  if (!user) throw accountGone()
  return user
}

const accountGone = () => new AppError('UNAUTHENTICATED', 'This account no longer exists.')

/** Gets a user by id. Needs an ADMIN. */
export async function getUser(ctx: Context, id: string, query: UserQuery) {
  requireAdmin(ctx)
  const user = isId(id) ? await ctx.db.user.findUnique({ ...query, where: { id, deletedAt: null } }) : null
  if (!user) throw userNotFound(id)
  return user
}

/** Lists the users that match the filter, oldest account first. Needs an ADMIN. */
export async function listUsers(ctx: Context, args: ListUsersValues, query: UserQuery): Promise<Connection<User>> {
  requireAdmin(ctx)
  const where = userCondition(args.filter ?? {})
  return loadPage<User>(ctx.db, args, {
    table: 'User',
    where,
    order: [byTime('createdAt', 'asc', 'User')],
    model: 'user',
    query,
  })
}

function userCondition({ role, disabled, search }: UserFilterValues): Prisma.Sql {
  const terms = [
    Prisma.sql`"deletedAt" IS NULL`,
    role && Prisma.sql`"role" = ${role}::"UserRole"`,
    disabled != null && Prisma.sql`("disabledAt" IS NOT NULL) = ${disabled}`,
    search && contains(search),
  ].filter((term) => term instanceof Prisma.Sql)
  return Prisma.join(terms, ' AND ')
}

/**
 * Ignores case and accents in any database: lower() may know only ASCII. Not ILIKE, which would
 * treat % and _ as wildcards. A text that folds to nothing is found nowhere.
 */
function contains(search: string): Prisma.Sql {
  const folded = Prisma.sql`nullif(fold_text(${search}), '')`
  return Prisma.sql`(strpos(fold_text("name"), ${folded}) > 0 OR strpos(fold_text("email"), ${folded}) > 0)`
}

/** Changes the viewer's own account. Changing the e-mail address requires the current password. */
export async function updateMe(ctx: Context, input: UpdateMeValues, version: Version, query: UserQuery) {
  const { id } = requireViewer(ctx)
  const { name, email, timeZone, currentPassword } = input
  if (email != null) await requirePassword(ctx, await getMe(ctx, {}), currentPassword ?? '')
  try {
    const row = { noun: 'account', id, version, present: () => getMe(ctx, {}), absent: accountGone }
    const data = { name: name ?? undefined, email: email ?? undefined, timeZone: timeZone ?? undefined }
    const update = (where: Prisma.UserWhereUniqueInput, { user }: Pick<Database, 'user'>) =>
      user.update({ ...query, where, data })
    // The audit log tells who changed an address. It does not tell of other fields.
    return await updateVersioned(row, (where) =>
      email == null ? update(where, ctx.db) : asViewer(ctx, (tx) => update(where, tx)),
    )
  } catch (error) {
    throw isUniqueViolation(error, 'email') ? emailTaken() : error
  }
}

/**
 * Checks the viewer's password. Throws FORBIDDEN if it is incorrect. Counts as a sign-in attempt,
 * so that a stolen token cannot be used to guess the password.
 */
export async function requirePassword(
  ctx: Context,
  { email, passwordHash }: Pick<User, 'email' | 'passwordHash'>,
  password: string,
): Promise<void> {
  const { guard } = ctx.services
  const isRight = await guard.attempt(email, ctx.request.remoteAddress, async () =>
    (await verifyPassword(password, passwordHash)) ? true : null,
  )
  if (isRight) return
  recordFailure(ctx, email, 'password.refused')
  throw new AppError('FORBIDDEN', 'The current password is incorrect.', { path: ['input', 'currentPassword'] })
}
