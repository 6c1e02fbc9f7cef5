import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createSignInGuard } from '../../src/auth/attempts.ts'
import { postFrom } from '../support/addresses.ts'
import { type RestAnswer, rest } from '../support/clients.ts'
import { freshServerForTest, signUp, type TestServer, type TestUser } from '../support/server.ts'
import { until } from '../support/wait.ts'

const SIGN_IN = '/api/v1/auth/sign-in'
/** Wrong passwords per minute for one account from one address. */
const PER_ACCOUNT = 10
/** Wrong passwords per minute from one address for all accounts. */
const PER_ADDRESS = 100

const wrong = ({ email }: Pick<TestUser, 'email'>) => ({ email, password: 'not the password' })
const right = ({ email, password }: TestUser) => ({ email, password })
const signIn = (server: TestServer, body: object) => rest(server, 'POST /auth/sign-in', { body })
const codes = (answers: RestAnswer[]) => answers.map(({ body }) => body.code)

async function times<T>(count: number, act: (index: number) => Promise<T>): Promise<T[]> {
  const answers: T[] = []
  for (let index = 0; index < count; index++) answers.push(await act(index))
  return answers
}

test('wrong passwords from one address are limited across all accounts, but not for other addresses', async () => {
  const server = await freshServerForTest()
  const user = await signUp(server)
  const attack = postFrom('127.0.0.1')
  const answers = await Promise.all(
    Array.from({ length: PER_ADDRESS + 10 }, () =>
      attack(server, SIGN_IN, wrong({ email: `${randomUUID()}@example.org` })),
    ),
  )
  // Either this limit or, because all run at once, the hashing queue refuses the last few.
  const tried = answers.filter(({ status }) => status === 401).length
  expect(tried).toBeGreaterThan(PER_ADDRESS / 2)
  expect(tried).toBeLessThanOrEqual(PER_ADDRESS)
  const more = await attack(server, SIGN_IN, right(user))
  expect({ status: more.status, code: more.body.code }).toEqual({ status: 429, code: 'RATE_LIMITED' })
  expect(more.retryAfter).toBeGreaterThan(0)
  expect((await postFrom('127.0.0.2')(server, SIGN_IN, right(user))).status).toBe(200)
})

test('the owner of an account under attack can sign in from elsewhere', async () => {
  const server = await freshServerForTest()
  const victim = await signUp(server)
  const attack = postFrom('127.0.0.1')
  let hammering = true
  const seen: number[] = []
  const attacker = (async () => {
    while (hammering) {
      const burst = await Promise.all(Array.from({ length: 30 }, () => attack(server, SIGN_IN, wrong(victim))))
      seen.push(...burst.map(({ status }) => status))
    }
  })()
  await until('the limit refuses the attacker', () => seen.filter((status) => status === 429).length >= 5)
  const owner = postFrom('127.0.0.2')
  for (let attempt = 0; attempt < 3; attempt++) {
    const { status, body } = await owner(server, SIGN_IN, right(victim))
    expect(status, JSON.stringify(body)).toBe(200)
  }
  hammering = false
  await attacker
  expect(seen.filter((status) => status === 401)).toHaveLength(PER_ACCOUNT)
})

describe('under an attack on one account from many addresses', () => {
  const attack = async (server: TestServer, victim: TestUser) => {
    const addresses = Array.from({ length: 6 }, (_, index) => `127.0.1.${index + 1}`)
    await Promise.all(addresses.map((one) => times(PER_ACCOUNT, () => postFrom(one)(server, SIGN_IN, wrong(victim)))))
  }

  test('an address that has signed in before can sign in at once, again and again', async () => {
    const server = await freshServerForTest()
    const victim = await signUp(server)
    const home = postFrom('127.0.0.2')
    expect((await home(server, SIGN_IN, right(victim))).status).toBe(200)
    await attack(server, victim)
    const answers = await times(5, () => home(server, SIGN_IN, right(victim)))
    expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(200))
  })

  test('a new address waits a few seconds at most, as stated in Retry-After', async () => {
    const guard = createSignInGuard({ enabled: true })
    const account = 'victim@example.org'
    const attackers = Array.from({ length: 51 }, (_, index) => `127.0.1.${index}`)
    // The last attempt uses up the two-second allowance of unknown addresses.
    await Promise.all(attackers.map((address) => guard.attempt(account, address, async () => null)))
    const refused = await guard.attempt(account, '127.0.0.3', async () => true).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'RATE_LIMITED', headers: { 'Retry-After': expect.stringMatching(/^[12]$/) } })
    let entered = false
    await until('the owner is admitted', async () => {
      await guard
        .attempt(account, '127.0.0.3', async () => true)
        .then(
          () => {
            entered = true
          },
          () => undefined,
        )
      return entered
    })
  })
})

test('an address can attempt 300 registrations an hour without affecting other addresses', async () => {
  const guard = createSignInGuard({ enabled: true })
  await times(300, () => guard.registration('127.0.0.1', async () => true))
  const refused = await guard.registration('127.0.0.1', async () => true).catch((error: unknown) => error)
  expect(refused).toMatchObject({
    code: 'RATE_LIMITED',
    headers: { 'Retry-After': expect.stringMatching(/^3[56]\d\d$/) },
  })
  await guard.registration('127.0.0.2', async () => true)
})

describe('with RATE_LIMIT=off', () => {
  test('nothing is limited, for one account or many', async () => {
    const server = await freshServerForTest({ RATE_LIMIT: 'off' })
    const user = await signUp(server)
    const answers = await times(PER_ACCOUNT * 2, () => signIn(server, wrong(user)))
    expect(new Set(codes(answers))).toEqual(new Set(['UNAUTHENTICATED']))
    expect((await signIn(server, right(user))).status).toBe(200)
  })

  test('the hashing queue is still bounded: it answers 429 when full and recovers afterwards', async () => {
    const server = await freshServerForTest({ RATE_LIMIT: 'off' })
    const user = await signUp(server)
    const answers = await Promise.all(Array.from({ length: 200 }, () => signIn(server, wrong(user))))
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThan(20)
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(200 - refused.length)
    for (const { headers } of refused) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await signIn(server, right(user))).status).toBe(200)
  })
})
