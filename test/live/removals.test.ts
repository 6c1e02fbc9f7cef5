import { expect, test } from 'vitest'
import { removals } from '../long/removals/run.ts'
import { onPostgres } from '../support/database.ts'

/** The run takes about ten seconds on an idle machine. */
const LONG_MS = 240_000

test(
  'removed members receive no event committed after their removal',
  async () => {
    const { differences, summary } = await removals({ trials: 4, seed: 1, embedded: !onPostgres })
    expect(differences, summary).toEqual([])
  },
  LONG_MS,
)
