import { availableParallelism } from 'node:os'
import { hash, verify } from '@node-rs/argon2'
import { refuseSlowly } from './slow-refusal.ts'

/** argon2id with OWASP's second recommendation (19 MiB, 2 passes); the work runs in libuv's threads, never on the event loop. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** One core stays for everything else. */
const AT_ONCE = Math.max(1, availableParallelism() - 1)

/** At some 30 ms each, the last in the queue waits about as long as a person does before trying again. */
const MAX_WAITING = 100

let running = 0
const waiting: (() => void)[] = []

/** Runs one piece of hashing when it is its turn; RATE_LIMITED when too many wait already. */
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= AT_ONCE) {
    if (waiting.length >= MAX_WAITING) {
      return refuseSlowly('Too many people sign in just now. Try again in a moment.', { 'Retry-After': '2' })
    }
    // Whoever finishes hands over their place.
    await new Promise<void>((resolve) => waiting.push(resolve))
  } else {
    running++
  }
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    if (next) next()
    else running--
  }
}

/** One password is one text however it was typed (NIST SP 800-63B 5.1.1.2). */
const normal = (password: string) => password.normalize('NFKC')

/** The PHC string to store for a password. */
export function hashPassword(password: string): Promise<string> {
  return inTurn(() => hash(normal(password), COST))
}

/** A hash of a random text, made once: verified against where there is no account, so that both cases cost the same. */
const decoy = hash(crypto.randomUUID(), COST)

/** Whether the password is the stored one. With no stored hash it does the same work and answers false. */
export async function verifyPassword(password: string, stored: string | null | undefined): Promise<boolean> {
  const against = stored ?? (await decoy)
  const matches = await inTurn(() => verify(against, normal(password)))
  return stored != null && matches
}
