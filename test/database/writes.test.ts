import { PrismaPg } from '@prisma/adapter-pg'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../src/database/client.ts'
import { type CompiledWrite, compileUpdate } from '../../src/database/compiled/write.ts'
import { createWriteBatches } from '../../src/database/compiled/write-batch.ts'
import { isMissingRow } from '../../src/database/errors.ts'
import { PrismaClient } from '../../src/generated/prisma/client.ts'
import { type OpenTestDatabase, onPostgres, openTestDatabase } from '../support/database.ts'
import { check, draws, SEED, timeout } from '../support/draws.ts'
import { MISSING } from '../support/factories.ts'
import { makeProject, makeTask, makeUser } from '../support/rows.ts'

type Args = Record<string, unknown>
type Row = Record<string, unknown>
type Delegate = Record<'create' | 'update' | 'delete', (args: Args) => Promise<Row>>

class RolledBack extends Error {}

/** Compares each write with Prisma's own, which is rolled back. Needs a second connection. */
describe.runIf(onPostgres)('a write in one statement', () => {
  let database: OpenTestDatabase
  let db: Database
  let prisma: PrismaClient
  let userId: string
  let projectId: string
  let labelId: string

  beforeAll(async () => {
    database = await openTestDatabase()
    db = database.handle.db
    prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: database.options.url ?? '' }) })
    userId = (await makeUser(db)).id
    projectId = (await makeProject(db)).id
    await db.membership.create({ data: { projectId, userId, role: 'OWNER' } })
    labelId = (await db.label.create({ data: { projectId, name: 'bug', color: '#000000' } })).id
  })
  afterAll(async () => {
    await prisma?.$disconnect()
    await database?.close()
  })

  const delegate = (client: object, model: string) => (client as Record<string, Delegate>)[model]!

  let number = 0
  const text = fc
    .oneof(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), fc.constant('"\\{},\''))
    .filter((one) => !one.includes('\0'))
  const time = fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
  /** Later than any time. */
  const day = fc.constantFrom('2101-03-31', '9999-12-31').map((date) => new Date(date))
  const name = text.map((one) => `${one} ${++number}`)

  /** New rows of each model; changes to them are a part of another new row. */
  const rows: Record<string, () => Record<string, fc.Arbitrary<unknown>>> = {
    task: () => ({
      projectId: fc.constant(projectId),
      title: text,
      description: fc.option(text),
      status: fc.constantFrom('PENDING', 'COMPLETED'),
      priority: fc.integer({ min: 1, max: 5 }),
      startAt: fc.option(time),
      dueOn: fc.option(day),
      assigneeIds: fc.subarray([userId]),
      labelIds: fc.subarray([labelId]),
      creatorId: fc.constantFrom(userId, null),
    }),
    label: () => ({ projectId: fc.constant(projectId), name, color: fc.constant('#1d76db') }),
    project: () => ({ key: fc.constant(0).map(() => `K${++number}`), name: text, archivedAt: fc.option(time) }),
    savedFilter: () => ({ ownerId: fc.constant(userId), name, filter: fc.dictionary(fc.constantFrom('a', 'b'), text) }),
    session: () => ({ userId: fc.constant(userId), userAgent: fc.option(text), expiresAt: time }),
  }
  const FIXED = ['projectId', 'key', 'creatorId', 'ownerId', 'userId']

  const selections = (columns: readonly string[]) =>
    fc.oneof(
      fc.constant({}),
      fc.subarray(['id', ...columns], { minLength: 1 }).map((names) => ({
        select: Object.fromEntries(names.map((column) => [column, true])),
      })),
    )

  const writes = () =>
    fc.constantFrom(...Object.keys(rows)).chain((model) => {
      const columns = rows[model]!()
      const changed = Object.fromEntries(Object.entries(columns).filter(([column]) => !FIXED.includes(column)))
      return fc.record({
        model: fc.constant(model),
        data: fc.record(columns),
        change: fc.record(changed, { requiredKeys: [] }),
        selection: selections(Object.keys(columns)),
      })
    })

  /** Leaves out ids and times, which differ between two writes. */
  const comparable = ({ id: _id, createdAt: _created, updatedAt: _updated, lastUsedAt: _used, ...row }: Row) => ({
    ...row,
    ...(row.completedAt !== undefined && { completedAt: row.completedAt !== null }),
  })

  /** Returns what Prisma's own write returns, and undoes it. */
  async function expected(model: string, operation: keyof Delegate, args: Args): Promise<Row> {
    let row: Row | undefined
    const outcome = prisma.$transaction(async (tx) => {
      row = await delegate(tx, model)[operation](args)
      throw new RolledBack()
    })
    await outcome.catch((error: unknown) => {
      if (!(error instanceof RolledBack)) throw error
    })
    return row!
  }

  test(
    'returns and stores what Prisma does',
    () =>
      check(draws(150), writes(), SEED, async ({ model, data, change, selection }) => {
        const ours = delegate(db, model)
        const wanted = await expected(model, 'create', { data })
        const made = await ours.create({ data })
        expect(comparable(made)).toEqual(comparable(wanted))
        const { id } = made
        for (const [operation, args] of [
          ['update', { where: { id }, data: change, ...selection }],
          ['delete', { where: { id }, ...selection }],
        ] as const) {
          const row = await expected(model, operation, args)
          expect(comparable(await ours[operation](args))).toEqual(comparable(row))
        }
      }),
    timeout,
  )

  test('fails as with Prisma if no row meets the conditions', async () => {
    const { id } = await makeTask(db, projectId)
    const change = { data: { title: 'Changed' } }
    const calls: [Args, keyof Delegate][] = [
      [{ where: { id: MISSING }, ...change }, 'update'],
      [{ where: { id, version: 7 }, ...change }, 'update'],
      [{ where: { id, deletedAt: { not: null } }, ...change }, 'update'],
      [{ where: { id: MISSING } }, 'delete'],
    ]
    for (const [args, operation] of calls) {
      const errors = [db, prisma].map((client) =>
        delegate(client, 'task')
          [operation](args)
          .catch((error) => error),
      )
      expect((await Promise.all(errors)).map(isMissingRow), JSON.stringify(args)).toEqual([true, true])
    }
    await expect(delegate(db, 'task').update({ where: {}, ...change })).rejects.toThrow()
  })

  test('runs with its relations through Prisma, which sees what triggers wrote', async () => {
    const task = await db.task.create({
      data: { projectId, title: 'With people', assigneeIds: [userId] },
      select: { project: { select: { id: true } }, assignees: { select: { userId: true } } },
    })
    expect(task).toEqual({ project: { id: projectId }, assignees: [{ userId }] })
  })

  test('of many rows at once changes each by its own values, and one row once per write', async () => {
    const tasks = await Promise.all(
      Array.from({ length: 40 }, (_, index) => makeTask(db, projectId, { title: `Task ${index}` })),
    )
    expect(new Set(tasks.map(({ id }) => id)).size).toBe(40)
    expect(tasks.map(({ title }) => title)).toEqual(tasks.map((_, index) => `Task ${index}`))
    const changed = await Promise.all(
      tasks.flatMap(({ id }, index) =>
        [1, 2, 3].map((priority) =>
          db.task.update({ where: { id }, data: { title: `${index}/${priority}`, priority } }),
        ),
      ),
    )
    expect(changed.map(({ title }) => title)).toEqual(
      tasks.flatMap((_, index) => [1, 2, 3].map((n) => `${index}/${n}`)),
    )
    const versions = await db.task.findMany({ where: { id: { in: tasks.map(({ id }) => id) } } })
    expect(versions.map(({ version }) => version)).toEqual(tasks.map(() => 4))
  })

  test('of many rows at once fails only where a row is invalid', async () => {
    const create = (data: Args) => db.task.create({ data: { projectId, title: 'Good', ...data } })
    const outcomes = await Promise.allSettled([
      create({}),
      create({ priority: 9 }),
      create({ title: 'with NUL \0' }),
      create({ projectId: MISSING }),
      create({ title: 'half a pair \ud800' }),
      create({}),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
      'rejected',
      'fulfilled',
      'fulfilled',
    ])
  })

  test('of many rows at once waits for a lock on one of them only there', async () => {
    const [locked, ...others] = await Promise.all(Array.from({ length: 8 }, () => makeTask(db, projectId)))
    const rename = ({ id }: { id: string }) => db.task.update({ where: { id }, data: { title: 'Renamed' } })
    let last: Promise<unknown> | undefined
    await prisma.$transaction(
      async (tx) => {
        await tx.$queryRaw`SELECT FROM "Task" WHERE "id" = ${locked!.id}::uuid FOR UPDATE`
        let done = false
        last = rename(locked!).then(() => {
          done = true
        })
        await Promise.all(others.map(rename))
        expect(done).toBe(false)
      },
      { timeout: 60_000 },
    )
    await last
  })
})

