import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createSignInGuard } from '../../src/auth/attempts.ts'
import { postFrom } from '../support/addresses.ts'
import { type RestAnswer, rest } from '../support/clients.ts'
import { serverForTest, signUp, type TestServer, type TestUser } from '../support/server.ts'
import { until } from '../support/wait.ts'

const SIGN_IN = '/api/v1/auth/sign-in'
/** Wrong passwords for one account from one address, in a minute. */
const PER_ACCOUNT = 10
/** The same, whatever the account. */
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

test('wrong passwords from one address are limited over all accounts, and not for other addresses', async () => {
  const server = await serverForTest()
  const user = await signUp(server)
  const attack = postFrom('127.0.0.1')
  const answers = await Promise.all(
    Array.from({ length: PER_ADDRESS + 10 }, () =>
      attack(server, SIGN_IN, wrong({ email: `${randomUUID()}@example.org` })),
    ),
  )
  // The last few are refused either by this limit or, as all come at once, by the queue of the hashing.
  const tried = answers.filter(({ status }) => status === 401).length
  expect(tried).toBeGreaterThan(PER_ADDRESS / 2)
  expect(tried).toBeLessThanOrEqual(PER_ADDRESS)
  const more = await attack(server, SIGN_IN, right(user))
  expect({ status: more.status, code: more.body.code }).toEqual({ status: 429, code: 'RATE_LIMITED' })
  expect(more.retryAfter).toBeGreaterThan(0)
  expect((await postFrom('127.0.0.2')(server, SIGN_IN, right(user))).status).toBe(200)
})

test('while an attacker hammers an account, its owner signs in from elsewhere', async () => {
  const server = await serverForTest()
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
  await until('the attacker is being refused', () => seen.filter((status) => status === 429).length >= 5)
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
  const besiege = async (server: TestServer, victim: TestUser) => {
    const addresses = Array.from({ length: 6 }, (_, index) => `127.0.1.${index + 1}`)
    await Promise.all(addresses.map((one) => times(PER_ACCOUNT, () => postFrom(one)(server, SIGN_IN, wrong(victim)))))
  }

  test('an address that signed in before does so at once', async () => {
    const server = await serverForTest()
    const victim = await signUp(server)
    const home = postFrom('127.0.0.2')
    expect((await home(server, SIGN_IN, right(victim))).status).toBe(200)
    await besiege(server, victim)
    expect((await home(server, SIGN_IN, right(victim))).status).toBe(200)
  })

  test('a new address waits a few seconds at most, and is told how long', async () => {
    const guard = createSignInGuard({ enabled: true })
    const account = 'victim@example.org'
    const attackers = Array.from({ length: 51 }, (_, index) => `127.0.1.${index}`)
    // The last one takes what is left to strangers for two seconds.
    await Promise.all(attackers.map((address) => guard.attempt(account, address)))
    const refused = await guard.attempt(account, '127.0.0.3').catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'RATE_LIMITED', headers: { 'Retry-After': expect.stringMatching(/^[12]$/) } })
    let entered = false
    await until('the owner is in', async () => {
      await guard.attempt(account, '127.0.0.3').then(
        () => {
          entered = true
        },
        () => undefined,
      )
      return entered
    })
  })
})

test('an address registers 300 accounts an hour, whether they come to be or not; another address still registers', async () => {
  const guard = createSignInGuard({ enabled: true })
  await times(300, () => guard.registration('127.0.0.1'))
  const refused = await guard.registration('127.0.0.1').catch((error: unknown) => error)
  expect(refused).toMatchObject({
    code: 'RATE_LIMITED',
    headers: { 'Retry-After': expect.stringMatching(/^3[56]\d\d$/) },
  })
  await guard.registration('127.0.0.2')
})

describe('with RATE_LIMIT=off', () => {
  test('nobody is limited, for one account or many', async () => {
    const server = await serverForTest({ RATE_LIMIT: 'off' })
    const user = await signUp(server)
    const answers = await times(PER_ACCOUNT * 2, () => signIn(server, wrong(user)))
    expect(new Set(codes(answers))).toEqual(new Set(['UNAUTHENTICATED']))
    expect((await signIn(server, right(user))).status).toBe(200)
  })

  test('the queue of the hashing is bounded all the same: beyond it 429, and it works again afterwards', async () => {
    const server = await serverForTest({ RATE_LIMIT: 'off' })
    const user = await signUp(server)
    const answers = await Promise.all(Array.from({ length: 200 }, () => signIn(server, wrong(user))))
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThan(20)
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(200 - refused.length)
    for (const { headers } of refused) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await signIn(server, right(user))).status).toBe(200)
  })
})
