import { newApiKey } from '../../auth/api-keys.ts'
import type { Context } from '../../context.ts'
import { AppError } from '../../gateway/errors.ts'
import { type ApiKey, Prisma } from '../../generated/prisma/client.ts'
import { byTime, type Connection, loadPage, type PageArguments } from '../../pagination.ts'
import { isId } from '../../rules.ts'
import { requireViewer } from '../users/policy.ts'
import { isApiScope } from './scopes.ts'

/** A key; with its secret in the answer that made it. */
export type ShownApiKey = ApiKey & { secret?: string }

interface NewApiKey {
  name: string
  scopes: readonly string[]
  expiresAt?: Date | null
}

/** A key that acts as the viewer, within its scopes. Only an ADMIN may make one that administers. */
export async function createApiKey(ctx: Context, { name, scopes, expiresAt }: NewApiKey): Promise<ShownApiKey> {
  const viewer = requireViewer(ctx)
  if (scopes.includes('admin') && viewer.role !== 'ADMIN') {
    throw new AppError('FORBIDDEN', 'Only an ADMIN may make a key with the scope admin.', { path: ['input', 'scopes'] })
  }
  const { secret, hash, prefix } = newApiKey()
  const key = await ctx.db.apiKey.create({
    data: { userId: viewer.id, name, hash, prefix, scopes: scopes.filter(isApiScope), expiresAt },
  })
  return { ...key, secret }
}

/** The viewer's keys that were not revoked, newest first. */
export async function listApiKeys(ctx: Context, args: PageArguments): Promise<Connection<ShownApiKey>> {
  const viewer = requireViewer(ctx)
  return loadPage<ShownApiKey>(ctx.db, args, {
    table: 'ApiKey',
    where: Prisma.sql`"userId" = ${viewer.id}::uuid AND "revokedAt" IS NULL`,
    order: [byTime('createdAt', 'desc', 'ApiKey')],
    load: (ids) => ctx.db.apiKey.findMany({ where: { id: { in: ids } } }),
  })
}

/** Ends one of the viewer's keys, with its open streams. */
export async function revokeApiKey(ctx: Context, id: string): Promise<ShownApiKey> {
  const viewer = requireViewer(ctx)
  const missing = new AppError('NOT_FOUND', `There is no API key ${JSON.stringify(id)}.`, { path: ['id'] })
  if (!isId(id)) throw missing
  const where = { id, userId: viewer.id, revokedAt: null }
  const [key] = await ctx.db.apiKey.updateManyAndReturn({ where, data: { revokedAt: new Date() } })
  if (!key) throw missing
  return key
}
