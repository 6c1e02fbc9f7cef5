import { setTimeout as wait } from 'node:timers/promises'
import { AppError } from '../gateway/errors.ts'

/**
 * Delay of a refusal. Without it, a flood of sign-ins would get its refusals at once and crowd out
 * everyone else. With it, each connection can try only once a second.
 */
const DELAY_MS = 1_000

/** Maximum number of delayed refusals, which bounds their memory. Further ones are sent at once. */
const MAX_DELAYED = 5_000

let delayed = 0

/** Throws RATE_LIMITED after a delay. `headers` must include `Retry-After`. */
export async function refuseSlowly(message: string, headers: Record<string, string>): Promise<never> {
  if (delayed < MAX_DELAYED) {
    delayed++
    await wait(DELAY_MS).finally(() => delayed--)
  }
  throw new AppError('RATE_LIMITED', message, { headers })
}
