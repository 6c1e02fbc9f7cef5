import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { fuzz } from '../../scripts/fuzz/run.ts'
import { serverForTest } from '../support/server.ts'

/** A short run of what scripts/fuzz/main.ts does for longer. */
test('1,500 requests of all kinds: no answer is a 5xx, or has a status that is not documented, or an error in another form', async () => {
  const server = await serverForTest({ RATE_LIMIT: 'off' })
  const seed = randomInt(2 ** 31)
  console.info(`the requests are those of seed ${seed}`)
  const { problems, statuses, requests } = await fuzz({ url: server.url, seed, requests: 1_500, atOnce: 8 })
  expect(problems, `seed ${seed}`).toEqual([])
  expect(requests).toBe(1_500)
  // Most say something about the server: not all are refused at the door.
  for (const status of [200, 201, 404, 422]) expect(statuses[status], `answers of ${status}`).toBeGreaterThan(5)
}, 120_000)
