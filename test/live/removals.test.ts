import { expect, onTestFinished, test } from 'vitest'
import type { Viewer } from '../../src/auth/viewer.ts'
import type { Database } from '../../src/database/client.ts'
import { createTail } from '../../src/events/tail.ts'
import { createAccessTracker } from '../../src/modules/projects/access.ts'
import { removals } from '../long/removals/run.ts'
import { onPostgres, openTestDatabase } from '../support/database.ts'
import { makeProject, makeUser } from '../support/rows.ts'

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

test('a member who is removed while their memberships are being loaded does not see the project', async () => {
  const { handle, close } = await openTestDatabase()
  onTestFinished(close)
  const { db } = handle
  const tail = await createTail(handle)
  onTestFinished(() => tail.close())
  const [user, left, joined] = [await makeUser(db), await makeProject(db), await makeProject(db)]
  const { id } = await db.membership.create({ data: { userId: user.id, projectId: left.id, role: 'VIEWER' } })
  await tail.sync()

  const loading = Promise.withResolvers<void>()
  const changed = Promise.withResolvers<void>()
  const findMany = async (args: Parameters<Database['membership']['findMany']>[0]) => {
    const rows = await db.membership.findMany(args)
    loading.resolve()
    await changed.promise
    return rows
  }
  const tracker = createAccessTracker({ membership: { findMany } } as unknown as Database, tail)
  const watching = tracker.watch({ id: user.id, role: 'MEMBER' } as Viewer)
  await loading.promise
  await db.membership.delete({ where: { id } })
  await db.membership.create({ data: { userId: user.id, projectId: joined.id, role: 'VIEWER' } })
  await tail.sync()
  changed.resolve()
  const access = await watching
  expect([access.sees(left.id), access.sees(joined.id)]).toEqual([false, true])
  access.release()
})
