import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { refuseSlowly } from './slow-refusal.ts'

/** Failures from one address on one account, in a minute: a person who mistypes stays below. */
const PAIR = { points: 10, duration: 60 }
/** Failures from one address, whatever the accounts: many people may sit behind one. */
const ADDRESS = { points: 100, duration: 60 }
/** Failures on one account from addresses it never signed in from. */
const ACCOUNT = { points: 50, duration: 900 }
/** What is left of an account under attack to addresses it never signed in from: its owner gets in all the same, soon. */
const TRICKLE = { points: 1, duration: 2 }
/** New accounts from one address in an hour. */
const REGISTRATIONS = { points: 300, duration: 3_600 }
/** Addresses remembered for having signed in, over all accounts. */
const MAX_TRUSTED = 50_000

export type SignInGuard = ReturnType<typeof createSignInGuard>

/**
 * Slows guessing down without locking anybody out: attempts are counted for the account from one address, for the
 * address, and for the account from addresses it never signed in from. An attempt is counted before the password is
 * looked at, so that many at once do not slip by, and given back when it was right.
 */
export function createSignInGuard({ enabled }: { enabled: boolean }) {
  const pairs = new RateLimiterMemory({ keyPrefix: 'pair', ...PAIR })
  const addresses = new RateLimiterMemory({ keyPrefix: 'address', ...ADDRESS })
  const accounts = new RateLimiterMemory({ keyPrefix: 'account', ...ACCOUNT })
  const trickle = new RateLimiterMemory({ keyPrefix: 'trickle', ...TRICKLE })
  const registrations = new RateLimiterMemory({ keyPrefix: 'registration', ...REGISTRATIONS })
  const trusted = new Set<string>()

  function trust(pair: string): void {
    trusted.delete(pair)
    trusted.add(pair)
    const [oldest] = trusted
    if (trusted.size > MAX_TRUSTED && oldest !== undefined) trusted.delete(oldest)
  }

  return {
    /** Counts an attempt; RATE_LIMITED when there were too many. Answers what to call when the password was right. */
    async attempt(account: string, address: string): Promise<() => Promise<void>> {
      if (!enabled) return async () => undefined
      const network = networkOf(address)
      const pair = `${account} ${network}`
      const known = trusted.has(pair)
      const counted: (() => Promise<unknown>)[] = []
      const count = async (limiter: RateLimiterMemory, key: string) => {
        await consume(limiter, key)
        counted.push(() => limiter.reward(key))
      }
      try {
        await count(pairs, pair)
        await count(addresses, network)
        if (!known) await count(accounts, account).catch(() => consume(trickle, account))
      } catch (refused) {
        // What was refused was no attempt: its points are free for the next one.
        await Promise.all(counted.map((giveBack) => giveBack()))
        return refuse(refused)
      }
      return async () => {
        trust(pair)
        await Promise.all(counted.map((giveBack) => giveBack()))
        await pairs.delete(pair)
      }
    },

    async registration(address: string): Promise<void> {
      if (enabled) await consume(registrations, networkOf(address)).catch(refuse)
    },
  }
}

/** Whoever has an IPv6 address has the whole /64 it is in. */
function networkOf(address: string): string {
  if (!address.includes(':') || address.startsWith('::ffff:')) return address
  const [head = '', tail] = address.split('::')
  const before = head.split(':').filter(Boolean)
  const after = tail === undefined ? [] : tail.split(':').filter(Boolean)
  const zeros = Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0')
  return [...before, ...zeros, ...after].slice(0, 4).join(':')
}

/** Takes a point; throws what the limiter says where there is none left. */
async function consume(limiter: RateLimiterMemory, key: string): Promise<void> {
  try {
    await limiter.consume(key)
  } catch (refused) {
    throw refused instanceof RateLimiterRes ? new Exhausted(limiter, refused.msBeforeNext) : refused
  }
}

class Exhausted extends Error {
  readonly limiter: RateLimiterMemory
  readonly seconds: number

  constructor(limiter: RateLimiterMemory, msBeforeNext: number) {
    super('no points left')
    this.limiter = limiter
    this.seconds = Math.max(1, Math.ceil(msBeforeNext / 1000))
  }
}

/** Tells the client what it ran into, slowly; anything else is thrown as it is. */
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
