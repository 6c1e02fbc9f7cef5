import { expect, onTestFinished, test } from 'vitest'
import type { Viewer } from '../../src/auth/viewer.ts'
import { createTail } from '../../src/events/tail.ts'
import { readEvents } from '../../src/modules/event-feed/service.ts'
import type { Context } from '../../src/request/context.ts'
import { openTestDatabase } from '../support/database.ts'
import { makeProject, makeTask, makeUser } from '../support/rows.ts'

/** Removes a member and writes a task while that member's page of the log is being read. */
async function readWhileRemoved(ofProject: boolean) {
  const { handle, close } = await openTestDatabase()
  onTestFinished(close)
  const { db } = handle
  const [user, project] = [await makeUser(db), await makeProject(db)]
  await db.membership.create({ data: { projectId: project.id, userId: user.id, role: 'VIEWER' } })
  const tail = await createTail(handle)
  onTestFinished(tail.close)
  const newest = async () => {
    await db.membership.deleteMany({ where: { userId: user.id } })
    await makeTask(db, project.id, { title: 'Secret' })
    return tail.newest()
  }
  const viewer = { id: user.id, role: 'MEMBER', scopes: null } as Viewer
  const ctx = { viewer, db, services: { db, tail: { newest } } } as unknown as Context
  return readEvents(ctx, ofProject ? { projectId: project.id } : {})
}

test('a page of the log omits events committed after its reader was removed, even if the request came earlier', async () => {
  expect((await readWhileRemoved(false)).events).toEqual([])
  await expect(readWhileRemoved(true)).rejects.toMatchObject({ code: 'NOT_FOUND' })
})
