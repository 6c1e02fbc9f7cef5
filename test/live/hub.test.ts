import { afterEach, describe, expect, test } from 'vitest'
import { createHub, type SubscribeOptions } from '../../src/events/hub.ts'
import { decodeCursor, type LoggedEvent } from '../../src/events/log.ts'
import type { SlowReaderError } from '../../src/events/stream.ts'
import { createTail } from '../../src/events/tail.ts'
import { openTestDatabase } from '../support/database.ts'
import { makeProject, makeTask } from '../support/rows.ts'
import { until } from '../support/wait.ts'

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

const all = (): boolean => true

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

/** Reads a stream in the background, so that a test can look at what came. */
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
  test('begins with what is committed after it', async () => {
    const { hub, db, tail, write } = await open()
    await write()
    await makeProject(db)
    const { positions } = collect(hub.subscribe({ accepts: all }))
    await until('it is live', async () => (await tail.sync()) === 2n && hub.size === 1)
    await write()
    await until('the third event came', () => positions().length > 0)
    expect(positions()).toEqual([3])
  })

  test('has only what it accepts, in order', async () => {
    const { hub, db, tail } = await open()
    const project = await makeProject(db)
    const task = await makeTask(db, project.id)
    await tail.sync()
    const { events } = collect(
      hub.subscribe({ after: 0n, accepts: (event) => event.subjectId === task.id, where: { subjectId: task.id } }),
    )
    for (let version = 2; version <= 5; version++) {
      await db.task.update({ where: { id: task.id }, data: { title: `Version ${version}` } })
      await makeTask(db, project.id)
      tail.wake()
    }
    await until('all came', () => events.length === 5)
    expect(events.map((event) => event.version)).toEqual([1, 2, 3, 4, 5])
  })

  test('resumed at any place while others write, misses nothing and repeats nothing', async () => {
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
      const reader = collect(hub.subscribe({ after, accepts: all }))
      readers.push(reader)
      await until('it has caught up', () => (reader.events.at(-1)?.position ?? 0n) > after + 20n)
      expect(reader.events[0]?.position).toBe(after + 1n)
    }
    writing = false
    await Promise.all(writers)
    const newest = Number(await tail.sync())
    for (const { positions } of readers) {
      await until('it has everything', () => positions().at(-1) === newest)
      expect(positions()).toEqual(range(positions()[0] ?? 0, newest))
    }
  })

  test('of a reader that stalls ends with a cursor from which it misses nothing, while others go on', async () => {
    const { hub, db, tail } = await open({ maxQueue: 10 })
    const steady = collect(hub.subscribe({ after: 0n, accepts: all }))
    let overflows = 0
    const stalled = hub.subscribe({ after: 0n, accepts: all, onOverflow: () => overflows++ })
    const first = stalled.next()
    await makeProject(db)
    await tail.sync()
    expect((await first).value?.position).toBe(1n)
    // Joins the live stream with its second read, which it does not wait for.
    const second = stalled.next()
    await until('both are live', () => hub.size === 2)
    for (let index = 0; index < 30; index++) {
      await makeProject(db)
      await tail.sync()
    }
    expect((await second).value?.position).toBe(2n)
    const error = await stalled.next().then(
      () => undefined,
      (reason: SlowReaderError) => reason,
    )
    expect(error).toMatchObject({ code: 'UNAVAILABLE', issues: [{ path: ['after'], code: 'slow_reader' }] })
    expect(error?.message).toContain(error?.cursor)
    expect(overflows).toBe(1)
    expect(await stalled.next()).toEqual({ done: true, value: undefined })
    expect(hub.size).toBe(1)
    const resumed = collect(hub.subscribe({ after: decodeCursor(error?.cursor ?? ''), accepts: all }))
    await until('the rest came', () => resumed.positions().at(-1) === 31)
    expect(resumed.positions()).toEqual(range(3, 31))
    expect(steady.positions()).toEqual(range(1, 31))
  })

  test('that is returned, aborted or thrown into is over at once, also while it waits, and leaves nothing behind', async () => {
    const { hub } = await open()
    const controller = new AbortController()
    const ends: ((stream: AsyncGenerator<LoggedEvent, void>) => unknown)[] = [
      (stream) => stream.return(),
      (stream) => stream.throw(new Error('enough')).catch(() => {}),
      () => controller.abort(),
    ]
    for (const end of ends) {
      const stream = hub.subscribe({ accepts: all, signal: controller.signal })
      const reading = stream.next()
      await until('it is open', () => hub.size === 1)
      await end(stream)
      expect(await reading).toEqual({ done: true, value: undefined })
      expect(hub.size).toBe(0)
    }
    expect(await hub.subscribe({ accepts: all, signal: controller.signal }).next()).toEqual({
      done: true,
      value: undefined,
    })
    const open1 = hub.subscribe({ accepts: all })
    const reading = open1.next()
    hub.close()
    expect(await reading).toMatchObject({ done: true })
    expect(await hub.subscribe({ accepts: all }).next()).toMatchObject({ done: true })
  })

  test('whose filter fails ends alone, with that failure', async () => {
    const { hub, write } = await open()
    const good = collect(hub.subscribe({ after: 0n, accepts: all }))
    const options: SubscribeOptions = {
      after: 0n,
      accepts: () => {
        throw new Error('no filter')
      },
    }
    const bad = collect(hub.subscribe(options))
    await write()
    await expect(bad.ended).rejects.toThrow('no filter')
    await until('the other has it', () => good.events.length === 1)
  })

  test('is asked for only after other listeners had the whole batch', async () => {
    const { hub, db, tail } = await open()
    let removed = false
    const { events } = collect(hub.subscribe({ after: 0n, accepts: () => !removed }))
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

  test('from a cursor that is not (any more) in the log is refused', async () => {
    const { hub, db, tail, write } = await open()
    await expect(hub.subscribe({ after: 5n, accepts: all }).next()).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' })
    for (let index = 0; index < 4; index++) await write()
    await db.$executeRaw`DELETE FROM "Event" WHERE "position" <= 2`
    await expect(hub.subscribe({ after: 1n, accepts: all }).next()).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' })
    expect((await hub.subscribe({ after: 2n, accepts: all }).next()).value).toMatchObject({ position: 3n })
    expect(await tail.sync()).toBe(4n)
  })
})
