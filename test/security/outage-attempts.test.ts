import { describe, expect, test } from 'vitest'
import { createSignInGuard } from '../../src/auth/attempts.ts'
import { AppError } from '../../src/gateway/errors.ts'

const ADDRESS = '192.0.2.1'
const outage = () => Promise.reject(new Error('the database does not answer'))
const unavailable = () => Promise.reject(new AppError('UNAVAILABLE', 'Try again.'))

/** Returns how many of these calls fail with RATE_LIMITED. */
async function limited(calls: number, call: () => Promise<unknown>): Promise<number> {
  const codes = await Promise.all(
    Array.from({ length: calls }, () => call().then(String, (error: unknown) => (error as AppError).code)),
  )
  return codes.filter((code) => code === 'RATE_LIMITED').length
}

describe('during an outage of the database', () => {
  test.each([
    ['unexpected errors', outage],
    ['UNAVAILABLE', unavailable],
  ])('no sign-in is counted, in parallel or one after another: %s', async (_what, verify) => {
    const guard = createSignInGuard({ enabled: true })
    const signIn = (attempt: () => Promise<unknown>) => guard.attempt('ada@example.org', ADDRESS, attempt)
    for (let index = 0; index < 60; index++) expect(await limited(1, () => signIn(verify))).toBe(0)
    expect(await limited(10, () => signIn(verify))).toBe(0)
    expect(await signIn(async () => 'the account')).toBe('the account')
    // Wrong passwords still count: 10 a minute.
    for (let index = 0; index < 10; index++) expect(await signIn(async () => null)).toBeNull()
    expect(await limited(1, () => signIn(async () => 'the account'))).toBe(1)
  })

  test.each([
    ['unexpected errors', outage],
    ['UNAVAILABLE', unavailable],
  ])('no registration is counted: %s', async (_what, create) => {
    const guard = createSignInGuard({ enabled: true })
    for (let round = 0; round < 4; round++) {
      expect(await limited(100, () => guard.registration(ADDRESS, create))).toBe(0)
    }
    const taken = () => Promise.reject(new AppError('CONFLICT', 'Taken.'))
    expect(await limited(150, () => guard.registration(ADDRESS, async () => 'an account'))).toBe(0)
    expect(await limited(150, () => guard.registration(ADDRESS, taken))).toBe(0)
    expect(await limited(1, () => guard.registration(ADDRESS, async () => 'an account'))).toBe(1)
  })
})
