import { afterEach, describe, expect, test } from 'vitest'
import { openDatabase } from '../../src/database/client.ts'
import { decodeCursor, encodeCursor, type LoggedEvent, readLog } from '../../src/events/log.ts'
import { createTail } from '../../src/events/tail.ts'
import { onPostgres, openTestDatabase } from '../support/database.ts'
import { makeProject } from '../support/rows.ts'
import { until } from '../support/wait.ts'

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function open(options?: Parameters<typeof createTail>[1]) {
  const opened = await openTestDatabase()
  cleanUps.push(opened.close)
  const tail = await createTail(opened.handle, options)
  cleanUps.push(tail.close)
  const seen: LoggedEvent[] = []
  tail.onBatch((events) => void seen.push(...events))
  return { ...opened, db: opened.handle.db, tail, seen }
}

describe('the tail of the log', () => {
  test('starts at the end, even if nothing has read the log before', async () => {
    const opened = await openTestDatabase()
    cleanUps.push(opened.close)
    for (let index = 0; index < 3; index++) await makeProject(opened.handle.db)
    const tail = await createTail(opened.handle)
    cleanUps.push(tail.close)
    expect(tail.position).toBe(3n)
    const seen: LoggedEvent[] = []
    tail.onBatch((events) => void seen.push(...events))
    const project = await makeProject(opened.handle.db)
    expect(await tail.sync()).toBe(4n)
    expect(seen.map((event) => [event.position, event.subjectId])).toEqual([[4n, project.id]])
  })

  test('has delivered every committed event once and in order when sync resolves', async () => {
    const { db, tail, seen } = await open()
    const ids: string[] = []
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const { id } = await makeProject(db)
        ids.push(id)
        const position = await tail.sync()
        const mine = seen.find((event) => event.subjectId === id)
        expect(mine).toBeDefined()
        expect(position).toBeGreaterThanOrEqual(mine?.position ?? 0n)
      }),
    )
    expect(seen.map((event) => event.position)).toEqual(Array.from({ length: 20 }, (_, index) => BigInt(index + 1)))
    expect(new Set(seen.map((event) => event.subjectId))).toEqual(new Set(ids))
  })

  test('delivers a write within 100 ms of being woken', async () => {
    const { db, tail, seen } = await open({ pollMs: 60_000 })
    await makeProject(db)
    await tail.sync()
    // Allows a few slow rounds on a busy machine. Without the wake-up, the tail would poll
    // a minute later.
    for (let quick = 0; quick < 3; ) {
      const { id } = await makeProject(db)
      const written = performance.now()
      tail.wake()
      await until('it is delivered', () => seen.at(-1)?.subjectId === id, 10_000)
      if (performance.now() - written < 100) quick++
    }
  })

  test('is current until something is written that may change viewers, and again once that is read', async () => {
    const { db, tail } = await open()
    const isCurrent = async () => {
      await tail.sync()
      return tail.current
    }
    await until('it is current', isCurrent)
    tail.wake({ keepsViewers: true })
    expect(tail.current).toBe(true)
    tail.wake()
    expect(tail.current).toBe(false)
    await makeProject(db)
    await until('it is current again', isCurrent)
  })

  test('is not current while it cannot read the log', async () => {
    const { tail } = await open({ pollMs: 50 })
    await tail.close()
    await until('its last check no longer counts', () => !tail.current)
  })

  test('announces a batch before its events and survives a failing listener', async () => {
    const { db, tail, seen } = await open()
    const calls: string[] = []
    tail.onEvent(() => void calls.push('last'))
    tail.onBatch(() => {
      calls.push('first')
      throw new Error('the listener failed')
    })
    const stop = tail.onBatch(() => void calls.push('stopped'))
    stop()
    await makeProject(db)
    await tail.sync()
    expect(calls).toEqual(['first', 'last'])
    expect(seen).toHaveLength(1)
  })

  test('announces later events on demand while delivery is held up', async () => {
    const { db, tail, seen } = await open()
    const delivered: bigint[] = []
    let goOn = () => {}
    tail.onEvent((event) => {
      delivered.push(event.position)
      return new Promise((resolve) => (goOn = resolve))
    })
    await makeProject(db)
    tail.wake()
    await until('the first is delivered', () => delivered.length === 1)
    await makeProject(db)
    await makeProject(db)
    await tail.announce()
    expect(seen.map((event) => event.position)).toEqual([1n, 2n, 3n])
    expect(delivered).toEqual([1n])
    const release = setInterval(() => goOn(), 1)
    expect(await tail.sync()).toBe(3n)
    clearInterval(release)
    expect(delivered).toEqual([1n, 2n, 3n])
    expect(seen).toHaveLength(3)
  })

  test('delivers more events than one batch holds', async () => {
    const { db, tail, seen } = await open()
    await db.$executeRaw`INSERT INTO "Project" ("id", "key", "name") SELECT gen_random_uuid(), 'N' || n, '' FROM generate_series(10, 2509) n`
    expect(await tail.sync()).toBe(2500n)
    expect(seen.map((event) => event.position)).toEqual(Array.from({ length: 2500 }, (_, index) => BigInt(index + 1)))
  })

  test.runIf(onPostgres)('sees writes of another server, with or without a notification', async () => {
    const { options, tail, seen, db } = await open({ pollMs: 60_000 })
    const other = await openDatabase(options)
    cleanUps.push(() => other.close())
    const otherTail = await createTail(other, { pollMs: 60_000 })
    cleanUps.push(otherTail.close)
    await makeProject(other.db)
    // Only the other tail reads; this one receives its notification.
    otherTail.wake()
    await until('the notification arrives', () => seen.length === 1)
    await tail.close()
    const polling = await createTail({ ...other, db })
    cleanUps.push(polling.close)
    polling.onBatch((events) => void seen.push(...events))
    await makeProject(db)
    await until('the poll finds it', () => seen.length === 2)
  })

  test.runIf(onPostgres)('survives the loss of all its connections', async () => {
    const { db, seen, tail } = await open({ pollMs: 20 })
    await db.$queryRaw`SELECT count(pg_terminate_backend(pid))::int FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`
    await makeProject(db).catch(() => makeProject(db))
    await until('it follows the log again', () => seen.length === 1)
    await until('a sync works', () =>
      tail.sync().then(
        () => true,
        () => false,
      ),
    )
  })

  test('rejects sync after it is closed', async () => {
    const { tail } = await open()
    await tail.close()
    await expect(tail.sync()).rejects.toThrow('The server is stopping.')
    tail.wake()
  })
})

