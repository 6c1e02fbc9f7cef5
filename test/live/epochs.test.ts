import { afterEach, describe, expect, test } from 'vitest'
import { createHub } from '../../src/events/hub.ts'
import { encodeCursor, type LoggedEvent } from '../../src/events/log.ts'
import { ALL_TOPICS } from '../../src/events/subscription.ts'
import { createTail } from '../../src/events/tail.ts'
import { eventStream, rest } from '../support/clients.ts'
import { openTestDatabase } from '../support/database.ts'
import { makeProject } from '../support/rows.ts'
import { ownServerForTest, signUp } from '../support/server.ts'
import { until } from '../support/wait.ts'

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

type Database = Awaited<ReturnType<typeof openTestDatabase>>['handle']['db']

async function open() {
  const opened = await openTestDatabase()
  cleanUps.push(opened.close)
  const { handle } = opened
  const { db } = handle
  const tail = await createTail(handle)
  cleanUps.push(tail.close)
  const hub = createHub(tail, db)
  const write = async (count = 1) => {
    for (let index = 0; index < count; index++) await makeProject(db)
    return tail.sync()
  }
  return { handle, db, tail, hub, write }
}

const all = { topics: ALL_TOPICS, select: (event: LoggedEvent) => event } as const
const expired = expect.objectContaining({ code: 'CURSOR_EXPIRED' })

/** Leaves the log as a replica has it that never received its last events. */
async function loseEvents(db: Database, after: bigint): Promise<void> {
  await db.$executeRaw`DELETE FROM "Event" WHERE "position" > ${after}`
}

/** Makes the log look as if the database had been promoted. */
async function changeTimeline(db: Database): Promise<void> {
  await db.$executeRaw`UPDATE "EventEpoch" SET "signature" = 'another timeline'`
}

describe('a log that went on from an earlier state', () => {
  test('expires cursors of lost events, although their positions are given again', async () => {
    const { db, tail, write } = await open()
    await write(5)
    const [kept, lost] = [tail.cursor(3n), tail.cursor(5n)]
    await db.$transaction(async (tx) => {
      await loseEvents(tx as Database, 3n)
      await changeTimeline(tx as Database)
      for (let index = 0; index < 4; index++) await makeProject(tx as Database)
    })
    expect(await tail.sync()).toBe(7n)
    await expect(tail.positionOf(lost)).rejects.toThrow(expired)
    expect(await tail.positionOf(kept)).toBe(3n)
    expect(await tail.positionOf(tail.cursor(5n))).toBe(5n)
    expect(tail.cursor(5n)).not.toBe(lost)
  })

  test('is followed from where it goes on: batch listeners miss nothing, and hear of the loss first', async () => {
    const { db, tail, write } = await open()
    await write(5)
    const heard: (bigint | 'rewind')[] = []
    tail.onRewind(() => void heard.push('rewind'))
    tail.onBatch((events) => void heard.push(...events.map(({ position }) => position)))
    await db.$transaction(async (tx) => {
      await loseEvents(tx as Database, 3n)
      await changeTimeline(tx as Database)
      for (let index = 0; index < 4; index++) await makeProject(tx as Database)
    })
    await tail.sync()
    expect(heard.slice(heard.indexOf('rewind'))).toEqual(['rewind', 4n, 5n, 6n, 7n])
    expect(tail.position).toBe(7n)
  })

  test('ends open streams with CURSOR_EXPIRED', async () => {
    const { db, hub, write } = await open()
    await write(5)
    const stream = hub.subscribe({ ...all, after: 4n })
    expect((await stream.next()).value).toMatchObject({ position: 5n })
    const next = stream.next()
    next.catch(() => undefined)
    await loseEvents(db, 3n)
    await changeTimeline(db)
    await write(1)
    await expect(next).rejects.toThrow(expired)
  })

  test('is noticed by its length alone, as after a restore in place', async () => {
    const { db, tail, write } = await open()
    await write(5)
    const lost = tail.cursor(5n)
    let rewinds = 0
    tail.onRewind(() => void rewinds++)
    await loseEvents(db, 3n)
    await until('the tail goes back', async () => (await tail.sync()) === 3n)
    await write(3)
    await expect(tail.positionOf(lost)).rejects.toThrow(expired)
    expect(rewinds).toBe(1)
  })

  test('that has lost nothing goes on with all cursors and streams', async () => {
    const { db, tail, hub, write } = await open()
    await write(5)
    const cursors = [0n, 2n, 5n].map((position) => tail.cursor(position))
    const stream = hub.subscribe({ ...all, after: 5n })
    const next = stream.next()
    await changeTimeline(db)
    await write(2)
    expect((await next).value).toMatchObject({ position: 6n })
    expect(await Promise.all(cursors.map((cursor) => tail.positionOf(cursor)))).toEqual([0n, 2n, 5n])
    expect(await db.eventEpoch.count()).toBe(2)
    await write(2)
    expect(await db.eventEpoch.count()).toBe(2)
  })

  test('accepts cursors of releases without epochs, up to the first loss', async () => {
    const { db, tail, write } = await open()
    await write(5)
    expect(await tail.positionOf(encodeCursor(5n))).toBe(5n)
    await loseEvents(db, 3n)
    await changeTimeline(db)
    await write(4)
    expect(await tail.positionOf(encodeCursor(3n))).toBe(3n)
    await expect(tail.positionOf(encodeCursor(4n))).rejects.toThrow(expired)
  })

  test('expires cursors of an epoch that it has never had', async () => {
    const { tail, write } = await open()
    await write(2)
    await expect(tail.positionOf(encodeCursor(1n, 'fedcba987654'))).rejects.toThrow(expired)
  })

  test('counts an epoch once when several servers notice it', async () => {
    const { handle, db, tail, write } = await open()
    const others = await Promise.all([createTail(handle), createTail(handle)])
    for (const other of others) cleanUps.push(other.close)
    await write(5)
    await Promise.all(others.map((other) => other.sync()))
    await changeTimeline(db)
    await makeProject(db)
    await Promise.all([tail, ...others].map((one) => one.sync()))
    expect(await db.eventEpoch.count()).toBe(2)
  })
})

