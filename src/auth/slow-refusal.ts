import { setTimeout as wait } from 'node:timers/promises'
import { AppError } from '../gateway/errors.ts'

/**
 * Delay of a refusal. Without it, a flood of sign-ins would get its refusals at once and crowd out
 * everyone else. With it, each connection can ask only once a second.
 */
const HELD_MS = 1_000

/** Maximum number of delayed refusals, which bounds their memory. Further ones are sent at once. */
const MAX_HELD = 5_000

let held = 0

/** Throws RATE_LIMITED after a delay. `headers` must include `Retry-After`. */
export async function refuseSlowly(message: string, headers: Record<string, string>): Promise<never> {
  if (held < MAX_HELD) {
    held++
    await wait(HELD_MS).finally(() => held--)
  }
  throw new AppError('RATE_LIMITED', message, { headers })
}
