import { newApiKey } from '../../auth/api-keys.ts'
import { isApiScope } from '../../auth/scopes.ts'
import { AppError } from '../../gateway/errors.ts'
import { type ApiKey, Prisma } from '../../generated/prisma/client.ts'
import { asViewer } from '../../request/as-viewer.ts'
import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'
import { byTime, type Connection, loadPage, type PageArguments } from '../../schema/lists.ts'
import { type Quota, withinQuota } from '../../schema/quota.ts'
import { isId } from '../../schema/rules.ts'

/** An API key. `secret` is present only right after creation. */
export type ShownApiKey = ApiKey & { secret?: string }

interface NewApiKey {
  name: string
  scopes: readonly string[]
  expiresAt?: Date | null
}

/** Creates a key that acts as the viewer within its scopes. The scope `admin` needs an ADMIN. */
export async function createApiKey(ctx: Context, { name, scopes, expiresAt }: NewApiKey): Promise<ShownApiKey> {
  const viewer = requireViewer(ctx)
  if (scopes.includes('admin') && viewer.role !== 'ADMIN') {
    throw new AppError('FORBIDDEN', 'Only an ADMIN can create a key with the scope admin.', {
      path: ['input', 'scopes'],
    })
  }
  const { secret, hash, prefix } = newApiKey()
  const data = { userId: viewer.id, name, hash, prefix, scopes: scopes.filter(isApiScope), expiresAt }
  const key = await withinQuota(ctx, quotaOf(viewer.id), (tx) => tx.apiKey.create({ data }))
  return { ...key, secret }
}

const quotaOf = (userId: string): Quota => ({
  setting: 'MAX_API_KEYS_PER_USER',
  of: { table: 'User', id: userId },
  explain: 'valid API keys per user: revoke one first',
  count: (tx) =>
    tx.apiKey.count({
      where: { userId, revokedAt: null, OR: [{ expiresAt: null }, { expiresAt: { gt: new Date() } }] },
    }),
})

/** Lists the viewer's keys that are not revoked, newest first. */
export async function listApiKeys(ctx: Context, args: PageArguments): Promise<Connection<ShownApiKey>> {
  const viewer = requireViewer(ctx)
  return loadPage<ShownApiKey>(ctx.db, args, {
    table: 'ApiKey',
    where: Prisma.sql`"userId" = ${viewer.id}::uuid AND "revokedAt" IS NULL`,
    order: [byTime('createdAt', 'desc', 'ApiKey')],
    model: 'apiKey',
    query: {},
  })
}

/** Revokes all keys of a user. */
export async function revokeApiKeys(ctx: { db: Pick<Context['db'], 'apiKey'> }, userId: string): Promise<void> {
  await ctx.db.apiKey.updateMany({ where: { userId, revokedAt: null }, data: { revokedAt: new Date() } })
}

/** Revokes one of the viewer's keys, which also ends its open streams. */
export async function revokeApiKey(ctx: Context, id: string): Promise<ShownApiKey> {
  const viewer = requireViewer(ctx)
  const missing = new AppError('NOT_FOUND', `API key ${JSON.stringify(id)} does not exist or has been revoked.`, {
    path: ['id'],
  })
  if (!isId(id)) throw missing
  const where = { id, userId: viewer.id, revokedAt: null }
  const [key] = await asViewer(ctx, (tx) => tx.apiKey.updateManyAndReturn({ where, data: { revokedAt: new Date() } }))
  if (!key) throw missing
  return key
}