test('a stream that resumes at once after a failover is told, before its server has looked at the log', async () => {
  const server = await ownServerForTest({ BACKGROUND_WORK: 'off' })
  const { token } = await signUp(server)
  await rest(server, 'POST /tasks', { token, body: { title: 'lost' } })
  const lost = (await rest(server, 'GET /events/cursor', { token })).body.cursor
  await server.db.$transaction(async (tx) => {
    await tx.$executeRaw`DELETE FROM "Event" WHERE "position" = (SELECT max("position") FROM "Event")`
    await changeTimeline(tx as Database)
    for (let index = 0; index < 3; index++) await makeProject(tx as Database)
    await tx.$executeRaw`SELECT assign_event_positions(1000)`
  })
  const { response, inbox } = await eventStream(server, `/events/stream?after=${lost}`, { token })
  if (response.status !== 410) expect(JSON.stringify(await lastOf(inbox))).toContain('CURSOR_EXPIRED')
})

test('REST and its stream answer 410 to a cursor of lost events, and a new stream starts', async () => {
  const server = await ownServerForTest({ BACKGROUND_WORK: 'off' })
  const { token } = await signUp(server)
  const create = (title: string) => rest(server, 'POST /tasks', { token, body: { title } })
  await create('kept')
  const kept = (await rest(server, 'GET /events/cursor', { token })).body.cursor
  await create('lost')
  const lost = (await rest(server, 'GET /events/cursor', { token })).body.cursor
  const open = await eventStream(server, '/events/stream', { token })
  const [{ position = null } = {}] = await server.db.event.findMany({ orderBy: { position: 'desc' }, take: 1 })
  await server.db.$transaction(async (tx) => {
    await tx.$executeRaw`DELETE FROM "Event" WHERE "position" = ${position}`
    await tx.$executeRaw`UPDATE "EventEpoch" SET "signature" = 'another timeline'`
  })
  await create('after the failover')
  const page = await rest(server, `GET /events?after=${lost}`, { token })
  expect([page.status, page.body.code]).toEqual([410, 'CURSOR_EXPIRED'])
  const { response } = await eventStream(server, `/events/stream?after=${lost}`, { token })
  expect(response.status).toBe(410)
  expect(JSON.stringify(await lastOf(open.inbox))).toContain('CURSOR_EXPIRED')
  const resumed = await rest(server, `GET /events?after=${kept}&include=changes`, { token })
  expect(resumed.body.nodes).toHaveLength(1)
})

/** Returns the last event of a stream that ends. */
async function lastOf(inbox: Awaited<ReturnType<typeof eventStream>>['inbox']): Promise<unknown> {
  let last: unknown
  await until('the stream ends', () => inbox.ended !== undefined)
  try {
    for (;;) last = await inbox.next()
  } catch {
    return last
  }
}
