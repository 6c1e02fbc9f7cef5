import type { Context } from '../../request/context.ts'
import { requireAdmin } from '../../request/viewer.ts'
import { isId } from '../../schema/rules.ts'
import { recordAct } from '../audit/record-service.ts'
import { userNotFound } from '../users/policy.ts'
import type { NotifyUserValues } from './input.ts'
import { requestNotice } from './request-service.ts'

export interface QueuedNotice {
  id: string
  userId: string
}

/** Queues a message of an ADMIN to a user, who is notified in the background. */
export async function notifyUser(ctx: Context, userId: string, { message }: NotifyUserValues): Promise<QueuedNotice> {
  const viewer = requireAdmin(ctx)
  const user = isId(userId) ? await ctx.db.user.findUnique({ where: { id: userId }, select: { id: true } }) : null
  if (!user) throw userNotFound(userId, ['userId'])
  const id = await ctx.db.$transaction(async (tx) => {
    await recordAct(tx, ctx, { action: 'user.notified', userId: user.id, subjectId: user.id })
    return requestNotice(tx, viewer, { kind: 'ADMIN_NOTICE', message, recipientIds: [user.id] })
  })
  return { id, userId: user.id }
}
