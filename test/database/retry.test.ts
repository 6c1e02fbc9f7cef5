import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../src/database/client.ts'
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

const raise = (state: string) =>
  db.$executeRawUnsafe(`DO $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = '${state}'; END $$`)

test.each(['40P01', '40001'])('what PostgreSQL breaks off with %s is done again', async (state) => {
  let attempts = 0
  const answer = await againOnDeadlock(async () => {
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
    const refused = againOnDeadlock(() => {
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
    againOnDeadlock(() =>
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
