import { expect, test } from 'vitest'
import { soak } from '../../scripts/live/soak/run.ts'
import { onPostgres } from '../support/database.ts'

/** It takes ten seconds or so, unless others want the processors, too. */
const LONG_MS = 240_000

test(
  'nothing is lost, repeated or out of order for subscribers that are cut, with servers that are killed',
  async () => {
    const { differences, summary } = await soak({ events: 400, kills: 1, seed: 1, embedded: !onPostgres })
    expect(differences, summary).toEqual([])
  },
  LONG_MS,
)
