import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../src/database/client.ts'
import { openTestDatabase } from '../support/database.ts'
import { makeProject, makeTask, makeUser } from '../support/rows.ts'

let opened: Awaited<ReturnType<typeof openTestDatabase>>
let db: Database

beforeAll(async () => {
  opened = await openTestDatabase()
  db = opened.handle.db
})
afterAll(() => opened.close())

/** Returns the events of a subject, oldest first. */
const logged = (subjectId: string) =>
  db.event.findMany({
    where: { subjectId },
    orderBy: { seq: 'asc' },
    omit: { seq: true, position: true, subjectId: true, at: true, state: true, aboutId: true, alsoAboutId: true },
  })

/** Returns the states stored with the events of a subject, oldest first. */
const states = async (subjectId: string) => {
  const events = await db.event.findMany({ where: { subjectId }, orderBy: { seq: 'asc' } })
  return events.map(({ type, state }): Record<string, unknown> => ({ type, ...(state as object | null) }))
}

describe('the event log', () => {
  test('shows a created task with all logged values, times in ISO format, and its creator as the actor', async () => {
    const [project, user] = await Promise.all([makeProject(db), makeUser(db)])
    const task = await makeTask(db, project.id, {
      creatorId: user.id,
      dueAt: new Date('2026-01-01T00:00:00Z'),
      description: 'x',
    })
    expect(await logged(task.id)).toEqual([
      {
        type: 'task.created',
        projectId: project.id,
        actorId: user.id,
        version: 1,
        changes: {
          projectId: { from: null, to: project.id },
          key: { from: null, to: `${project.key}-1` },
          title: { from: null, to: 'To do' },
          description: { from: null, to: 'x' },
          status: { from: null, to: 'PENDING' },
          priority: { from: null, to: 1 },
          dueAt: { from: null, to: '2026-01-01T00:00:00.000Z' },
          rank: { from: null, to: 'h00000100' },
        },
      },
    ])
  })

  test('shows what changed in an updated task, and who updated it', async () => {
    const [project, user] = await Promise.all([makeProject(db), makeUser(db)])
    const task = await makeTask(db, project.id, { dueAt: new Date('2026-02-03T04:05:06.007Z') })
    await db.task.update({
      where: { id: task.id },
      data: { title: 'Done', dueAt: null, priority: 1, updatedById: user.id },
    })
    expect((await logged(task.id)).at(-1)).toEqual({
      type: 'task.updated',
      projectId: project.id,
      actorId: user.id,
      version: 2,
      changes: { title: { from: 'To do', to: 'Done' }, dueAt: { from: '2026-02-03T04:05:06.007Z', to: null } },
    })
  })

  test('has one event for a soft delete, one for a restore, and one for the removal of a deleted row', async () => {
    const project = await makeProject(db)
    const task = await makeTask(db, project.id)
    await db.task.update({ where: { id: task.id }, data: { deletedAt: new Date() } })
    await db.task.update({ where: { id: task.id }, data: { deletedAt: null } })
    await db.task.update({ where: { id: task.id }, data: { deletedAt: new Date() } })
    await db.task.delete({ where: { id: task.id } })
    const events = await logged(task.id)
    expect(events.map(({ type, version }) => [type, version])).toEqual([
      ['task.created', 1],
      ['task.deleted', 2],
      ['task.restored', 3],
      ['task.deleted', 4],
      ['task.purged', 4],
    ])
    expect(events[1]?.changes).toEqual({})
  })

  test('keeps the state of a task after each event, the last state of a removed task, and no state of other nouns', async () => {
    const [project, user] = await Promise.all([makeProject(db), makeUser(db)])
    const task = await makeTask(db, project.id, { description: 'Long', creatorId: user.id, assigneeIds: [user.id] })
    const renamed = await db.task.update({ where: { id: task.id }, data: { title: 'Renamed' } })
    await db.task.delete({ where: { id: task.id } })
    const [created, updated, deleted, ...more] = await states(task.id)
    expect(more).toEqual([])
    expect(created).toEqual({
      type: 'task.created',
      projectId: project.id,
      key: task.key,
      formerKeys: [],
      title: 'To do',
      description: 'Long',
      status: 'PENDING',
      priority: 1,
      startAt: null,
      dueAt: null,
      dueOn: null,
      completedAt: null,
      parentId: null,
      assigneeIds: [user.id],
      labelIds: [],
      creatorId: user.id,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
      earlierUpdatedAt: null,
      deletedAt: null,
    })
    const times = { earlierUpdatedAt: created?.updatedAt, updatedAt: updated?.updatedAt }
    expect(updated).toEqual({ ...created, ...times, type: 'task.updated', title: 'Renamed' })
    expect(Date.parse(`${updated?.updatedAt}`)).toBe(renamed.updatedAt.getTime())
    expect(deleted).toMatchObject({ type: 'task.deleted', title: 'Renamed', deletedAt: null })
    expect(await states(project.id)).toEqual([{ type: 'project.created' }])
  })

  test('logs a move in both projects, and neither event shows the other project', async () => {
    const [from, to] = await Promise.all([makeProject(db), makeProject(db)])
    const task = await makeTask(db, from.id)
    const moved = await db.task.update({ where: { id: task.id }, data: { projectId: to.id } })
    const event = { actorId: null, version: 2 }
    expect((await logged(task.id)).slice(1)).toEqual([
      { ...event, type: 'task.removed', projectId: from.id, changes: {} },
      {
        ...event,
        type: 'task.updated',
        projectId: to.id,
        changes: { projectId: { from: null, to: to.id }, key: { from: null, to: moved.key } },
      },
    ])
    const [, removed, updated] = await states(task.id)
    expect([removed?.projectId, updated?.projectId]).toEqual([from.id, to.id])
    expect(JSON.stringify(removed)).not.toContain(to.id)
    expect(JSON.stringify(updated)).not.toContain(from.id)
  })

  test('ignores an update that changes nothing, and so does the version', async () => {
    const project = await makeProject(db)
    const task = await makeTask(db, project.id)
    const same = await db.task.update({
      where: { id: task.id },
      data: { title: task.title, version: 9, updatedAt: new Date(0) },
    })
    expect(same).toMatchObject({ version: 1, updatedAt: task.updatedAt })
    expect(await logged(task.id)).toHaveLength(1)
  })

  test('logs the creation, change and deletion of a project, but not its task counter', async () => {
    const project = await makeProject(db, { key: 'LOGGED', name: 'Old' })
    await makeTask(db, project.id)
    await db.project.update({
      where: { id: project.id },
      data: { name: 'New', archivedAt: new Date('2026-01-01T00:00:00Z') },
    })
    await db.project.delete({ where: { id: project.id } })
    const events = await logged(project.id)
    expect(events.map(({ type, version, projectId }) => [type, version, projectId])).toEqual([
      ['project.created', 1, project.id],
      ['project.updated', 2, project.id],
      ['project.deleted', 2, project.id],
    ])
    expect(events[1]?.changes).toEqual({
      name: { from: 'Old', to: 'New' },
      archivedAt: { from: null, to: '2026-01-01T00:00:00.000Z' },
    })
  })

  test('logs members that are added, updated and removed under their user’s id', async () => {
    const [project, user, owner] = await Promise.all([makeProject(db), makeUser(db), makeUser(db)])
    const member = await db.membership.create({
      data: { projectId: project.id, userId: user.id, role: 'VIEWER', updatedById: owner.id },
    })
    await db.membership.update({ where: { id: member.id }, data: { role: 'EDITOR', updatedById: owner.id } })
    await db.membership.delete({ where: { id: member.id } })
    expect(await logged(user.id)).toEqual([
      {
        type: 'member.added',
        projectId: project.id,
        actorId: owner.id,
        version: 1,
        changes: { role: { from: null, to: 'VIEWER' } },
      },
      {
        type: 'member.updated',
        projectId: project.id,
        actorId: owner.id,
        version: 2,
        changes: { role: { from: 'VIEWER', to: 'EDITOR' } },
      },
      { type: 'member.removed', projectId: project.id, actorId: null, version: 2, changes: {} },
    ])
  })

  test('logs the rows that a deleted project takes with it', async () => {
    const [project, user] = await Promise.all([makeProject(db), makeUser(db)])
    const task = await makeTask(db, project.id)
    await db.membership.create({ data: { projectId: project.id, userId: user.id, role: 'OWNER' } })
    await db.project.delete({ where: { id: project.id } })
    expect((await logged(task.id)).at(-1)?.type).toBe('task.deleted')
    expect((await logged(user.id)).at(-1)?.type).toBe('member.removed')
  })

  test('logs only what ends or reopens accounts and sessions, and no secret', async () => {
    const user = await makeUser(db)
    const session = await db.session.create({
      data: { userId: user.id, expiresAt: new Date() },
    })
    await db.user.update({ where: { id: user.id }, data: { email: `new-${user.email}`, passwordHash: 'secret' } })
    await db.user.update({ where: { id: user.id }, data: { disabledAt: new Date() } })
    await db.user.update({ where: { id: user.id }, data: { disabledAt: null } })
    await db.session.update({ where: { id: session.id }, data: { lastUsedAt: new Date() } })
    await db.session.update({ where: { id: session.id }, data: { revokedAt: new Date() } })
    await db.session.update({ where: { id: session.id }, data: { revokedAt: new Date(0) } })
    const internal = { projectId: null, actorId: null, changes: {} }
    expect(await logged(user.id)).toEqual([
      { type: 'user.disabled', version: 3, ...internal },
      { type: 'user.enabled', version: 4, ...internal },
    ])
    expect(await logged(session.id)).toEqual([{ type: 'session.revoked', version: 1, ...internal }])
  })

  test('prefers the actor that the transaction names over the row’s own', async () => {
    const [project, user, actor] = await Promise.all([makeProject(db), makeUser(db), makeUser(db)])
    const task = await makeTask(db, project.id)
    await db.$transaction(async (tx) => {
      await tx.$queryRaw`SELECT set_config('taskwire.actor', ${actor.id}, true)`
      await tx.task.update({ where: { id: task.id }, data: { title: 'a', updatedById: user.id } })
      await tx.task.delete({ where: { id: task.id } })
    })
    expect((await logged(task.id)).slice(1).map((event) => event.actorId)).toEqual([actor.id, actor.id])
    // The setting ended with the transaction.
    const other = await makeTask(db, project.id, { updatedById: user.id })
    expect((await logged(other.id))[0]?.actorId).toBe(user.id)
  })

  test('logs plain SQL with another search path and many rows in one statement', async () => {
    const project = await makeProject(db)
    const tasks = [await makeTask(db, project.id), await makeTask(db, project.id)]
    await db.$transaction(async (tx) => {
      await tx.$executeRaw`SET LOCAL search_path TO pg_catalog`
      await tx.$executeRaw`UPDATE public."Task" SET "status" = 'COMPLETED' WHERE "projectId" = ${project.id}::uuid`
    })
    for (const task of tasks) {
      expect((await logged(task.id)).at(-1)).toMatchObject({
        type: 'task.updated',
        version: 2,
        changes: { status: { from: 'PENDING', to: 'COMPLETED' } },
      })
    }
  })

  test('has no event of a write that was rolled back', async () => {
    const project = await makeProject(db)
    const undone = db.$transaction(async (tx) => {
      await tx.project.update({ where: { id: project.id }, data: { name: 'Undone' } })
      throw new Error('undo')
    })
    await expect(undone).rejects.toThrow('undo')
    expect(await logged(project.id)).toHaveLength(1)
  })
})

