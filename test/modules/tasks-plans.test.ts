import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type DatabaseHandle, openDatabase } from '../../src/database/client.ts'
import { emptyPostgres, onPostgres } from '../support/database.ts'
import { fill } from '../support/scale/fill.ts'
import { type Explained, explainList, runList } from '../support/scale/plan.ts'
import { longLists, type Shape, shapes, VIEWER } from '../support/scale/shapes.ts'

/**
 * Checks that lists use an index in a database large enough for the planner to prefer one.
 * bench/scale/lists.ts measures their cost and indexes with a million tasks.
 */
describe.runIf(onPostgres)('with 100,000 tasks', () => {
  let database: Awaited<ReturnType<typeof emptyPostgres>>
  let handle: DatabaseHandle
  let parent: string

  beforeAll(async () => {
    database = await emptyPostgres()
    handle = await openDatabase({ url: database.url, dataDir: '', poolSize: 1 })
    await fill(database.url, { tasks: 100_000, projects: 100, users: 500 })
    const where = { parentId: { not: null }, project: { memberships: { some: { userId: VIEWER } } } }
    parent = (await handle.db.task.findFirstOrThrow({ where })).parentId ?? ''
  }, 120_000)
  afterAll(async () => {
    await handle?.close()
    await database?.drop()
  })

  const explain = ({ args, role = undefined }: Shape, page = {}): Promise<Explained> =>
    explainList(handle.db, { id: VIEWER, role: role ?? 'MEMBER' }, { ...args, ...page })

  test.each(shapes('').map(({ name }, index) => [name, index] as const))(
    '%s uses an index and reads at most 10 rows per row returned',
    async (_name, index) => {
      const shape = shapes(parent)[index]!
      const { reads, rowsRead, rowsReturned } = await explain(shape)
      expect(rowsReturned).toBeGreaterThan(0)
      expect(reads.filter((read) => read.endsWith('whole'))).toEqual([])
      expect(rowsRead).toBeLessThanOrEqual(10 * Math.max(rowsReturned, shape.ranked ?? 0))
    },
  )

  test.each(longLists.map((list) => [list.name, list] as const))(
    'a late page of %s reads as many rows as the first',
    async (_name, list) => {
      const first = await explain(list)
      const { cursor } = await explain(list, { offset: 20_000 })
      const late = await explain(list, { after: cursor })
      expect(late.rowsReturned).toBe(first.rowsReturned)
      expect(late.rowsRead).toBeLessThanOrEqual(1.3 * first.rowsRead)
      expect(late.reads).toEqual(first.reads)
    },
  )

  test('a search returns only the newest 10,000 matches and reports the limit', async () => {
    const admin = { id: VIEWER, role: 'ADMIN' as const }
    const common = await runList(handle.db, admin, { filter: { search: 'task' } })
    expect(common.remark).toBe(true)
    expect(await common.totalCount()).toBeGreaterThan(10_000)
    const behind = await runList(handle.db, admin, { filter: { search: 'task' }, offset: 9_995 })
    expect(behind.edges).toHaveLength(5)
    const oldest = await handle.db.task.findMany({ orderBy: [{ createdAt: 'desc' }], skip: 11_000, take: 1 })
    const pages = behind.edges.map((edge) => edge.node.createdAt.getTime())
    expect(Math.min(...pages)).toBeGreaterThan(oldest[0]!.createdAt.getTime())
    const rare = await runList(handle.db, admin, { filter: { search: 'zebra' } })
    expect({ remark: rare.remark, count: await rare.totalCount() }).toEqual({ remark: false, count: 40 })
  })
})
