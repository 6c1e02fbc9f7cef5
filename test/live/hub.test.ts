import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { createHub } from '../../src/events/hub.ts'
import { decodeCursor, type LoggedEvent } from '../../src/events/log.ts'
import type { StreamEndedError } from '../../src/events/stream.ts'
import { ALL_TOPICS, type SubscribeOptions } from '../../src/events/subscription.ts'
import { createTail } from '../../src/events/tail.ts'
import { openTestDatabase } from '../support/database.ts'
import { makeProject, makeTask } from '../support/rows.ts'
import { until } from '../support/wait.ts'

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

/** Options that select every event; `only` selects those that a test accepts. */
const all = { topics: ALL_TOPICS, select: (event: LoggedEvent) => event } as const
const only = (accepts: (event: LoggedEvent) => boolean) =>
  ({
    topics: ALL_TOPICS,
    select: (event: LoggedEvent) => (accepts(event) ? event : undefined),
  }) as const

async function open(options?: { maxQueue: number }) {
  const opened = await openTestDatabase()
  cleanUps.push(opened.close)
  const db = opened.handle.db
  const tail = await createTail(opened.handle)
  cleanUps.push(tail.close)
  const hub = createHub(tail, db, options)
  const write = async () => {
    const project = await makeProject(db)
    await tail.sync()
    return project
  }
  return { db, tail, hub, write }
}

