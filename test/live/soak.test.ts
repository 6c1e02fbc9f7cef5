import { expect, test } from 'vitest'
import { soak } from '../long/soak/run.ts'
import { onPostgres } from '../support/database.ts'

/** The run takes about ten seconds on an idle machine. */
const LONG_MS = 240_000

test(
  'no event is lost, repeated or reordered when connections drop and servers die',
  async () => {
    const { differences, summary } = await soak({ events: 400, kills: 1, seed: 1, embedded: !onPostgres })
    expect(differences, summary).toEqual([])
  },
  LONG_MS,
)
