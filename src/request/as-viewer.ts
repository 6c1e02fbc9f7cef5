import { actAs } from '../database/actor.ts'
import type { Prisma } from '../generated/prisma/client.ts'
import type { Context } from './context.ts'
import { requireViewer } from './viewer.ts'

/** Runs a change in a transaction that logs the viewer, their credential and the request with it. */
export function asViewer<T>(ctx: Context, change: (tx: Prisma.TransactionClient) => Promise<T>): Promise<T> {
  const viewer = requireViewer(ctx)
  return ctx.db.$transaction(async (tx) => {
    await actAs(tx, viewer, ctx.requestId)
    return change(tx)
  })
}