describe('a batch of writes', () => {
  const types = new Map([
    [
      'Task',
      new Map([
        ['id', 'uuid'],
        ['title', 'text'],
      ]),
    ],
  ])
  const writeTo = (id: string): CompiledWrite =>
    compileUpdate('Task', { where: { id }, data: { title: 'x' }, select: { title: true } }, types)
  const id = (number: number) => `01890000-0000-7000-8000-00000000000${number}`

  /** Answers each statement after it was told to, and fails those of many rows with this code. */
  function database(code?: string) {
    const sizes: number[] = []
    const write = createWriteBatches(async (text, values) => {
      const rows = text.includes('jsonb_to_recordset') ? JSON.parse(String(values[0])) : undefined
      sizes.push(rows?.length ?? 1)
      await new Promise((resolve) => setImmediate(resolve))
      if (rows && code !== undefined) throw Object.assign(new Error('refused'), { code })
      return rows ? rows.map(({ p2 }: { p2: string }) => `${p2} ["x"]`) : ['["x"]']
    })
    return { sizes, write }
  }

  test('has the writes of one turn, each row once', async () => {
    const { sizes, write } = database()
    const rows = await Promise.all([1, 2, 2, 3, 2].map((number) => write(writeTo(id(number)))))
    expect(rows).toEqual(Array(5).fill('["x"]'))
    expect(sizes).toEqual([3, 1, 1])
  })

  test.each(['23505', '22P02', '55P03', '40P01', 'P0001'])('runs each write alone after %s', async (code) => {
    const { sizes, write } = database(code)
    expect(await Promise.all([1, 2].map((number) => write(writeTo(id(number)))))).toEqual(['["x"]', '["x"]'])
    expect(sizes).toEqual([2, 1, 1])
  })

  test.each(['57P01', 'ECONNRESET', '53300'])('fails as a whole after %s: it may be committed', async (code) => {
    const { sizes, write } = database(code)
    const outcomes = await Promise.allSettled([1, 2].map((number) => write(writeTo(id(number)))))
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(sizes).toEqual([2])
  })
})
