import { actorSql } from '../database/actor.ts'
import { AppError } from '../gateway/errors.ts'
import { Prisma } from '../generated/prisma/client.ts'
import type { Context, Quotas } from '../request/context.ts'
import { grouped } from './rules.ts'

export interface Quota {
  /** The setting with the maximum. */
  setting: keyof Quotas
  /** The row that everything counted belongs to. */
  of: { table: 'User' | 'Project'; id: string }
  /** Counts what there is. */
  count: (tx: Prisma.TransactionClient) => Promise<number>
  /** Ends the sentence "The limit is 100 …", like "API keys per user: revoke one first". */
  explain: string
}

/**
 * Creates something of which there is a maximum, in a transaction that logs the viewer with
 * it. Requests that create for the same
 * user or project run one at a time, so that they cannot exceed it together. Throws CONFLICT at the
 * maximum.
 */
export async function withinQuota<T>(
  { db, services, viewer, requestId }: Pick<Context, 'db' | 'services' | 'viewer' | 'requestId'>,
  { setting, of, count, explain }: Quota,
  create: (tx: Prisma.TransactionClient) => Promise<T>,
): Promise<T> {
  const maximum = services.config[setting]
  return db.$transaction(async (tx) => {
    const table = Prisma.raw(`"${of.table}"`)
    // Does not block inserts that only refer to the row.
    await tx.$executeRaw`SELECT ${actorSql(viewer, requestId)} FROM ${table} WHERE "id" = ${of.id}::uuid FOR NO KEY UPDATE`
    if ((await count(tx)) >= maximum) {
      const message = `The limit is ${grouped(maximum)} ${explain} (${setting}).`
      throw new AppError('CONFLICT', message, { issues: [{ path: ['input'], code: 'quota', message }] })
    }
    return create(tx)
  })
}
