import type { Context } from '../../context.ts'
import { AppError } from '../../gateway/errors.ts'
import type { Prisma } from '../../generated/prisma/client.ts'
import { requireViewer } from './policy.ts'

export async function getMe(ctx: Context, query: Pick<Prisma.UserFindFirstArgs, 'select' | 'include'>) {
  const viewer = requireViewer(ctx)
  const user = await ctx.db.user.findUnique({ ...query, where: { id: viewer.id } })
  if (!user) throw new AppError('UNAUTHENTICATED', 'This account is gone.')
  return user
}
