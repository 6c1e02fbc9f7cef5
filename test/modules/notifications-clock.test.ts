import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../src/database/client.ts'
import { createLease } from '../../src/database/lease.ts'
import type { ClockState } from '../../src/modules/notifications/background/due.ts'
import { Progress, type State } from '../../src/modules/notifications/background/progress.ts'
import { type OpenTestDatabase, openTestDatabase } from '../support/database.ts'
import { makeProject, makeUser } from '../support/rows.ts'

let database: OpenTestDatabase
let db: Database
let projectId: string

beforeAll(async () => {
  database = await openTestDatabase()
  db = database.handle.db
  projectId = (await makeProject(db)).id
})
afterAll(() => database?.close())

const FIRST = '00000000-0000-0000-0000-000000000000'
const MINUTE = 60_000

/** Minutes from now until a time, as a server would be told that is to look that far ahead. */
const minutesUntil = (time: string) => Math.ceil((Date.parse(time) - Date.now()) / MINUTE)

/** Starts the work of a server whose clock has come to a time, and which looks ahead to another. */
async function server(name: string, clock: ClockState, horizon: string) {
  const initial: State = { position: '0', clock: { ...clock } }
  const lease = createLease(db, { name, initial, lengthMs: 60_000, exclusive: true })
  const state = await lease.acquire()
  if (!state) throw new Error('the lease is not free')
  return new Progress(
    { db, lease, channels: [], leadMinutes: minutesUntil(horizon), signal: new AbortController().signal },
    state,
  )
}

/** Creates a member with a task at each of these times. */
async function dueAt(...times: string[]) {
  const { id } = await makeUser(db)
  await db.membership.create({ data: { projectId, userId: id, role: 'VIEWER' } })
  const rows = times.map((time) => ({ projectId, title: 'Due', dueAt: time, assigneeIds: [id] }))
  await db.task.createMany({ data: rows })
  const reminded = async () =>
    (await db.notification.findMany({ where: { recipientId: id }, orderBy: { dueAt: 'asc' } })).map(
      (one) => `${one.kind} ${one.dueAt?.toISOString()}`,
    )
  return { id, reminded }
}

test('a restart and a second server repeat no reminder, and lose none', async () => {
  const times = ['2030-05-01T10:00:00.000Z', '2030-05-01T11:00:00.000Z', '2030-05-01T12:00:00.000Z']
  const { reminded } = await dueAt(...times)
  const from = { dueAt: '2030-05-01T09:00:00.000Z', taskId: FIRST }
  const before = await server('first', from, '2030-05-01T11:30:00.000Z')
  expect(await before.remind()).toBe(2)
  expect(await before.remind()).toBe(0)
  // Restarted where the transaction of the last reminders left it.
  expect(await (await server('first', from, '2030-05-01T11:30:00.000Z')).remind()).toBe(0)
  // Another one that knows nothing of what was done, and looks further ahead.
  expect(await (await server('second', from, '2030-05-01T12:30:00.000Z')).remind()).toBe(1)
  expect(await reminded()).toEqual(times.map((time) => `DUE_SOON ${time}`))
})

test('times around a change of the clocks are one hour apart, as any others', async () => {
  // In Berlin, 02:30 on this day does not exist; in autumn it is there twice.
  const spring = ['2031-03-30T00:30:00.000Z', '2031-03-30T01:30:00.000Z']
  const autumn = ['2031-10-26T00:30:00.000Z', '2031-10-26T01:30:00.000Z']
  const { reminded } = await dueAt(...spring, ...autumn)
  const zone = process.env.TZ
  process.env.TZ = 'Europe/Berlin'
  try {
    const from = { dueAt: '2031-03-30T00:00:00.000Z', taskId: FIRST }
    expect(await (await server('spring', from, '2031-03-30T01:00:00.000Z')).remind()).toBe(1)
    expect(await (await server('spring', from, '2031-03-30T02:00:00.000Z')).remind()).toBe(1)
    const later = { dueAt: '2031-10-26T00:00:00.000Z', taskId: FIRST }
    expect(await (await server('autumn', later, '2031-10-26T01:00:00.000Z')).remind()).toBe(1)
    expect(await (await server('autumn', later, '2031-10-26T02:00:00.000Z')).remind()).toBe(1)
  } finally {
    if (zone === undefined) delete process.env.TZ
    else process.env.TZ = zone
  }
  expect(await reminded()).toEqual([...spring, ...autumn].map((time) => `DUE_SOON ${time}`))
})

