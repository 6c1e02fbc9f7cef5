import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../src/database/client.ts'
import { countRows, type KeysetArguments, keysetPage } from '../../src/database/keyset.ts'
import type { Direction, OrderTerm } from '../../src/database/row-order.ts'
import { Prisma } from '../../src/generated/prisma/client.ts'
import { dueOrLast } from '../../src/modules/tasks/filter/due.ts'
import { openTestDatabase } from '../support/database.ts'
import { makeProject } from '../support/rows.ts'

const TASKS = { name: 'Task', from: Prisma.sql`"Task"`, id: Prisma.sql`"Task"."id"` }
const STATUSES = ['PENDING', 'IN_PROGRESS', 'COMPLETED', 'CANCELLED'] as const

let opened: Awaited<ReturnType<typeof openTestDatabase>>
let db: Database
let projectId: string
let where: Prisma.Sql
let rows: Row[]

interface Row {
  id: string
  title: string
  priority: number
  status: (typeof STATUSES)[number]
  dueAt: Date | null
  createdAt: Date
}

beforeAll(async () => {
  opened = await openTestDatabase()
  db = opened.handle.db
  projectId = (await makeProject(db)).id
  const other = await makeProject(db)
  where = Prisma.sql`"projectId" = ${projectId}::uuid AND "deletedAt" IS NULL`
  const pick = <T>(...values: T[]) => values[Math.floor(Math.random() * values.length)] as T
  // Few values, so that many rows tie.
  rows = Array.from({ length: 60 }, () => ({
    id: randomUUID(),
    title: pick('a', 'B', 'é', '"quoted"', 'a b'),
    priority: pick(1, 2, 3),
    status: pick(...STATUSES),
    dueAt: pick(
      null,
      new Date('2026-01-01T00:00:00.001Z'),
      new Date('2026-01-01T00:00:00.002Z'),
      new Date('1999-12-31T23:59:59Z'),
    ),
    createdAt: pick(
      new Date('2026-01-01T00:00:00.1Z'),
      new Date('2026-01-01T00:00:00Z'),
      new Date('2026-06-01T12:00:00.12Z'),
    ),
  }))
  await db.task.createMany({
    data: [...rows.map((row) => ({ ...row, projectId })), { projectId: other.id, title: 'elsewhere' }],
  })
})
afterAll(() => opened.close())

const compareText = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** Each order with a comparison of rows, as a model of the expected result. */
const ORDERS: Record<
  string,
  { term: (direction: Direction) => OrderTerm; compare: (direction: Direction) => (a: Row, b: Row) => number }
> = {
  priority: {
    term: (direction) => ({ name: 'priority', expression: Prisma.sql`"priority"`, type: 'integer', direction }),
    compare: () => (a, b) => a.priority - b.priority,
  },
  createdAt: {
    term: (direction) => ({ name: 'createdAt', expression: Prisma.sql`"createdAt"`, type: 'timestamptz', direction }),
    compare: () => (a, b) => a.createdAt.getTime() - b.createdAt.getTime(),
  },
  title: {
    // The model compares bytes. The database's default collation may differ.
    term: (direction) => ({ name: 'title', expression: Prisma.sql`"title" COLLATE "C"`, type: 'text', direction }),
    compare: () => (a, b) => compareText(a.title, b.title),
  },
  status: {
    term: (direction) => ({
      name: 'status',
      expression: Prisma.sql`"status"`,
      type: { enum: 'TaskStatus', values: STATUSES },
      direction,
    }),
    compare: () => (a, b) => STATUSES.indexOf(a.status) - STATUSES.indexOf(b.status),
  },
  dueAt: {
    term: (direction) => ({
      name: 'dueAt',
      expression: dueOrLast(direction),
      type: 'timestamptz',
      direction,
    }),
    compare: (direction) => {
      const missing = direction === 'asc' ? Infinity : -Infinity
      return (a, b) =>
        Number(time(a.dueAt, missing) > time(b.dueAt, missing)) -
        Number(time(a.dueAt, missing) < time(b.dueAt, missing))
    },
  },
}

