import { expect, test } from 'vitest'
import { killDuringWork } from '../long/notifications/run.ts'
import { onPostgres } from '../support/database.ts'

test('after a kill during the work, each notification is there once and was sent', async () => {
  const { differences, summary } = await killDuringWork({ kills: 1, seed: 1, embedded: !onPostgres })
  expect(differences, summary).toEqual([])
})
