import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createExternalTokens } from '../../src/auth/external-tokens.ts'
import { AUDIENCE, ISSUER, makeKey, providerToken } from '../support/provider.ts'
import { until } from '../support/wait.ts'

const LIMIT = 10_000

/** Serves keys in an answer of this size. Returns a verifier and the number of bytes sent. */
async function provider(jwk: object, size: number, withLength: boolean) {
  const text = JSON.stringify({ keys: [jwk] }).padEnd(size)
  let sent = 0
  const server = createServer(async (_request, response) => {
    response.setHeader('content-type', 'application/json')
    if (withLength) response.setHeader('content-length', size)
    for (let start = 0; start < size && !response.destroyed; start += 1_000_000) {
      const chunk = text.slice(start, start + 1_000_000)
      sent += chunk.length
      await new Promise<unknown>((resolve) => {
        response.once('close', resolve)
        response.write(chunk, resolve)
      })
    }
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const problems: string[] = []
  const options = { jwksUrl, issuer: ISSUER, audience: AUDIENCE, jwksLimit: LIMIT }
  const { verify } = createExternalTokens(options, ({ message }) => problems.push(message))
  return { verify, problems, sent: () => sent }
}

test.each([true, false])(
  'keys of JWT_JWKS_LIMIT bytes are read, one byte more is not (length declared: %s)',
  async (declared) => {
    const key = await makeKey('RS256', 'one')
    const token = await providerToken(key, { sub: 'somebody' })
    const fitting = await provider(key.jwk, LIMIT, declared)
    expect(await fitting.verify(token)).toMatchObject({ subject: 'somebody' })
    const large = await provider(key.jwk, LIMIT + 1, declared)
    expect(await large.verify(token)).toBeUndefined()
    expect(large.problems).toEqual([expect.stringContaining('JWT_JWKS_LIMIT')])
  },
)

test('an answer of 200 MB is not read to the end', async () => {
  const key = await makeKey('RS256', 'one')
  const huge = await provider(key.jwk, 200_000_000, false)
  expect(await huge.verify(await providerToken(key, { sub: 'somebody' }))).toBeUndefined()
  await until('the problem is reported', () => huge.problems.length === 1)
  expect(huge.sent()).toBeLessThan(50_000_000)
})