const time = (date: Date | null, missing: number) => date?.getTime() ?? missing

type Order = [string, Direction][]

const terms = (order: Order) => order.map(([name, direction]) => ORDERS[name]!.term(direction))

function sorted(order: Order): string[] {
  const last = order.at(-1)?.[1] ?? 'asc'
  return rows
    .toSorted((a, b) => {
      for (const [name, direction] of order) {
        const compared = ORDERS[name]!.compare(direction)(a, b) * (direction === 'asc' ? 1 : -1)
        if (compared !== 0) return compared
      }
      return compareText(a.id, b.id) * (last === 'asc' ? 1 : -1)
    })
    .map((row) => row.id)
}

const page = (order: Order, args: KeysetArguments) => keysetPage(db, { ...TASKS, where, order: terms(order), ...args })

const names = Object.keys(ORDERS)
const directions: Direction[] = ['asc', 'desc']
const orders: Order[] = [
  ...names.flatMap((name) => directions.map((direction): Order => [[name, direction]])),
  ...directions.flatMap((a) =>
    directions.map(
      (b): Order => [
        ['priority', a],
        ['dueAt', b],
      ],
    ),
  ),
  ...directions.flatMap((a) =>
    directions.map(
      (b): Order => [
        ['status', a],
        ['createdAt', b],
      ],
    ),
  ),
]