test('more tasks than fit in a batch are due at the same time', async () => {
  const { id } = await makeUser(db)
  await db.membership.create({ data: { projectId, userId: id, role: 'VIEWER' } })
  const time = '2032-01-01T00:00:00.000Z'
  await db.task.createMany({
    data: Array.from({ length: 450 }, () => ({ projectId, title: 'Due', dueAt: time, assigneeIds: [id] })),
  })
  const progress = await server(
    'batches',
    { dueAt: '2031-12-31T00:00:00.000Z', taskId: FIRST },
    '2032-01-01T01:00:00.000Z',
  )
  expect(await progress.remind()).toBe(450)
  expect(await db.notification.count({ where: { recipientId: id } })).toBe(450)
})

test('a lease that another server has taken stops the work before it changes anything', async () => {
  const { id, reminded } = await dueAt('2033-01-01T00:00:00.000Z')
  const from = { dueAt: '2032-12-31T00:00:00.000Z', taskId: FIRST }
  const old = await server('taken', from, '2033-01-01T01:00:00.000Z')
  const next = await server('taken', from, '2033-01-01T01:00:00.000Z')
  await expect(old.remind()).rejects.toThrow('another server has taken over')
  expect(await db.notification.count({ where: { recipientId: id } })).toBe(0)
  expect(await next.remind()).toBe(1)
  expect(await reminded()).toEqual(['DUE_SOON 2033-01-01T00:00:00.000Z'])
})

test('a day is due at its end where each recipient is, once, also when the clocks change', async () => {
  const zones = ['Pacific/Kiritimati', 'Europe/Berlin', 'America/New_York', 'Europe/Paris']
  const people = await Promise.all(zones.map(() => makeUser(db)))
  for (const [index, { id }] of people.entries()) {
    await db.user.update({ where: { id }, data: { timeZone: zones[index]! } })
    await db.membership.create({ data: { projectId, userId: id, role: 'VIEWER' } })
  }
  const day = new Date('2034-03-26T00:00:00Z')
  const assigneeIds = people.map(({ id }) => id)
  const { id: taskId } = await db.task.create({ data: { projectId, title: 'Day', dueOn: day, assigneeIds } })
  const reminded = async () =>
    (await db.notification.findMany({ where: { taskId }, orderBy: [{ dueAt: 'asc' }] })).map(
      ({ recipientId, dueAt }) => `${zones[assigneeIds.indexOf(recipientId)]} ${dueAt?.toISOString()}`,
    )
  const from = { dueAt: '2034-03-26T00:00:00.000Z', taskId: FIRST }
  // Berlin has summer time since that morning: its day ends at 22:00 UTC.
  expect(await (await server('days', from, '2034-03-26T21:59:00.000Z')).remind()).toBe(1)
  expect(await (await server('days', from, '2034-03-26T22:01:00.000Z')).remind()).toBe(2)
  await db.user.update({ where: { id: assigneeIds[1]! }, data: { timeZone: 'America/New_York' } })
  expect(await (await server('days', from, '2034-03-27T12:00:00.000Z')).remind()).toBe(1)
  expect((await reminded()).sort()).toEqual([
    'America/New_York 2034-03-27T03:59:59.999Z',
    'Europe/Berlin 2034-03-26T21:59:59.999Z',
    'Europe/Paris 2034-03-26T21:59:59.999Z',
    'Pacific/Kiritimati 2034-03-26T09:59:59.999Z',
  ])
})
