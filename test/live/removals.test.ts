import { expect, test } from 'vitest'
import { removals } from '../../scripts/live/removals/run.ts'
import { onPostgres } from '../support/database.ts'

/** It takes ten seconds or so, unless others want the processors, too. */
const LONG_MS = 240_000

test(
  'members who are removed while they follow are told nothing that was committed after it',
  async () => {
    const { differences, summary } = await removals({ trials: 4, seed: 1, embedded: !onPostgres })
    expect(differences, summary).toEqual([])
  },
  LONG_MS,
)
