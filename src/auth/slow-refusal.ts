import { setTimeout as wait } from 'node:timers/promises'
import { AppError } from '../gateway/errors.ts'

/**
 * How long a refusal is held back. Refused at once, whoever floods the sign-in asks again at once, and the cheap refusals
 * leave nobody else a turn; held back, each of their connections asks once a second.
 */
const HELD_MS = 1_000

/** Each costs a timer and what is known of its request; beyond this many a flood is not one of connections any more. */
const MAX_HELD = 5_000

let held = 0

/** RATE_LIMITED, after a while. `headers` has at least `Retry-After`. */
export async function refuseSlowly(message: string, headers: Record<string, string>): Promise<never> {
  if (held < MAX_HELD) {
    held++
    await wait(HELD_MS).finally(() => held--)
  }
  throw new AppError('RATE_LIMITED', message, { headers })
}