/** Reads a stream in the background and collects its events. */
function collect(stream: AsyncGenerator<LoggedEvent, void>) {
  const events: LoggedEvent[] = []
  const ended = (async () => {
    for await (const event of stream) events.push(event)
  })()
  ended.catch(() => {})
  return { events, ended, positions: () => events.map((event) => Number(event.position)) }
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

describe('a subscription', () => {
  test('starts with the first event committed after it', async () => {
    const { hub, db, tail, write } = await open()
    await write()
    await makeProject(db)
    const { positions } = collect(hub.subscribe({ ...all }))
    await until('it is live', async () => (await tail.sync()) === 2n && hub.size === 1)
    await write()
    await until('the third event arrives', () => positions().length > 0)
    expect(positions()).toEqual([3])
  })

  test('yields only the events that it accepts, in order', async () => {
    const { hub, db, tail } = await open()
    const project = await makeProject(db)
    const task = await makeTask(db, project.id)
    await tail.sync()
    const { events } = collect(
      hub.subscribe({ after: 0n, ...only((event) => event.subjectId === task.id), where: { subjectId: task.id } }),
    )
    for (let version = 2; version <= 5; version++) {
      await db.task.update({ where: { id: task.id }, data: { title: `Version ${version}` } })
      await makeTask(db, project.id)
      tail.wake()
    }
    await until('all events arrive', () => events.length === 5)
    expect(events.map((event) => event.version)).toEqual([1, 2, 3, 4, 5])
  })

  test('resumes at any position during writes without gaps or duplicates', async () => {
    const { hub, db, tail } = await open()
    const project = await makeProject(db)
    let writing = true
    const writers = Array.from({ length: 3 }, async () => {
      while (writing) {
        await makeTask(db, project.id)
        tail.wake()
      }
    })
    const readers: ReturnType<typeof collect>[] = []
    for (let index = 0; index < 8; index++) {
      const after = tail.position / 2n
      const reader = collect(hub.subscribe({ after, ...all }))
      readers.push(reader)
      await until('it catches up', () => (reader.events.at(-1)?.position ?? 0n) > after + 20n)
      expect(reader.events[0]?.position).toBe(after + 1n)
    }
    writing = false
    await Promise.all(writers)
    const newest = Number(await tail.sync())
    for (const { positions } of readers) {
      await until('it receives everything', () => positions().at(-1) === newest)
      expect(positions()).toEqual(range(positions()[0] ?? 0, newest))
    }
  })

  test('of a stalled reader ends with a cursor to resume from, while others continue', async () => {
    const { hub, db, tail } = await open({ maxQueue: 10 })
    const steady = collect(hub.subscribe({ after: 0n, ...all }))
    let ends = 0
    const stalled = hub.subscribe({ after: 0n, ...all, onEnd: () => ends++ })
    const first = stalled.next()
    await makeProject(db)
    await tail.sync()
    expect((await first).value?.position).toBe(1n)
    // The second read, which the test does not await, makes the subscription live.
    const second = stalled.next()
    stalled.hold(true)
    await until('both are live', () => hub.size === 2)
    for (let index = 0; index < 30; index++) {
      await makeProject(db)
      await tail.sync()
    }
    expect((await second).value?.position).toBe(2n)
    const error = await stalled.next().then(
      () => undefined,
      (reason: StreamEndedError) => reason,
    )
    expect(error).toMatchObject({ code: 'UNAVAILABLE', issues: [{ path: ['after'], code: 'slow_reader' }] })
    expect(error?.message).toContain(error?.cursor)
    expect(ends).toBe(1)
    expect(await stalled.next()).toEqual({ done: true, value: undefined })
    expect(hub.size).toBe(1)
    const resumed = collect(hub.subscribe({ after: decodeCursor(error?.cursor ?? '').position, ...all }))
    await until('the rest arrives', () => resumed.positions().at(-1) === 31)
    expect(resumed.positions()).toEqual(range(3, 31))
    expect(steady.positions()).toEqual(range(1, 31))
  })

  test('of a slow consumer falls back to the log and does not delay others', async () => {
    const { hub, db, tail } = await open({ maxQueue: 40 })
    const quick = collect(hub.subscribe({ after: 0n, ...all }))
    const slow: number[] = []
    const reading = (async () => {
      for await (const { position } of hub.subscribe({ after: 0n, ...all })) {
        slow.push(Number(position))
        await wait(5)
      }
    })()
    await until('both are live', () => hub.size === 2)
    await db.$executeRaw`INSERT INTO "Project" ("id", "key", "name") SELECT gen_random_uuid(), 'N' || n, '' FROM generate_series(10, 609) n`
    expect(await tail.sync()).toBe(600n)
    await until('the fast reader has everything', () => quick.events.length === 600)
    expect(slow.length).toBeLessThan(300)
    await until('the slow one has all', () => slow.length === 600)
    expect(slow).toEqual(range(1, 600))
    expect(quick.positions()).toEqual(range(1, 600))
    hub.close()
    await reading.catch(() => {})
  })

  test('survives a replay longer than its queue while others write', async () => {
    const { hub, db, tail } = await open({ maxQueue: 10 })
    const more = (from: number) =>
      db.$executeRaw`INSERT INTO "Project" ("id", "key", "name") SELECT gen_random_uuid(), 'N' || n, '' FROM generate_series(${from}::int, ${from + 99}::int) n`
    await more(100)
    await tail.sync()
    const { positions } = collect(hub.subscribe({ after: 0n, ...all }))
    await more(200)
    await tail.sync()
    await until('it receives everything', () => positions().length === 200)
    expect(positions()).toEqual(range(1, 200))
  })

  test('ends at once when returned, aborted or thrown into, even while it waits', async () => {
    const { hub, tail } = await open()
    const controller = new AbortController()
    const ends: ((stream: AsyncGenerator<LoggedEvent, void>) => unknown)[] = [
      (stream) => stream.return(),
      (stream) => stream.throw(new Error('enough')).catch(() => {}),
      () => controller.abort(),
    ]
    for (const end of ends) {
      const stream = hub.subscribe({ ...all, signal: controller.signal })
      const reading = stream.next()
      await until('it is open', () => hub.size === 1)
      await end(stream)
      expect(await reading).toEqual({ done: true, value: undefined })
      expect(hub.size).toBe(0)
    }
    expect(await hub.subscribe({ ...all, signal: controller.signal }).next()).toEqual({
      done: true,
      value: undefined,
    })
    const open1 = hub.subscribe({ ...all })
    const reading = open1.next()
    hub.close()
    expect(await reading).toMatchObject({ done: true })
    expect(await hub.subscribe({ ...all }).next()).toMatchObject({ done: true })
    // A subscriber that arrives during shutdown also receives a cursor to resume from.
    await expect(hub.subscribe({ after: 0n, ...all }).next()).rejects.toMatchObject({ cursor: tail.cursor(0n) })
  })

  test('whose filter throws ends with that error and does not affect others', async () => {
    const { hub, write } = await open()
    const good = collect(hub.subscribe({ after: 0n, ...all }))
    const options: SubscribeOptions<LoggedEvent> = {
      ...all,
      after: 0n,
      select: () => {
        throw new Error('no filter')
      },
    }
    const bad = collect(hub.subscribe(options))
    await write()
    await expect(bad.ended).rejects.toThrow('no filter')
    await until('the other receives the event', () => good.events.length === 1)
  })

  test('selects events only after other listeners have seen the whole batch', async () => {
    const { hub, db, tail } = await open()
    let removed = false
    const { events } = collect(hub.subscribe({ after: 0n, ...only(() => !removed) }))
    await until('it is live', () => hub.size === 1)
    tail.onBatch((batch) => {
      removed ||= batch.some((event) => event.type === 'project.deleted')
    })
    await db.$transaction(async (tx) => {
      const { id } = await tx.project.create({ data: { key: 'GONE', name: 'x' } })
      await tx.project.delete({ where: { id } })
    })
    await tail.sync()
    expect(events).toEqual([])
  })

  test('rejects a cursor that is no longer, or not yet, in the log', async () => {
    const { hub, db, tail, write } = await open()
    await expect(hub.subscribe({ after: 5n, ...all }).next()).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' })
    for (let index = 0; index < 4; index++) await write()
    await db.$executeRaw`DELETE FROM "Event" WHERE "position" <= 2`
    await expect(hub.subscribe({ after: 1n, ...all }).next()).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' })
    expect((await hub.subscribe({ after: 2n, ...all }).next()).value).toMatchObject({ position: 3n })
    expect(await tail.sync()).toBe(4n)
  })
})
