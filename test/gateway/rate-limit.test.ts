import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Account, RateLimiter, type RatePolicy } from '../../src/gateway/limits/rate-limit.ts'
import { type SpentPoints, shareCounts } from '../../src/gateway/limits/shared-counts.ts'
import { keepingLog } from '../support/server.ts'

const POLICY: RatePolicy = {
  name: 'user',
  points: 1_000,
  windowSeconds: 60,
  running: 2,
  settings: { points: 'POINTS', running: 'RUNNING' },
}

/** The beginning of a window. */
const START = 60_000 * 1_000

beforeEach(() => {
  vi.useFakeTimers({ now: START })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a rate limiter', () => {
  test('admits up to the last point and then refuses until the window ends', () => {
    const limiter = new RateLimiter(POLICY)
    limiter.admit('a').spend(998)
    limiter.admit('a')
    expect(() => limiter.admit('a')).toThrow('The 1000 points for 60 s are used up (POINTS). Try again in 60 s.')
    vi.setSystemTime(START + 59_999)
    expect(() => limiter.admit('a')).toThrow('Try again in 1 s.')
    limiter.admit('b')
    vi.setSystemTime(START + 60_000)
    limiter.admit('a')
  })

  test('lets an operation run that costs more than is left', () => {
    const limiter = new RateLimiter({ ...POLICY, points: 1 })
    limiter.admit('a').spend(25_000)
    expect(() => limiter.admit('a')).toThrow('used up')
  })

  test('forgets callers whose window is over, but not those with running operations', () => {
    const limiter = new RateLimiter(POLICY)
    for (let caller = 0; caller < 3_000; caller++) limiter.admit(`${caller}`)
    limiter.admit('running').enter()
    limiter.sweep()
    expect(limiter.size).toBe(3_001)
    vi.setSystemTime(START + 60_000)
    limiter.admit('new')
    for (let round = 0; round < 4; round++) limiter.sweep()
    expect(limiter.size).toBe(2)
  })

  test('keeps a bounded number of callers, and forgets the oldest first', () => {
    const limiter = new RateLimiter({ ...POLICY, points: 1 })
    limiter.admit('first')
    for (let caller = 1; caller < 100_000; caller++) limiter.admit(`${caller}`)
    expect(() => limiter.admit('first')).toThrow('used up')
    limiter.admit('one more')
    expect(limiter.size).toBe(100_000)
    limiter.admit('first')
    expect(limiter.size).toBe(100_000)
  })

  test('counts running operations', () => {
    const account = new RateLimiter(POLICY).admit('a')
    expect([account.enter(), account.enter()]).toEqual([undefined, undefined])
    expect(account.enter()).toMatchObject({ code: 'RATE_LIMITED', headers: { 'Retry-After': '1' } })
    account.leave()
    expect(account.enter()).toBeUndefined()
  })
})

describe('limiters with a store', () => {
  /** Adds up like the database. */
  function memoryStore() {
    const sums = new Map<string, number>()
    const calls: (readonly SpentPoints[])[] = []
    let broken = false
    return {
      calls,
      breakDown: (isBroken: boolean) => {
        broken = isBroken
      },
      async add(spent: readonly SpentPoints[]) {
        if (broken) throw new Error('unavailable')
        calls.push(spent)
        for (const { key, endsAt, points } of spent)
          sums.set(`${key} ${endsAt}`, (sums.get(`${key} ${endsAt}`) ?? 0) + points)
        return new Map(spent.map(({ key, endsAt }) => [key, sums.get(`${key} ${endsAt}`) ?? 0]))
      },
    }
  }

  const left = (account: Account) => {
    const headers: Record<string, string> = {}
    account.report({
      hasHeader: () => false,
      setHeader: (name: string, value: string) => (headers[name] = value),
    } as never)
    return Number(/r=(\d+)/.exec(headers.RateLimit ?? '')?.[1])
  }

  const aSecond = () => vi.advanceTimersByTimeAsync(1_000)

  test('add up what each counts, in one call a second, and nothing for small or idle callers', async () => {
    const store = memoryStore()
    const [one, two] = [new RateLimiter(POLICY), new RateLimiter(POLICY)]
    const log = keepingLog()
    const sharing = [shareCounts([one], store, log), shareCounts([two], store, log)]
    const [first, second] = [one.admit('a'), two.admit('a')]
    one.admit('small')
    first.spend(299)
    second.spend(499)
    await aSecond()
    // The first learns of the second when it spends again.
    first.spend(1)
    await aSecond()
    expect([left(first), left(second)]).toEqual([199, 200])
    expect(store.calls.flat().map(({ key, points }) => [key, points])).toEqual([
      ['user a', 300],
      ['user a', 500],
      ['user a', 1],
    ])
    await aSecond()
    expect(store.calls).toHaveLength(3)
    for (const { close } of sharing) await close()
  })

  test('count for themselves while the store is unavailable, warn once, and add up later', async () => {
    const store = memoryStore()
    const limiter = new RateLimiter(POLICY)
    const log = keepingLog()
    const sharing = shareCounts([limiter], store, log)
    const account = limiter.admit('a')
    store.breakDown(true)
    account.spend(99)
    await aSecond()
    account.spend(100)
    await aSecond()
    expect(left(account)).toBe(800)
    expect(log.lines).toMatchObject([{ level: 'warn', message: expect.stringContaining('each counts for itself') }])
    store.breakDown(false)
    account.spend(100)
    await aSecond()
    expect(store.calls.flat()).toMatchObject([{ key: 'user a', points: 300 }])
    await sharing.close()
  })

  test('start anew in the next window', async () => {
    const store = memoryStore()
    const limiter = new RateLimiter(POLICY)
    const sharing = shareCounts([limiter], store, keepingLog())
    limiter.admit('a').spend(500)
    await aSecond()
    vi.setSystemTime(START + 60_000)
    limiter.admit('a').spend(99)
    await aSecond()
    expect(store.calls.flat().map(({ endsAt, points }) => [endsAt - START, points])).toEqual([
      [60_000, 501],
      [120_000, 100],
    ])
    await sharing.close()
  })
})
