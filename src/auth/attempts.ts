import { createRequire } from 'node:module'
import type { RateLimiterMemory as Limiter } from 'rate-limiter-flexible'
import { refuseSlowly } from './slow-refusal.ts'

type Limiters = typeof import('rate-limiter-flexible')

// The package itself would load the limiters of twenty databases. These files have no types.
const require = createRequire(import.meta.url)
const RateLimiterMemory: Limiters['RateLimiterMemory'] = require('rate-limiter-flexible/lib/RateLimiterMemory.js')
const RateLimiterRes: Limiters['RateLimiterRes'] = require('rate-limiter-flexible/lib/RateLimiterRes.js')

/** Failures per minute from one address on one account. A person who mistypes stays below. */
const PAIR = { points: 10, duration: 60 }
/** Failures per minute from one address on any account. Many people can share an address. */
const ADDRESS = { points: 100, duration: 60 }
/** Failures per 15 minutes on one account from addresses it never signed in from. */
const ACCOUNT = { points: 50, duration: 900 }
/**
 * Attempts still allowed on an account under attack from unknown addresses, so that its owner can
 * sign in.
 */
const UNKNOWN_ADDRESS = { points: 1, duration: 2 }
/** Registrations per hour from one address. */
const REGISTRATIONS = { points: 300, duration: 3_600 }
/** Maximum number of remembered pairs of account and address with a successful sign-in. */
const MAX_TRUSTED = 50_000

export type SignInGuard = ReturnType<typeof createSignInGuard>

/**
 * Slows down password guessing without locking anyone out. Attempts are counted per account and
 * address, per address, and per account for addresses it never signed in from. An attempt is
 * counted before the password is checked, so that parallel attempts cannot slip through. A correct
 * password gives the points back.
 */
export function createSignInGuard({ enabled }: { enabled: boolean }) {
  const pairs = new RateLimiterMemory({ keyPrefix: 'pair', ...PAIR })
  const addresses = new RateLimiterMemory({ keyPrefix: 'address', ...ADDRESS })
  const accounts = new RateLimiterMemory({ keyPrefix: 'account', ...ACCOUNT })
  const unknownAddresses = new RateLimiterMemory({ keyPrefix: 'unknown_addresses', ...UNKNOWN_ADDRESS })
  const registrations = new RateLimiterMemory({ keyPrefix: 'registration', ...REGISTRATIONS })
  const trusted = new Set<string>()

  function trust(pair: string): void {
    trusted.delete(pair)
    trusted.add(pair)
    const [oldest] = trusted
    if (trusted.size > MAX_TRUSTED && oldest !== undefined) trusted.delete(oldest)
  }

  return {
    /**
     * Counts an attempt and returns the result of `verify`, which is null if the password is wrong.
     * Throws RATE_LIMITED after too many. Only a wrong password stays counted: an error, as in an
     * outage, does not.
     */
    async attempt<T>(account: string, address: string, verify: () => Promise<T | null>): Promise<T | null> {
      if (!enabled) return verify()
      const network = networkOf(address)
      const pair = `${account} ${network}`
      const known = trusted.has(pair)
      const counted: (() => Promise<unknown>)[] = []
      const giveBack = () => Promise.all(counted.map((refund) => refund()))
      const count = async (limiter: Limiter, key: string) => {
        await consume(limiter, key)
        counted.push(() => limiter.reward(key))
      }
      try {
        await count(pairs, pair)
        await count(addresses, network)
        if (!known) await count(accounts, account).catch(() => consume(unknownAddresses, account))
      } catch (refused) {
        // A refused attempt does not count.
        await giveBack()
        return refuse(refused)
      }
      const verified = await verify().catch(async (error: unknown) => {
        await giveBack()
        throw error
      })
      if (verified === null) return null
      trust(pair)
      await giveBack()
      await pairs.delete(pair)
      return verified
    },

    async registration(address: string): Promise<void> {
      if (enabled) await consume(registrations, networkOf(address)).catch(refuse)
    },
  }
}

/**
 * Returns the key to count an address by. For IPv6 that is the /64 network, all of which
 * one client controls.
 */
export function networkOf(address: string): string {
  if (!address.includes(':') || address.startsWith('::ffff:')) return address
  const [head = '', tail] = address.split('::')
  const before = head.split(':').filter(Boolean)
  const after = tail === undefined ? [] : tail.split(':').filter(Boolean)
  const zeros = Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0')
  return [...before, ...zeros, ...after].slice(0, 4).join(':')
}

/** Takes one point. Throws Exhausted if none is left. */
async function consume(limiter: Limiter, key: string): Promise<void> {
  try {
    await limiter.consume(key)
  } catch (refused) {
    throw refused instanceof RateLimiterRes ? new Exhausted(limiter, refused.msBeforeNext) : refused
  }
}

class Exhausted extends Error {
  readonly limiter: Limiter
  readonly seconds: number

  constructor(limiter: Limiter, msBeforeNext: number) {
    super('no points left')
    this.limiter = limiter
    this.seconds = Math.max(1, Math.ceil(msBeforeNext / 1000))
  }
}

/** Turns Exhausted into a delayed RATE_LIMITED with the limit's headers. Rethrows anything else. */
function refuse(reason: unknown): Promise<never> {
  if (!(reason instanceof Exhausted)) throw reason
  const { seconds, limiter } = reason
  const { keyPrefix: name, points, duration } = limiter
  return refuseSlowly(`Too many attempts. Try again in ${seconds} s.`, {
    'Retry-After': String(seconds),
    // draft-ietf-httpapi-ratelimit-headers-10
    RateLimit: `"${name}";r=0;t=${seconds}`,
    'RateLimit-Policy': `"${name}";q=${points};w=${duration}`,
  })
}
