import { randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { hash, verify } from '@node-rs/argon2'
import pLimit from 'p-limit'
import { refuseSlowly } from './slow-refusal.ts'

/**
 * argon2id with OWASP's second recommendation (19 MiB, 2 passes). Runs in libuv's threads, not on
 * the event loop.
 */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** Maximum number of concurrent hashes. Leaves one core for everything else. */
const MAX_CONCURRENT = Math.max(1, availableParallelism() - 1)

/** Maximum queue length. At about 30 ms per hash, the last one waits a few seconds. */
const MAX_WAITING = 100

const limit = pLimit(MAX_CONCURRENT)

/** Queues a hash and runs it when it is its turn. Throws RATE_LIMITED if the queue is full. */
function enqueue<T>(work: () => Promise<T>): Promise<T> {
  if (limit.pendingCount < MAX_WAITING) return limit(work)
  return refuseSlowly('Too many sign-ins at the moment. Try again in a few seconds.', { 'Retry-After': '2' })
}

/**
 * Normalises a password, so that the same text typed differently matches (NIST
 * SP 800-63B, 5.1.1.2).
 */
const normalize = (password: string) => password.normalize('NFKC')

/** Returns the PHC string to store for a password. */
export function hashPassword(password: string): Promise<string> {
  return enqueue(() => hash(normalize(password), COST))
}

/**
 * A hash that no password has, of random bytes. Verified for unknown accounts, so that they cost
 * the same work.
 */
const DECOY = decoy()

function decoy(): string {
  const { memoryCost, timeCost, parallelism } = COST
  const random = (bytes: number) => randomBytes(bytes).toString('base64').replace(/=+$/, '')
  return `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$${random(16)}$${random(32)}`
}

/**
 * Checks a password against the stored hash. Without one it does the same work and returns false.
 */
export async function verifyPassword(password: string, stored: string | null | undefined): Promise<boolean> {
  const matches = await enqueue(() => verify(stored ?? DECOY, normalize(password)))
  return stored != null && matches
}
