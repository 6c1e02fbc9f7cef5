import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { graphql, type RestAnswer, rest } from '../support/clients.ts'
import { freshServerForTest, signUp, type TestServer, type TestUser } from '../support/server.ts'
import { openSocket } from '../support/sockets.ts'

/** Wrong passwords per minute for one account from one address. */
const PER_ACCOUNT = 10

const wrong = ({ email }: Pick<TestUser, 'email'>) => ({ email, password: 'not the password' })
const right = ({ email, password }: TestUser) => ({ email, password })
const signIn = (server: TestServer, body: object) => rest(server, 'POST /auth/sign-in', { body })
const codes = (answers: RestAnswer[]) => answers.map(({ body }) => body.code)

async function times<T>(count: number, act: (index: number) => Promise<T>): Promise<T[]> {
  const answers: T[] = []
  for (let index = 0; index < count; index++) answers.push(await act(index))
  return answers
}

/** Builds a mutation with many sign-in aliases, as a guessing script would send. */
function aliases(count: number): string {
  const fields = Array.from({ length: count }, (_, index) => `a${index}: signIn(input: $input) { accessToken }`)
  return `mutation ($input: SignInInput!) { ${fields.join(' ')} }`
}

describe('wrong passwords for one account from one address', () => {
  test('are refused from the eleventh on, as is the right one, while other accounts can sign in', async () => {
    const server = await freshServerForTest()
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
    // The limit does not affect existing sessions.
    expect((await rest(server, 'GET /me', { token: victim.token })).status).toBe(200)
  })

  test('are limited for unknown addresses, too, so the limit does not reveal accounts', async () => {
    const server = await freshServerForTest()
    const nobody = { email: `${randomUUID()}@example.org` }
    const answers = await times(PER_ACCOUNT + 1, () => signIn(server, wrong(nobody)))
    expect(codes(answers)).toEqual([...Array(PER_ACCOUNT).fill('UNAUTHENTICATED'), 'RATE_LIMITED'])
  })

  test('count in any spelling of the address and over every protocol', async () => {
    const server = await freshServerForTest()
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

  test('count once per alias of a mutation', async () => {
    const server = await freshServerForTest()
    const victim = await signUp(server)
    // Each alias runs, whether the one before it failed or not.
    const codes: string[] = []
    while (codes.length <= PER_ACCOUNT) {
      const { errors = [] } = await graphql(server, aliases(3), { input: wrong(victim) })
      codes.push(...errors.map(({ extensions }) => extensions.code))
    }
    expect(codes).toEqual(codes.map((_, index) => (index < PER_ACCOUNT ? 'UNAUTHENTICATED' : 'RATE_LIMITED')))
    const { errors } = await graphql(server, aliases(3), { input: right(victim) })
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'RATE_LIMITED', retryAfter: expect.any(Number) })
  })

  test('cannot hide behind the right password of another account in the same mutation', async () => {
    const server = await freshServerForTest()
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

  test('cannot bypass the limit by running concurrently', async () => {
    const server = await freshServerForTest()
    const victim = await signUp(server)
    const answers = await Promise.all(Array.from({ length: 60 }, () => signIn(server, wrong(victim))))
    expect(codes(answers).filter((code) => code === 'UNAUTHENTICATED')).toHaveLength(PER_ACCOUNT)
    expect(codes(answers).filter((code) => code === 'RATE_LIMITED')).toHaveLength(60 - PER_ACCOUNT)
  })

  test('are reset by the right password, which never counts', async () => {
    const server = await freshServerForTest()
    const user = await signUp(server)
    for (let round = 0; round < 3; round++) {
      await times(PER_ACCOUNT - 1, () => signIn(server, wrong(user)))
      expect((await signIn(server, right(user))).status).toBe(200)
    }
    const answers = await times(PER_ACCOUNT + 5, () => signIn(server, right(user)))
    for (const { status } of answers) expect(status).toBe(200)
  })
})
