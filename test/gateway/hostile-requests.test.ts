import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { hostileTrial } from '../long/hostile-requests/trial.ts'

/** A short run of test/long/hostile-requests.ts. */
test('150 hostile requests are cheap, cause no server error and no error in the log, and leave no memory behind', async () => {
  const seed = randomInt(2 ** 31)
  console.info(`The seed of the hostile requests is ${seed}`)
  const { problems, sent, statuses } = await hostileTrial({ requests: 150, seed })
  expect(problems, `seed ${seed}`).toEqual([])
  expect(sent.http + sent.websocket).toBe(150)
  // Enough of them pass the first checks to exercise the server.
  expect(sent.websocket).toBeGreaterThan(15)
  for (const status of [101, 200, 400]) expect(statuses[status], `answers of ${status}`).toBeGreaterThan(0)
}, 240_000)
