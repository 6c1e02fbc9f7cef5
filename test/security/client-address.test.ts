import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { rest } from '../support/clients.ts'
import { serverForTest, type TestServer } from '../support/server.ts'

/** Guesses at an account that nobody has, until the answer is another than "wrong"; at most 30 times. */
async function guessesAllowed(server: TestServer, account: string, forwardedFor: (guess: number) => string) {
  for (let guess = 0; guess < 30; guess++) {
    const { status } = await rest(server, 'POST /auth/sign-in', {
      body: { email: account, password: 'a guess' },
      headers: { 'x-forwarded-for': forwardedFor(guess) },
    })
    if (status === 429) return guess
    expect(status).toBe(401)
  }
  return 30
}

const account = () => `${randomUUID()}@example.org`

test('without a trusted proxy X-Forwarded-For is a mere claim: changing it gives no further guesses', async () => {
  const server = await serverForTest()
  expect(await guessesAllowed(server, account(), (guess) => `198.51.100.${guess}`)).toBe(10)
})

test('behind one trusted proxy the last address counts, whatever the client wrote before it', async () => {
  const server = await serverForTest({ TRUSTED_PROXIES: '1' })
  const victim = account()
  expect(await guessesAllowed(server, victim, (guess) => `203.0.113.${guess}, 198.51.100.7`)).toBe(10)
  expect(await guessesAllowed(server, victim, () => '198.51.100.8')).toBe(10)
})

test('an IPv6 client is counted by its /64, so that it cannot take a fresh address for each guess', async () => {
  const server = await serverForTest({ TRUSTED_PROXIES: '1' })
  const victim = account()
  expect(await guessesAllowed(server, victim, (guess) => `2001:db8:1:2::${guess + 1}`)).toBe(10)
  expect(await guessesAllowed(server, victim, () => '2001:db8:1:3::1')).toBe(10)
})
