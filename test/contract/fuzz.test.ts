import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { fuzz } from '../long/fuzz/run.ts'
import { ownServerForTest } from '../support/server.ts'

/** A short run of test/long/fuzz.ts. */
test('1,500 random requests cause no 5xx, no undocumented status and no malformed error', async () => {
  const server = await ownServerForTest({ RATE_LIMIT: 'off' })
  const seed = randomInt(2 ** 31)
  console.info(`The fuzz seed is ${seed}`)
  const { problems, statuses, requests } = await fuzz({ url: server.url, seed, requests: 1_500, atOnce: 8 })
  expect(problems, `seed ${seed}`).toEqual([])
  expect(requests).toBe(1_500)
  // Enough requests pass the first checks to exercise the server.
  for (const status of [200, 201, 404, 422]) expect(statuses[status], `answers of ${status}`).toBeGreaterThan(5)
}, 120_000)
