import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type DatabaseHandle, openDatabase } from '../../src/database/client.ts'
import { loadActivity, type Of } from '../../src/modules/activity/loader.ts'
import type { Context } from '../../src/request/context.ts'
import { emptyPostgres, onPostgres } from '../support/database.ts'
import { explainPage } from '../support/scale/plan.ts'

/** Ids of the generated rows, as SQL makes them. */
const PROJECT = "md5('project' || (n % 20))::uuid"
const TASK = "md5('task' || (n % 2000))::uuid"

describe.runIf(onPostgres)('with 100,000 events, a page of activity', () => {
  let database: Awaited<ReturnType<typeof emptyPostgres>>
  let handle: DatabaseHandle
  let ids: Record<Of, string>
  let viewer: string

  beforeAll(async () => {
    database = await emptyPostgres()
    handle = await openDatabase({ url: database.url, dataDir: '', poolSize: 1 })
    const { db } = handle
    const user = await db.user.create({ data: { email: 'viewer@example.org', name: 'Viewer' } })
    viewer = user.id
    await db.$executeRawUnsafe(`INSERT INTO "Project" ("id", "key", "name")
      SELECT ${PROJECT}, 'P' || (10 + n), 'Project' FROM generate_series(1, 20) AS n`)
    await db.$executeRaw`INSERT INTO "Membership" ("id", "projectId", "userId", "role")
      SELECT gen_random_uuid(), "id", ${viewer}::uuid, 'VIEWER' FROM "Project"`
    // Two of three events are a task's own, one is about it.
    await db.$executeRawUnsafe(`INSERT INTO "Event" ("position", "type", "projectId", "subjectId", "version", "changes", "aboutId", "alsoAboutId")
      SELECT 1000 + n, CASE n % 3 WHEN 0 THEN 'comment.created' ELSE 'task.updated' END, ${PROJECT},
        CASE n % 3 WHEN 0 THEN gen_random_uuid() ELSE ${TASK} END, 1, '{}',
        CASE n % 3 WHEN 0 THEN ${TASK} END, CASE n % 30 WHEN 0 THEN md5('task' || ((n + 1) % 2000))::uuid END
      FROM generate_series(1, 100000) AS n`)
    await db.$executeRawUnsafe('ANALYZE')
    const [row] = await db.$queryRawUnsafe<{ task: string; project: string }[]>(
      `SELECT ${TASK}::text AS task, ${PROJECT}::text AS project FROM (VALUES (21)) AS one(n)`,
    )
    ids = { task: row?.task ?? '', project: row?.project ?? '' }
  }, 120_000)
  afterAll(async () => {
    await handle?.close()
    await database?.drop()
  })

  const explain = (of: Of, role: 'MEMBER' | 'ADMIN', after?: string) =>
    explainPage(handle.db, (db) => {
      const ctx = { db, services: {}, viewer: { id: viewer, role, scopes: null } } as unknown as Context
      return loadActivity(ctx, { of, id: ids[of], args: { first: 20, ...(after && { after }) } })
    })

  test.each([
    ['task', 'MEMBER'],
    ['task', 'ADMIN'],
    ['project', 'MEMBER'],
    ['project', 'ADMIN'],
  ] as const)(
    'of a %s for a %s uses an index and reads few rows more than it returns, on any page',
    async (of, role) => {
      const first = await explain(of, role)
      const second = await explain(of, role, first.cursor)
      for (const { reads, rowsRead, rowsReturned } of [first, second]) {
        const events = reads.filter((read) => read.startsWith('Event'))
        expect(events).toEqual(
          of === 'project'
            ? ['Event: Event_project_position']
            : ['Event: Event_about_position', 'Event: Event_alsoAbout_position', 'Event: Event_subject_position'],
        )
        expect(rowsReturned).toBe(20)
        expect(rowsRead).toBeLessThanOrEqual(100)
      }
    },
  )
})
