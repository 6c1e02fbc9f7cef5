import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../src/database/client.ts'
import { retryOnDeadlock } from '../../src/database/retry.ts'
import { withSavepoints } from '../../src/database/savepoints.ts'
import { onPostgres, openTestDatabase } from '../support/database.ts'
import { makeProject } from '../support/rows.ts'

let opened: Awaited<ReturnType<typeof openTestDatabase>>
let db: Database

beforeAll(async () => {
  opened = await openTestDatabase()
  db = opened.handle.db
})
afterAll(() => opened?.close())

const raise = (state: string, at: Pick<Database, '$executeRawUnsafe'> = db) =>
  at.$executeRawUnsafe(`DO $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = '${state}'; END $$`)

test.each(['40P01', '40001', '55P03'])('work that PostgreSQL aborts with %s is retried', async (state) => {
  let attempts = 0
  const answer = await retryOnDeadlock(db, async () => {
    if (++attempts < 3) await raise(state)
    return 'done'
  })
  expect({ answer, attempts }).toEqual({ answer: 'done', attempts: 3 })
})

test('retries end after five attempts, and other errors are not retried', async () => {
  for (const [state, expected] of [
    ['40P01', 5],
    ['23514', 1],
  ] as const) {
    let attempts = 0
    const refused = retryOnDeadlock(db, () => {
      attempts++
      return raise(state)
    })
    await expect(refused).rejects.toThrow()
    expect(attempts).toBe(expected)
  }
})

// The embedded database has one connection: transactions never wait for each other's locks.
test.runIf(onPostgres)('two transactions that wait for each other both succeed', async () => {
  const [a, b] = [await makeProject(db), await makeProject(db)]
  let attempts = 0
  let bothHoldOne = () => {}
  const held = new Promise<void>((resolve) => (bothHoldOne = resolve))
  const rename = (first: string, second: string) =>
    retryOnDeadlock(db, () =>
      db.$transaction(async (tx) => {
        await tx.project.update({ where: { id: first }, data: { name: `${first} first` } })
        attempts++
        // Each has locked a row before either requests the other one.
        if (attempts === 2) bothHoldOne()
        await held
        await tx.project.update({ where: { id: second }, data: { name: `${first} second` } })
      }),
    )
  await Promise.all([rename(a.id, b.id), rename(b.id, a.id)])
  expect(attempts).toBeGreaterThan(2)
})

test('work inside an outer transaction is retried by the outer transaction only', async () => {
  const attempts = { inner: 0, outer: 0 }
  const answer = await retryOnDeadlock(db, () =>
    db.$transaction(async (tx) => {
      attempts.outer++
      const within = withSavepoints(tx)
      return retryOnDeadlock(within, () =>
        within.$transaction(async () => {
          if (++attempts.inner < 3) await raise('40P01', tx)
          return 'done'
        }),
      )
    }),
  )
  expect({ answer, attempts }).toEqual({ answer: 'done', attempts: { inner: 3, outer: 3 } })
})