describe('the log', () => {
  test('can be read by position, condition and limit', async () => {
    const { db, tail } = await open()
    const project = await makeProject(db)
    for (let index = 0; index < 4; index++) await makeProject(db)
    await db.project.update({ where: { id: project.id }, data: { name: 'New' } })
    await tail.sync()
    const read = (options: Partial<Parameters<typeof readLog>[1]>) =>
      readLog(db, { after: 0n, limit: 100, ...options }).then((events) => events.map((event) => Number(event.position)))
    expect(await read({})).toEqual([1, 2, 3, 4, 5, 6])
    expect(await read({ after: 2n, limit: 2 })).toEqual([3, 4])
    expect(await read({ after: 2n, until: 3n })).toEqual([3])
    expect(await read({ where: { subjectId: project.id } })).toEqual([1, 6])
    expect(await read({ after: 1n, where: { AND: { subjectId: project.id } } })).toEqual([6])
  })

  test('rejects malformed cursors', () => {
    for (const epoch of [undefined, '0123456789ab']) {
      for (const position of [0n, 1n, 2n ** 63n - 1n])
        expect(decodeCursor(encodeCursor(position, epoch))).toEqual({ epoch, position })
    }
    const encode = (text: string) => Buffer.from(text).toString('base64url')
    const wrong = [
      '',
      'x',
      '0',
      encode('event:'),
      encode('event:01'),
      encode('event:-1'),
      encode('event:0123456789AB:1'),
      encode('event::1'),
      encode(`event:${2n ** 63n}`),
      `${encodeCursor(1n)}=`,
      `${encodeCursor(1n)} `,
    ]
    for (const text of wrong) {
      expect(() => decodeCursor(text)).toThrow(
        expect.objectContaining({ code: 'VALIDATION_FAILED', issues: [expect.objectContaining({ path: ['after'] })] }),
      )
    }
  })
})
