import { PrismaPg } from '@prisma/adapter-pg'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MODELS, type Model } from '../../src/database/compiled/models.ts'
import { PrismaClient } from '../../src/generated/prisma/client.ts'
import { makeWorlds } from '../access/cast.ts'
import { personas } from '../access/personas.ts'
import { onPostgres } from '../support/database.ts'
import { check, draws, SEED, timeout } from '../support/draws.ts'
import { type OwnServer, ownServer } from '../support/server.ts'

type Args = Record<string, unknown>
type Row = Record<string, unknown>
interface Delegate {
  findMany(args: Args): Promise<Row[]>
  findFirst(args: Args): Promise<Row | null>
  findUnique(args: Args): Promise<Row | null>
}

const READ = ['Task', 'Event', 'Project', 'User', 'Label', 'Membership', 'Session', 'SavedFilter', 'TaskRelation']

/** Compares each read with Prisma's own on the same rows. Needs a second connection. */
describe.runIf(onPostgres)('a read in one statement returns what Prisma returns', () => {
  let server: OwnServer
  let prisma: PrismaClient
  /** Existing values of each column, for conditions that match something. */
  const samples = new Map<string, unknown[]>()

  beforeAll(async () => {
    server = await ownServer({ RATE_LIMIT: 'off' })
    await makeWorlds(server, personas)
    prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: server.config.DATABASE_URL ?? '' }) })
    for (const name of READ) {
      for (const row of await delegate(prisma, name).findMany({ orderBy: { [keyOf(name)]: 'asc' }, take: 20 })) {
        for (const [column, value] of Object.entries(row)) {
          samples.set(`${name}.${column}`, [...(samples.get(`${name}.${column}`) ?? []), value])
        }
      }
    }
  })
  afterAll(async () => {
    await prisma?.$disconnect()
    await server?.close()
  })

  const delegate = (client: object, model: string) =>
    (client as Record<string, Delegate>)[`${model[0]?.toLowerCase()}${model.slice(1)}`]!

  const keyOf = (name: string) => (modelOf(name).columns.has('id') ? 'id' : 'seq')

  const modelOf = (name: string): Model => MODELS.get(name)!

  /** Columns that both sides can return. */
  const columnsOf = (model: Model) => [...model.columns.values()].filter(({ type }) => type !== 'Bytes')

  const subset = <T>(items: readonly T[]) => fc.subarray([...items], { minLength: 1 })

  function selections(model: Model, depth: number): fc.Arbitrary<Args> {
    const columns = subset(columnsOf(model).map(({ name }) => name))
    const relations = fc.subarray([...model.relations.keys()], {
      maxLength: depth > 0 ? Math.min(2, model.relations.size) : 0,
    })
    return fc.tuple(columns, relations).chain(([chosen, related]) => {
      const flags = Object.fromEntries(chosen.map((name) => [name, true]))
      if (related.length === 0) return fc.constant({ select: flags })
      const nested = fc.record(Object.fromEntries(related.map((name) => [name, relatedRows(model, name, depth - 1)])))
      return nested.map((more) => ({ select: { ...flags, ...more } }))
    })
  }

  function relatedRows(model: Model, name: string, depth: number): fc.Arbitrary<Args> {
    const relation = model.relations.get(name)!
    const other = modelOf(relation.model)
    const order = other.columns.has('id') ? 'id' : [...other.columns.keys()].find((key) => key !== relation.key)
    return selections(other, depth).map((args) => (relation.isList ? { ...args, orderBy: { [order!]: 'asc' } } : args))
  }

  function conditions(model: Model, depth: number): fc.Arbitrary<Args> {
    const single = fc.constantFrom(...columnsOf(model)).chain(({ name }): fc.Arbitrary<Args> => {
      const known = samples.get(`${model.name}.${name}`) ?? []
      const values = known.filter((value) => value !== null && typeof value !== 'object')
      if (values.length === 0 || /^(filter|changes|state)$/.test(name)) return fc.constant({})
      const value = fc.constantFrom(...values)
      return fc.oneof(
        value.map((one) => ({ [name]: one })),
        fc.array(value, { maxLength: 4 }).map((list) => ({ [name]: { in: list } })),
        value.map((one) => ({ [name]: { not: one } })),
        ...(typeof values[0] === 'number' ? [value.map((one) => ({ [name]: { gte: one } }))] : []),
        ...(known.includes(null) ? [fc.constant({ [name]: null }), fc.constant({ [name]: { not: null } })] : []),
      )
    })
    if (depth === 0) return single
    const deeper = conditions(model, depth - 1)
    const lists = [...model.relations].filter(([, { isList, model }]) => isList && READ.includes(model))
    const owners = [...model.relations].filter(
      ([, { own, isRequired, model }]) => own && isRequired && READ.includes(model),
    )
    return fc.oneof(
      single,
      fc.array(deeper, { maxLength: 2 }).map((parts) => ({ OR: parts })),
      fc.array(deeper, { maxLength: 2 }).map((parts) => ({ AND: parts })),
      ...lists.map(([name, relation]) => conditions(modelOf(relation.model), 0).map((some) => ({ [name]: { some } }))),
      ...owners.map(([name, relation]) =>
        conditions(modelOf(relation.model), depth - 1).map((one) => ({ [name]: one })),
      ),
    )
  }

  const reads = () =>
    fc.constantFrom(...READ).chain((name) =>
      fc.record({
        name: fc.constant(name),
        args: fc
          .tuple(fc.oneof(fc.constant({}), selections(modelOf(name), 2)), conditions(modelOf(name), 2))
          .map(([selection, where]): Args => ({ ...selection, where })),
        page: fc.record({ take: fc.integer({ min: 0, max: 30 }), skip: fc.integer({ min: 0, max: 5 }) }),
      }),
    )

  test(
    'for random selections and conditions',
    () =>
      check(draws(300), reads(), SEED, async ({ name, args, page }) => {
        const [ours, theirs] = [delegate(server.db, name), delegate(prisma, name)]
        const many = { ...args, ...page, orderBy: { [keyOf(name)]: 'asc' } }
        expect(await ours.findMany(many)).toEqual(await theirs.findMany(many))
        const first = { ...args, orderBy: { [keyOf(name)]: 'asc' } }
        expect(await ours.findFirst(first)).toEqual(await theirs.findFirst(first))
      }),
    timeout,
  )

  test('for many reads at once, each of which gets its own row', async () => {
    const tasks = await prisma.task.findMany({ orderBy: { id: 'asc' } })
    const ids = [...tasks.map(({ id }) => id), '01890000-0000-7000-8000-000000000000']
    const found = await Promise.all(ids.map((id) => server.db.task.findUnique({ where: { id } })))
    expect(found).toEqual([...tasks, null])
  })

  test('for a list of one id, alone and many at once', async () => {
    const ids = (await prisma.task.findMany({ select: { id: true } })).map(({ id }) => id)
    const read = (client: PrismaClient) => ids.map((id) => client.task.findMany({ where: { id: { in: [id] } } }))
    expect(await Promise.all(read(server.db))).toEqual(await Promise.all(read(prisma)))
  })

  test('for reads at once of which one has an impossible value', async () => {
    const { id } = await prisma.task.findFirstOrThrow()
    const read = (one: string) => server.db.task.findUnique({ where: { id: one }, select: { id: true } })
    const [good, bad, other] = await Promise.allSettled([read(id), read('no id'), read(id)])
    expect([good, other]).toEqual(Array(2).fill({ status: 'fulfilled', value: { id } }))
    expect(bad.status).toBe('rejected')
  })

  test('for arguments that Prisma refuses, or understands in its own way', async () => {
    const { id, title } = await prisma.task.findFirstOrThrow({ orderBy: { id: 'asc' } })
    const { userId, projectId } = await prisma.membership.findFirstOrThrow()
    const calls: [model: string, method: keyof Delegate, args: Args][] = [
      ['Task', 'findUnique', { where: { id: undefined } }],
      ['Task', 'findUnique', { where: { id: null } }],
      ['Task', 'findUnique', { where: {} }],
      ['Task', 'findUnique', {}],
      ['Task', 'findUnique', { where: { title } }],
      ['User', 'findUnique', { where: { email: undefined } }],
      ['Membership', 'findUnique', { where: { userId_projectId: { userId, projectId: undefined } } }],
      ['Membership', 'findUnique', { where: { userId_projectId: { userId, projectId } } }],
      ['Task', 'findMany', { where: { id: { in: [id], not: id } } }],
      ['Task', 'findMany', { where: { id: { in: [undefined] } } }],
      ['Task', 'findMany', { where: { id: { in: [id, null] } } }],
      ['Task', 'findMany', { where: { title: 5 } }],
      ['Task', 'findMany', { where: { priority: '3' } }],
      ['Task', 'findMany', { where: { createdAt: { gt: 'yesterday' } } }],
      ['Task', 'findMany', { where: { createdAt: { gt: new Date(NaN) } } }],
      ['Task', 'findMany', { where: { OR: [undefined] } }],
      ['Task', 'findMany', { where: { parent: { id: undefined } }, orderBy: { id: 'asc' } }],
      ['Task', 'findMany', { include: { _count: true }, orderBy: { id: 'asc' } }],
      ['Task', 'findMany', { select: { nothing: true } }],
      ['Task', 'findMany', { select: { id: false } }],
      ['Task', 'findFirst', { take: -1, orderBy: { id: 'asc' } }],
      ['Task', 'findMany', { where: { dueAt: { gt: new Date('1800-01-01T00:00:00Z') } }, orderBy: { id: 'asc' } }],
      ['Task', 'findMany', { where: { dueOn: { gte: new Date('2027-01-31') } }, orderBy: { id: 'asc' } }],
    ]
    const outcome = (client: object, [model, method, args]: (typeof calls)[number]) =>
      (async () => delegate(client, model)[method](args))().then(
        (value) => ({ value }),
        () => 'refused',
      )
    for (const call of calls) {
      expect(await outcome(server.db, call), JSON.stringify(call)).toEqual(await outcome(prisma, call))
    }
  })

  test('in a transaction, where a read sees what the transaction wrote', async () => {
    const { id } = await prisma.task.findFirstOrThrow()
    await server.db.$transaction(async (tx) => {
      await tx.task.update({ where: { id }, data: { title: 'Within' } })
      expect(await tx.task.findUnique({ where: { id }, select: { title: true } })).toEqual({ title: 'Within' })
      expect(await server.db.task.findUnique({ where: { id }, select: { title: true } })).not.toEqual({
        title: 'Within',
      })
    })
  })

  test('and no column that is not selected, such as a password hash, is read', async () => {
    const { statements } = await statementsOf(() =>
      server.db.task.findMany({ select: { id: true, assignees: { select: { user: { select: { name: true } } } } } }),
    )
    expect(statements).toHaveLength(1)
    expect(statements[0]).not.toContain('passwordHash')
  })

  /**
   * Records the statements that a read runs, from PostgreSQL's own statistics of this connection.
   */
  async function statementsOf(read: () => Promise<unknown>): Promise<{ statements: string[] }> {
    const pool = await import('pg').then(({ default: pg }) => pg.Client.prototype)
    const statements: string[] = []
    const query = pool.query
    pool.query = function record(this: unknown, ...args: unknown[]) {
      const [first] = args as [{ text?: string } | string]
      statements.push(typeof first === 'string' ? first : (first.text ?? ''))
      return Reflect.apply(query, this, args)
    } as typeof query
    try {
      await read()
    } finally {
      pool.query = query
    }
    return { statements: statements.filter((sql) => sql.includes('"Task"')) }
  }
})