describe('versions and numbers', () => {
  test('16 writers on one row raise its version by one each, and each version has an event', async () => {
    const project = await makeProject(db)
    const task = await makeTask(db, project.id)
    await Promise.all(
      Array.from({ length: 16 }, (_, index) =>
        db.task.update({ where: { id: task.id }, data: { title: `Title ${index}` } }),
      ),
    )
    expect((await logged(task.id)).map((event) => event.version)).toEqual(
      Array.from({ length: 17 }, (_, index) => index + 1),
    )
    expect(await db.task.findUnique({ where: { id: task.id } })).toMatchObject({ version: 17 })
  })

  test('100 parallel inserts get the numbers 1 to 100, whatever number they set', async () => {
    const project = await makeProject(db)
    const tasks = await Promise.all(Array.from({ length: 100 }, () => makeTask(db, project.id, { number: 7 })))
    expect(tasks.map((task) => task.number).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 100 }, (_, index) => index + 1),
    )
    expect(await db.project.findUnique({ where: { id: project.id } })).toMatchObject({ taskCounter: 100, version: 1 })
  })

  test('a task that moves gets the next number of its new project', async () => {
    const [from, to] = await Promise.all([makeProject(db), makeProject(db)])
    const task = await makeTask(db, from.id)
    await makeTask(db, to.id)
    expect(await db.task.update({ where: { id: task.id }, data: { projectId: to.id } })).toMatchObject({
      number: 2,
      version: 2,
    })
  })

  test('ids, numbers, creation times and the two sides of a membership never change', async () => {
    const [project, other, user] = await Promise.all([makeProject(db), makeProject(db), makeUser(db)])
    const task = await makeTask(db, project.id)
    const member = await db.membership.create({ data: { projectId: project.id, userId: user.id, role: 'OWNER' } })
    await expect(db.task.update({ where: { id: task.id }, data: { number: 5 } })).rejects.toThrow('never change')
    await expect(db.project.update({ where: { id: project.id }, data: { createdAt: new Date(0) } })).rejects.toThrow(
      'never change',
    )
    await expect(db.membership.update({ where: { id: member.id }, data: { projectId: other.id } })).rejects.toThrow(
      'never change',
    )
  })

  test('updatedAt changes with the version and never goes back', async () => {
    const future = new Date(Date.now() + 60_000)
    const project = await makeProject(db, { updatedAt: future })
    const renamed = await db.project.update({ where: { id: project.id }, data: { name: 'Renamed' } })
    expect(renamed.updatedAt).toEqual(future)
    const task = await makeTask(db, project.id, { updatedAt: new Date(0) })
    const before = Date.now() - 1_000
    const updated = await db.task.update({ where: { id: task.id }, data: { priority: 5 } })
    expect(updated.updatedAt.getTime()).toBeGreaterThan(before)
  })
})
