import { expect, test } from 'vitest'
import { fillWorld, sendHostile } from '../long/hostile-documents/run.ts'
import { onPostgres } from '../support/database.ts'
import { SEED } from '../support/draws.ts'
import { openWorld } from '../support/world.ts'

const LONG_MS = 240_000
/** Twice what an idle machine may take: other tests run beside this one. */
const MAX_CPU_MS = 100

test(
  'no hostile document keeps the server busy or fails unexpectedly, through any door',
  async () => {
    const world = await openWorld({}, !onPostgres)
    try {
      await fillWorld(world, 20)
      await sendHostile(world, { documents: 10, seed: SEED + 1, maxCpuMs: Number.POSITIVE_INFINITY })
      const { problems, summary } = await sendHostile(world, { documents: 40, seed: SEED, maxCpuMs: MAX_CPU_MS })
      expect(problems, `seed ${SEED}\n${summary.join('\n')}`).toEqual([])
    } finally {
      await world.close()
    }
  },
  LONG_MS,
)
