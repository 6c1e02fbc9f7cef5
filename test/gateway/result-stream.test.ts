import { expect, test } from 'vitest'
import { ENDLESS } from '../../src/gateway/credential-lifetime.ts'
import { Outcome } from '../../src/gateway/live/outcome.ts'
import { type LiveSource, ResultStream } from '../../src/gateway/live/result-stream.ts'

test('a result is dropped if its event may no longer be delivered once it is computed', async () => {
  const taken = new Set<number>()
  async function* events() {
    yield* [1, 2, 3]
  }
  const source: LiveSource = { [Symbol.asyncIterator]: events, mayDeliver: (event: number) => !taken.has(event) }
  const stream = new ResultStream({
    source,
    async map(event) {
      // Access is lost while the result is computed.
      if (event === 2) taken.add(2)
      return new Outcome({ data: { event } })
    },
    fail: () => ({}),
    lifetime: ENDLESS,
    onEnd: () => undefined,
  })
  const results: unknown[] = []
  for (let step = await stream.next(); !step.done; step = await stream.next())
    results.push(step.value.result.data?.event)
  expect(results).toEqual([1, 3])
})
