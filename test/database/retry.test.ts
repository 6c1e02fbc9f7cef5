import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../src/database/client.ts'
import { nestable } from '../../src/database/nested.ts'
import { againOnDeadlock } from '../../src/database/retry.ts'
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

test.each(['40P01', '40001', '55P03'])('what PostgreSQL breaks off with %s is done again', async (state) => {
  let attempts = 0
  const answer = await againOnDeadlock(db, async () => {
    if (++attempts < 3) await raise(state)
    return 'done'
  })
  expect({ answer, attempts }).toEqual({ answer: 'done', attempts: 3 })
})

test('but not for ever, and nothing else', async () => {
  for (const [state, expected] of [
    ['40P01', 5],
    ['23514', 1],
  ] as const) {
    let attempts = 0
    const refused = againOnDeadlock(db, () => {
      attempts++
      return raise(state)
    })
    await expect(refused).rejects.toThrow()
    expect(attempts).toBe(expected)
  }
})

// The embedded database has one connection: nobody waits for anybody.
test.runIf(onPostgres)('two transactions that wait for each other both come through', async () => {
  const [a, b] = [await makeProject(db), await makeProject(db)]
  let attempts = 0
  const rename = (first: string, second: string) =>
    againOnDeadlock(db, () =>
      db.$transaction(async (tx) => {
        attempts++
        await tx.project.update({ where: { id: first }, data: { name: `${first} first` } })
        await new Promise((resolve) => setTimeout(resolve, 100))
        await tx.project.update({ where: { id: second }, data: { name: `${first} second` } })
      }),
    )
  await Promise.all([rename(a.id, b.id), rename(b.id, a.id)])
  expect(attempts).toBeGreaterThan(2)
})

test('within a transaction of somebody else’s only they begin again', async () => {
  const attempts = { inner: 0, outer: 0 }
  const answer = await againOnDeadlock(db, () =>
    db.$transaction(async (tx) => {
      attempts.outer++
      const within = nestable(tx)
      return againOnDeadlock(within, () =>
        within.$transaction(async () => {
          if (++attempts.inner < 3) await raise('40P01', tx)
          return 'done'
        }),
      )
    }),
  )
  expect({ answer, attempts }).toEqual({ answer: 'done', attempts: { inner: 3, outer: 3 } })
})
