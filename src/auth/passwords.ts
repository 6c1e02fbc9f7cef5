import { hash, verify } from '@node-rs/argon2'

/** argon2id with OWASP's second recommendation (19 MiB, 2 passes); the work runs in libuv's threads, never on the event loop. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** The PHC string to store for a password. */
export function hashPassword(password: string): Promise<string> {
  return hash(password, COST)
}

/** A hash of a random text, made once: verified against where there is no account, so that both cases cost the same. */
let decoy: Promise<string> | undefined

/** Whether the password is the stored one. With no stored hash it does the same work and answers false. */
export async function verifyPassword(password: string, stored: string | undefined): Promise<boolean> {
  decoy ??= hashPassword(crypto.randomUUID())
  const matches = await verify(stored ?? (await decoy), password)
  return stored !== undefined && matches
}
