import type { GatewayLog } from '../gateway-context.ts'
import type { Account, RateLimiter } from './rate-limit.ts'

/** Adds up the points that callers spend on each server. */
export interface CountStore {
  /** Adds points and returns the sums of all servers, by key. */
  add(spent: readonly SpentPoints[]): Promise<ReadonlyMap<string, number>>
}

export interface SpentPoints {
  /** Policy and caller. */
  key: string
  /** End of the window, in milliseconds since the epoch. */
  endsAt: number
  points: number
}

const EVERY_MS = 1_000
/** Maximum number of callers of one policy in a statement. The others wait for the next. */
const MAX_BATCH = 2_000

/**
 * Sweeps the limiters about once a second and, if there is a store, adds up the counts of all
 * servers there: one statement for all callers who spent points, none if nobody did. Without the
 * store, as in an outage, each server counts for itself.
 */
export function shareCounts(limiters: readonly RateLimiter[], store: CountStore | undefined, log: GatewayLog) {
  let running: Promise<void> | undefined
  let failing = false

  async function share(): Promise<void> {
    for (const limiter of limiters) {
      limiter.sweep()
      const accounts = limiter.takeChanged(MAX_BATCH)
      if (store && accounts.length > 0) await shareSome(store, limiter.policy.name, accounts)
    }
  }

  async function shareSome(store: CountStore, name: string, accounts: readonly Account[]): Promise<void> {
    const before = accounts.map((account) => ({ account, endsAt: account.endsAt, spent: account.spent }))
    const keyOf = ({ key }: Account) => `${name} ${key}`
    try {
      const sums = await store.add(
        before.map(({ account, endsAt, spent }) => ({ key: keyOf(account), endsAt, points: spent - account.shared })),
      )
      for (const { account, endsAt, spent } of before) {
        const sum = sums.get(keyOf(account))
        // Its next window may have begun meanwhile.
        if (account.endsAt !== endsAt || sum === undefined) continue
        account.shared = spent
        account.elsewhere = Math.max(sum - spent, 0)
      }
      failing = false
    } catch (error) {
      if (!failing) log.warn({ err: error }, 'cannot add up the rate limits of all servers: each counts for itself')
      failing = true
    }
  }

  const timer = setInterval(() => {
    running ??= share().finally(() => {
      running = undefined
    })
  }, EVERY_MS).unref()

  return {
    async close(): Promise<void> {
      clearInterval(timer)
      await running
    },
  }
}
