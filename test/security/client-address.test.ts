import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { clientAddress } from '../../src/auth/client-address.ts'
import { rest } from '../support/clients.ts'
import { freshServerForTest, type TestServer } from '../support/server.ts'

/** Counts the guesses at an account before the limit refuses one; at most 30. */
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

test('without a trusted proxy, changing X-Forwarded-For allows no further guesses', async () => {
  const server = await freshServerForTest()
  expect(await guessesAllowed(server, account(), (guess) => `198.51.100.${guess}`)).toBe(10)
})

test('behind one trusted proxy, the last address counts, whatever the client sent before it', async () => {
  const server = await freshServerForTest({ TRUSTED_PROXIES: '1' })
  const victim = account()
  expect(await guessesAllowed(server, victim, (guess) => `203.0.113.${guess}, 198.51.100.7`)).toBe(10)
  expect(await guessesAllowed(server, victim, () => '198.51.100.8')).toBe(10)
})

test('an IPv6 client is limited by its /64, so a fresh address allows no further guesses', async () => {
  const server = await freshServerForTest({ TRUSTED_PROXIES: '1' })
  const victim = account()
  expect(await guessesAllowed(server, victim, (guess) => `2001:db8:1:2::${guess + 1}`)).toBe(10)
  expect(await guessesAllowed(server, victim, () => '2001:db8:1:3::1')).toBe(10)
})

test.each([
  [0, '198.51.100.7', '192.0.2.1'],
  [1, undefined, '192.0.2.1'],
  [1, '', '192.0.2.1'],
  [1, '203.0.113.9, 198.51.100.7', '198.51.100.7'],
  [2, '203.0.113.9 ,198.51.100.7', '203.0.113.9'],
  [2, '198.51.100.7', '192.0.2.1'],
])('with %i trusted proxies, X-Forwarded-For %j from 192.0.2.1 is the client %s', (proxies, forwarded, client) => {
  const request = { headers: { 'x-forwarded-for': forwarded }, remoteAddress: '192.0.2.1' }
  expect(clientAddress(request, proxies)).toBe(client)
})
