import { networkOf } from '../auth/client-address.ts'
import type { Viewer } from '../auth/viewer.ts'
import type { Config } from '../config.ts'
import type { Database } from '../database/client.ts'
import type { GatewayLog } from '../gateway/gateway-context.ts'
import { type Payer, RateLimiter, type RatePolicy } from '../gateway/limits/rate-limit.ts'
import { type CountStore, shareCounts } from '../gateway/limits/shared-counts.ts'
import { Prisma } from '../generated/prisma/client.ts'

export type RateLimits = ReturnType<typeof createRateLimits>

type Settings = Pick<
  Config,
  'RATE_LIMIT_POINTS' | 'RATE_LIMIT_ADDRESS_POINTS' | 'RATE_LIMIT_WINDOW' | 'MAX_OPERATIONS_PER_USER'
>

/**
 * Limits what users, API keys and, for requests without a credential, addresses may ask for. An API
 * key has points of its own, so that a script cannot use up those of its owner.
 */
export function createRateLimits(config: Settings, store: CountStore | undefined, log: GatewayLog) {
  const limiter = (name: string, points: 'RATE_LIMIT_POINTS' | 'RATE_LIMIT_ADDRESS_POINTS', running: number) => {
    const settings = { points, running: 'MAX_OPERATIONS_PER_USER' }
    const policy: RatePolicy = {
      name,
      points: config[points],
      windowSeconds: config.RATE_LIMIT_WINDOW,
      running,
      settings,
    }
    return new RateLimiter(policy)
  }
  const users = limiter('user', 'RATE_LIMIT_POINTS', config.MAX_OPERATIONS_PER_USER)
  const keys = limiter('key', 'RATE_LIMIT_POINTS', config.MAX_OPERATIONS_PER_USER)
  // Many people can share an address.
  const addresses = limiter('address', 'RATE_LIMIT_ADDRESS_POINTS', Number.POSITIVE_INFINITY)
  const sharing = shareCounts([users, keys, addresses], store, log)

  return {
    /** Takes the first point of a request. Throws RATE_LIMITED if none is left. */
    admit(viewer: Viewer | null, address: string): Payer {
      if (viewer === null) return addresses.admit(networkOf(address))
      const { credential } = viewer
      return credential.kind === 'apiKey' ? keys.admit(credential.id) : users.admit(viewer.id)
    },
    close: () => sharing.close(),
  }
}

/** Adds up the points that servers with the same database count. */
export function createCountStore(db: Database): CountStore {
  return {
    async add(spent) {
      const keys = spent.map(({ key }) => key)
      const ends = spent.map(({ endsAt }) => endsAt / 1_000)
      const points = spent.map((one) => one.points)
      // In one order on all servers, which would deadlock otherwise.
      const rows = await db.$queryRaw<{ key: string; points: number }[]>(Prisma.sql`
        INSERT INTO "RateCount" AS counted ("key", "endsAt", "points")
          SELECT spent.key, to_timestamp(spent.ends), spent.points
          FROM unnest(${keys}::text[], ${ends}::float8[], ${points}::bigint[]) AS spent(key, ends, points) ORDER BY spent.key
        ON CONFLICT ("key", "endsAt") DO UPDATE SET "points" = counted."points" + excluded."points"
        RETURNING counted."key", counted."points"::float8 AS "points"`)
      return new Map(rows.map((row) => [row.key, row.points]))
    },
  }
}

/** Removes the counts of windows that are over. */
export function purgeCounts(db: Database): Promise<number> {
  return db.$executeRaw`DELETE FROM "RateCount" WHERE "endsAt" < now()`
}
