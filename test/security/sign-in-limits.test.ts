import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createSignInGuard } from '../../src/auth/attempts.ts'
import { postFrom } from '../support/addresses.ts'
import { graphql, type RestAnswer, rest } from '../support/clients.ts'
import { serverForTest, signUp, type TestServer, type TestUser } from '../support/server.ts'
import { openSocket } from '../support/sockets.ts'
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

/** Many sign-ins in one mutation, as a script would guess with. */
function aliases(count: number): string {
  const fields = Array.from({ length: count }, (_, index) => `a${index}: signIn(input: $input) { accessToken }`)
  return `mutation ($input: SignInInput!) { ${fields.join(' ')} }`
}

describe('wrong passwords for one account from one address', () => {
  test('are refused from the eleventh on with Retry-After, also the right one, while other accounts sign in', async () => {
    const server = await serverForTest()
    const [victim, neighbour] = [await signUp(server), await signUp(server)]
    const answers = await times(PER_ACCOUNT + 2, () => signIn(server, wrong(victim)))
    expect(codes(answers)).toEqual([...Array(PER_ACCOUNT).fill('UNAUTHENTICATED'), 'RATE_LIMITED', 'RATE_LIMITED'])
    const last = answers.at(-1)!
    expect(last.status).toBe(429)
    expect(last.body.detail).toContain(last.headers.get('retry-after'))
    expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(Number(last.headers.get('retry-after'))).toBeLessThanOrEqual(60)
    expect((await signIn(server, right(victim))).status).toBe(429)
    expect((await signIn(server, right(neighbour))).status).toBe(200)
    // Being signed in is no matter of passwords.
    expect((await rest(server, 'GET /me', { token: victim.token })).status).toBe(200)
  })

  test('are the same for an address that has no account: a limit tells nothing of who is there', async () => {
    const server = await serverForTest()
    const nobody = { email: `${randomUUID()}@example.org` }
    const answers = await times(PER_ACCOUNT + 1, () => signIn(server, wrong(nobody)))
    expect(codes(answers)).toEqual([...Array(PER_ACCOUNT).fill('UNAUTHENTICATED'), 'RATE_LIMITED'])
  })

  test('count however the address is written, and whatever protocol they come by', async () => {
    const server = await serverForTest()
    const victim = await signUp(server)
    const socket = await openSocket(server)
    const input = wrong(victim)
    for (const email of [victim.email.toUpperCase(), ` ${victim.email} `]) await signIn(server, { ...input, email })
    await times(2, () => graphql(server, aliases(1), { input }))
    await times(2, () => socket.ask(aliases(1), { input }))
    const form = new URLSearchParams({ grant_type: 'password', username: victim.email, password: 'wrong' })
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    await times(2, () => rest(server, 'POST /auth/token', { raw: String(form), headers }))
    const body = { currentPassword: 'wrong', newPassword: randomUUID() }
    await times(2, () => rest(server, 'POST /me/password', { token: victim.token, body }))
    const { status, text } = await signIn(server, right(victim))
    expect(status, text).toBe(429)
  })

  test('count each alias of a mutation', async () => {
    const server = await serverForTest()
    const victim = await signUp(server)
    // A field that must not be null ends the mutation where it fails: what was not run does not count.
    for (let asked = 0; asked < PER_ACCOUNT; asked++) {
      const { errors = [] } = await graphql(server, aliases(3), { input: wrong(victim) })
      expect(errors.map(({ extensions }) => extensions.code)).toEqual(['UNAUTHENTICATED'])
    }
    const { errors } = await graphql(server, aliases(3), { input: right(victim) })
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'RATE_LIMITED', retryAfter: expect.any(Number) })
  })

  test('let no alias through behind the right password of somebody else', async () => {
    const server = await serverForTest()
    const [attacker, victim] = [await signUp(server), await signUp(server)]
    const query = `mutation ($own: SignInInput!, $guess: SignInInput!) {
      own: signIn(input: $own) { accessToken } guess: signIn(input: $guess) { accessToken }
    }`
    const variables = { own: right(attacker), guess: wrong(victim) }
    const answers = await times(PER_ACCOUNT + 1, () => graphql(server, query, variables))
    expect(answers.map(({ errors }) => errors?.[0]?.extensions.code)).toEqual([
      ...Array(PER_ACCOUNT).fill('UNAUTHENTICATED'),
      'RATE_LIMITED',
    ])
  })

  test('many at once do not slip by', async () => {
    const server = await serverForTest()
    const victim = await signUp(server)
    const answers = await Promise.all(Array.from({ length: 60 }, () => signIn(server, wrong(victim))))
    expect(codes(answers).filter((code) => code === 'UNAUTHENTICATED')).toHaveLength(PER_ACCOUNT)
    expect(codes(answers).filter((code) => code === 'RATE_LIMITED')).toHaveLength(60 - PER_ACCOUNT)
  })

  test('are forgotten with the right one, which never counts', async () => {
    const server = await serverForTest()
    const user = await signUp(server)
    for (let round = 0; round < 3; round++) {
      await times(PER_ACCOUNT - 1, () => signIn(server, wrong(user)))
      expect((await signIn(server, right(user))).status).toBe(200)
    }
    const answers = await times(PER_ACCOUNT + 5, () => signIn(server, right(user)))
    for (const { status } of answers) expect(status).toBe(200)
  })
})

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

  test('the queue of the hashing is bounded all the same: beyond it 429 at once, and it works again afterwards', async () => {
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
