import { expect, test } from 'vitest'
import { startHousekeeping } from '../../src/app/housekeeping.ts'
import { startServer } from '../../src/app/server.ts'
import { readConfig } from '../../src/config.ts'
import { openDatabase } from '../../src/database/client.ts'
import { purgeTrash } from '../../src/modules/tasks/trash.ts'
import { openTestDatabase, testDatabase, urlSettings } from '../support/database.ts'
import { makeProject, makeTask, makeUser } from '../support/rows.ts'
import { keepingLog, QUICK_TO_STOP } from '../support/server.ts'
import { until } from '../support/wait.ts'

const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000)

test('purges only tasks that exceed the trash retention, with their links and relations', async () => {
  const { handle, close } = await openTestDatabase()
  try {
    const { db } = handle
    const [project, user] = [await makeProject(db), await makeUser(db)]
    const links = { assigneeIds: [user.id], updatedById: user.id }
    const old = await makeTask(db, project.id, { deletedAt: daysAgo(31), ...links })
    const recent = await makeTask(db, project.id, { deletedAt: daysAgo(29), ...links })
    const child = await makeTask(db, project.id, { parentId: old.id, updatedById: user.id })
    await db.taskRelation.create({ data: { type: 'BLOCKS', sourceId: old.id, targetId: child.id } })
    // Exceed one purge batch.
    const many = Array.from({ length: 250 }, () => ({ projectId: project.id, title: 'x', deletedAt: daysAgo(40) }))
    await db.task.createMany({ data: many })

    expect(await purgeTrash(db, 30)).toBe(251)
    const left = await db.task.findMany({ orderBy: { number: 'asc' } })
    expect(left.map(({ id, parentId }) => ({ id, parentId }))).toEqual([
      { id: recent.id, parentId: null },
      { id: child.id, parentId: null },
    ])
    expect(await db.taskAssignee.count()).toBe(1)
    expect(await db.taskRelation.count()).toBe(0)
    const events = await db.event.findMany({
      where: { subjectId: { in: [old.id, child.id] } },
      orderBy: { seq: 'asc' },
    })
    // Neither the purge nor the update of its sub-task has an actor.
    const nobody = { actorId: null }
    expect(events.at(-1)).toMatchObject({ type: 'task.updated', subjectId: child.id, version: 2, ...nobody })
    const [, purged, ...others] = events.filter((event) => event.subjectId === old.id)
    expect(purged).toMatchObject({ type: 'task.purged', projectId: project.id, changes: {}, ...nobody })
    expect(others).toEqual([])
    expect(await purgeTrash(db, 30)).toBe(0)
  } finally {
    await close()
  }
})

test('a server purges the trash at startup', async () => {
  const { options, drop } = await testDatabase()
  const config = readConfig({
    PORT: '0',
    DATA_DIR: options.dataDir,
    JWT_SECRET: 'a secret for tests that is long enough',
    TRASH_DAYS: '7',
    ...urlSettings(options),
  })
  const before = await openDatabase(options)
  const project = await makeProject(before.db)
  await makeTask(before.db, project.id, { deletedAt: daysAgo(8) })
  const kept = await makeTask(before.db, project.id, { deletedAt: daysAgo(6) })
  await before.close()
  const log = keepingLog()
  const server = await startServer(config, log, undefined, QUICK_TO_STOP)
  try {
    await until('the trash is emptied', async () => (await server.db.task.count()) === 1)
    expect((await server.db.task.findMany()).map(({ id }) => id)).toEqual([kept.id])
    await until('it is logged', () => log.lines.some(({ message }) => message === 'housekeeping removed old rows'))
  } finally {
    await server.close()
    await drop()
  }
})

test('a failing housekeeping job does not stop the others, and close() stops a running one', async () => {
  const log = keepingLog()
  const done: string[] = []
  let started = false
  const housekeeping = startHousekeeping(
    [
      { name: 'broken', run: () => Promise.reject(new Error('no broom')) },
      { name: 'quick', run: async () => done.push('quick') },
      {
        name: 'long',
        async run(signal) {
          started = true
          while (!signal.aborted) await new Promise((resolve) => setImmediate(resolve))
          return done.push('long')
        },
      },
    ],
    log,
  )
  await until('the long job runs', () => started)
  await housekeeping.close()
  expect(done).toEqual(['quick', 'long'])
  expect(log.lines.map(({ level, message }) => `${level} ${message}`)).toEqual([
    'warn housekeeping failed',
    'info housekeeping removed old rows',
    'info housekeeping removed old rows',
  ])
})