describe('keyset pages', () => {
  test.each(orders.map((order) => [order.map((term) => term.join(' ')).join(', '), order] as const))(
    'by %s cover the whole list, forwards and backwards',
    async (_name, order) => {
      const expected = sorted(order)

      const forwards: string[] = []
      for (let after: string | undefined; ; ) {
        const read = await page(order, { first: 7, after })
        expect(read.hasPreviousPage).toBe(after !== undefined)
        forwards.push(...read.rows.map((row) => row.id))
        after = read.rows.at(-1)?.cursor
        if (!read.hasNextPage) break
      }
      expect(forwards).toEqual(expected)

      const backwards: string[] = []
      for (let before: string | undefined; ; ) {
        const read = await page(order, { last: 7, before })
        expect(read.hasNextPage).toBe(before !== undefined)
        backwards.unshift(...read.rows.map((row) => row.id))
        before = read.rows[0]?.cursor
        if (!read.hasPreviousPage) break
      }
      expect(backwards).toEqual(expected)
    },
  )

  test('offset skips rows on the side the page starts from', async () => {
    const order: Order = [['priority', 'desc']]
    const expected = sorted(order)
    const first = await page(order, { first: 5, offset: 10 })
    expect(first.rows.map((row) => row.id)).toEqual(expected.slice(10, 15))
    expect([first.hasPreviousPage, first.hasNextPage]).toEqual([true, true])
    const behind = await page(order, { first: 5, offset: 2, after: first.rows[0]?.cursor })
    expect(behind.rows.map((row) => row.id)).toEqual(expected.slice(13, 18))
    const last = await page(order, { last: 5, offset: 10 })
    expect(last.rows.map((row) => row.id)).toEqual(expected.slice(-15, -10))
  })

  test('after and before together limit the page on both sides', async () => {
    const order: Order = [
      ['createdAt', 'asc'],
      ['priority', 'desc'],
    ]
    const all = await page(order, { first: 100 })
    const between = await page(order, { first: 100, after: all.rows[3]?.cursor, before: all.rows[9]?.cursor })
    expect(between.rows).toEqual(all.rows.slice(4, 9))
  })

  test('an empty page and a page of exactly the remaining rows have no next page', async () => {
    const order: Order = [['priority', 'asc']]
    expect((await page(order, { first: 60 })).hasNextPage).toBe(false)
    expect((await page(order, { first: 59 })).hasNextPage).toBe(true)
    const none = await keysetPage(db, { ...TASKS, where: Prisma.sql`FALSE`, order: terms(order), first: 5 })
    expect(none).toEqual({ rows: [], hasNextPage: false, hasPreviousPage: false, remark: false })
  })

  test('a cursor still works after its row is gone', async () => {
    const order: Order = [['title', 'asc']]
    const all = await page(order, { first: 100 })
    const [gone] = await db.$queryRaw<Row[]>`SELECT * FROM "Task" WHERE "id" = ${all.rows[10]!.id}::uuid`
    await db.task.update({ where: { id: gone!.id }, data: { deletedAt: new Date() } })
    expect((await page(order, { first: 3, after: all.rows[10]?.cursor })).rows).toEqual(all.rows.slice(11, 14))
    await db.task.update({ where: { id: gone!.id }, data: { deletedAt: null } })
  })

  test('microseconds survive a cursor', async () => {
    const source = { name: 'Fine', from: Prisma.sql`"Fine"`, id: Prisma.sql`"id"` }
    await db.$executeRaw`CREATE TABLE "Fine" ("id" uuid PRIMARY KEY, "at" timestamptz NOT NULL)`
    await db.$executeRaw`INSERT INTO "Fine" SELECT gen_random_uuid(), '2026-01-01'::timestamptz + n * '1 microsecond'::interval FROM generate_series(0, 9) n`
    const order: OrderTerm[] = [{ name: 'at', expression: Prisma.sql`"at"`, type: 'timestamptz', direction: 'asc' }]
    const all = await keysetPage(db, { ...source, order, first: 10 })
    const rest = await keysetPage(db, { ...source, order, first: 10, after: all.rows[4]?.cursor })
    expect(rest.rows).toEqual(all.rows.slice(5))
  })

  test.each<[string, Order]>([
    ['priority', [['priority', 'desc']]],
    ['createdAt', [['createdAt', 'asc']]],
    ['dueAt_asc', [['dueAt', 'asc']]],
    ['dueAt_desc', [['dueAt', 'desc']]],
  ])('come from the index of %s, unsorted, from the cursor on', async (index, order) => {
    let statement = Prisma.empty
    const recording = {
      $queryRaw: (query: Prisma.Sql) => {
        statement = query
        return db.$queryRaw(query)
      },
    } as unknown as Database
    const all = await page(order, { first: 20 })
    await keysetPage(recording, { ...TASKS, where, order: terms(order), first: 20, after: all.rows[5]?.cursor })
    const plan = await db.$transaction(async (tx) => {
      // For sixty rows the planner would sort. Disabling that makes it use the index.
      for (const method of ['sort', 'seqscan', 'bitmapscan'])
        await tx.$executeRawUnsafe(`SET LOCAL enable_${method} TO off`)
      const lines = await tx.$queryRaw<{ 'QUERY PLAN': string }[]>(Prisma.sql`EXPLAIN ${statement}`)
      return lines.map((line) => line['QUERY PLAN']).join('\n')
    })
    expect(plan).toMatch(new RegExp(`Index .*"Task_live_(project_)?${index}" on[^]*Index Cond: .*ROW\\(`))
    expect(plan).not.toContain('Sort')
  })

  test('reject a cursor of another order, and first with last', async () => {
    const { rows } = await page([['priority', 'asc']], { first: 1 })
    for (const [argument, args] of [
      ['after', { first: 1, after: rows[0]?.cursor }],
      ['before', { last: 1, before: rows[0]?.cursor }],
      ['last', { first: 1, last: 1 }],
    ] as const) {
      const refused = page([['priority', 'desc']], args)
      await expect(refused).rejects.toMatchObject({ code: 'VALIDATION_FAILED', issues: [{ path: [argument] }] })
    }
  })

  test('rows are counted', async () => {
    expect(await countRows(db, { ...TASKS, where })).toBe(60)
    expect(await countRows(db, TASKS)).toBe(61)
  })
})
