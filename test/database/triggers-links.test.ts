import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../src/database/client.ts'
import type { Prisma } from '../../src/generated/prisma/client.ts'
import { openTestDatabase } from '../support/database.ts'
import { makeProject, makeTask, makeUser } from '../support/rows.ts'

let opened: Awaited<ReturnType<typeof openTestDatabase>>
let db: Database

beforeAll(async () => {
  opened = await openTestDatabase()
  db = opened.handle.db
})
afterAll(() => opened.close())

let labels = 0
const makeLabel = (projectId: string, data: Partial<Prisma.LabelUncheckedCreateInput> = {}) =>
  db.label.create({ data: { projectId, name: `Label ${++labels}`, color: '#123456', ...data } })

const logged = (subjectId: string) => db.event.findMany({ where: { subjectId }, orderBy: { seq: 'asc' } })

/** Returns the rows that link a task to its assignees and labels. */
async function linksOf(taskId: string) {
  const assignees = await db.taskAssignee.findMany({ where: { taskId }, orderBy: { userId: 'asc' } })
  const bears = await db.taskLabel.findMany({ where: { taskId }, orderBy: { labelId: 'asc' } })
  return {
    assignees: assignees.map(({ userId, status, live, createdAt }) => [userId, status, live, createdAt.getTime()]),
    labels: bears.map(({ labelId, live, createdAt }) => [labelId, live, createdAt.getTime()]),
  }
}

/** Returns true if a search for the typed text finds the task. */
async function isFound(taskId: string, typed: string): Promise<boolean> {
  const [row] = await db.$queryRaw<{ found: boolean | null }[]>`
    SELECT "words" @@ search_query(${typed}) AS found FROM "TaskSearch" WHERE "taskId" = ${taskId}::uuid`
  return row?.found === true
}

describe('link rows of tasks', () => {
  test('follow the lists and the status of a task, into the trash and back', async () => {
    const project = await makeProject(db)
    const [user, other] = (await Promise.all([makeUser(db), makeUser(db)])).sort((a, b) => (a.id < b.id ? -1 : 1))
    const [label, second] = [await makeLabel(project.id), await makeLabel(project.id)]
    if (!user || !other) throw new Error('two people were made')
    const task = await makeTask(db, project.id, { assigneeIds: [user.id], labelIds: [label.id] })
    const at = task.createdAt.getTime()
    const change = (data: Prisma.TaskUncheckedUpdateInput) => db.task.update({ where: { id: task.id }, data })
    expect(await linksOf(task.id)).toEqual({
      assignees: [[user.id, 'PENDING', true, at]],
      labels: [[label.id, true, at]],
    })
    await change({ assigneeIds: [other.id, user.id], labelIds: [second.id], status: 'COMPLETED' })
    expect(await linksOf(task.id)).toEqual({
      assignees: [
        [user.id, 'COMPLETED', true, at],
        [other.id, 'COMPLETED', true, at],
      ],
      labels: [[second.id, true, at]],
    })
    await change({ deletedAt: new Date() })
    expect(await linksOf(task.id)).toEqual({
      assignees: [
        [user.id, 'COMPLETED', false, at],
        [other.id, 'COMPLETED', false, at],
      ],
      labels: [[second.id, false, at]],
    })
    await db.$executeRaw`
      UPDATE "Task" SET "deletedAt" = NULL, "assigneeIds" = '{}', "labelIds" = ARRAY[${label.id}]::uuid[]
      WHERE "id" = ${task.id}::uuid`
    expect(await linksOf(task.id)).toEqual({ assignees: [], labels: [[label.id, true, at]] })
    await db.task.delete({ where: { id: task.id } })
    expect(await linksOf(task.id)).toEqual({ assignees: [], labels: [] })
  })

  test('accept only labels of the project, existing users and labels, and 20 at most', async () => {
    const [project, other] = await Promise.all([makeProject(db), makeProject(db)])
    const [own, foreign] = [await makeLabel(project.id), await makeLabel(other.id)]
    const task = await makeTask(db, project.id, { labelIds: [own.id] })
    const change = (data: Prisma.TaskUncheckedUpdateInput) => db.task.update({ where: { id: task.id }, data })
    await expect(change({ labelIds: [own.id, foreign.id] })).rejects.toThrow('Task_labelIds_same project')
    await expect(makeTask(db, project.id, { labelIds: [foreign.id] })).rejects.toThrow('Task_labelIds_same project')
    await expect(change({ labelIds: [task.id] })).rejects.toThrow()
    await expect(change({ assigneeIds: [task.id] })).rejects.toThrow()
    await expect(change({ projectId: other.id })).rejects.toThrow('Task_labelIds_same project')
    const people = await Promise.all(Array.from({ length: 21 }, () => makeUser(db)))
    await expect(change({ assigneeIds: people.map(({ id }) => id) })).rejects.toThrow('Task_assigneeIds_limit')
    expect(await db.task.findUnique({ where: { id: task.id } })).toMatchObject({ version: 1, labelIds: [own.id] })
    expect((await linksOf(task.id)).labels).toHaveLength(1)
  })

  test('disappear from tasks with a deleted user, each task with a new version and an event', async () => {
    const [project, user, other] = [await makeProject(db), await makeUser(db), await makeUser(db)]
    const task = await makeTask(db, project.id, { assigneeIds: [user.id, other.id] })
    const trashed = await makeTask(db, project.id, { assigneeIds: [user.id], deletedAt: new Date() })
    const unconcerned = await makeTask(db, project.id, { assigneeIds: [other.id] })
    await db.user.delete({ where: { id: user.id } })
    expect(await db.task.findUnique({ where: { id: task.id } })).toMatchObject({ assigneeIds: [other.id], version: 2 })
    expect(await db.task.findUnique({ where: { id: trashed.id } })).toMatchObject({ assigneeIds: [], version: 2 })
    expect(await db.task.findUnique({ where: { id: unconcerned.id } })).toMatchObject({ version: 1 })
    expect((await logged(task.id)).at(-1)).toMatchObject({
      type: 'task.updated',
      version: 2,
      changes: { assigneeIds: { from: [user.id, other.id], to: [other.id] } },
    })
  })

  test('disappear from tasks with a deleted label, each task with a new version and an event', async () => {
    const project = await makeProject(db)
    const [label, kept] = [await makeLabel(project.id), await makeLabel(project.id)]
    const task = await makeTask(db, project.id, { labelIds: [label.id, kept.id] })
    await db.label.delete({ where: { id: label.id } })
    expect(await db.task.findUnique({ where: { id: task.id } })).toMatchObject({ labelIds: [kept.id], version: 2 })
    expect((await logged(task.id)).at(-1)).toMatchObject({
      type: 'task.updated',
      changes: { labelIds: { from: [label.id, kept.id], to: [kept.id] } },
    })
    expect((await logged(label.id)).map(({ type }) => type)).toEqual(['label.created', 'label.deleted'])
  })

  test('a label has a version, a name unique in any case, and a project that never changes', async () => {
    const [project, other] = await Promise.all([makeProject(db), makeProject(db)])
    const label = await makeLabel(project.id, { name: 'Öl' })
    await expect(makeLabel(project.id, { name: 'öL' })).rejects.toThrow()
    await makeLabel(other.id, { name: 'öL' })
    for (const color of ['#12345', '#ABCDEF', 'red', '#1234567'])
      await expect(makeLabel(project.id, { color })).rejects.toThrow('Label_color_format')
    await expect(makeLabel(project.id, { name: '' })).rejects.toThrow('Label_name_length')
    const update = (data: Prisma.LabelUncheckedUpdateInput) => db.label.update({ where: { id: label.id }, data })
    await expect(update({ projectId: other.id })).rejects.toThrow('never change')
    expect(await update({ name: 'ÖL', version: 9 })).toMatchObject({ version: 2 })
    expect(await update({ name: 'ÖL' })).toMatchObject({ version: 2 })
    expect((await logged(label.id)).map(({ type, version }) => [type, version])).toEqual([
      ['label.created', 1],
      ['label.updated', 2],
    ])
  })
})

describe('search words of a task', () => {
  test('come from its current title, description and project', async () => {
    const [project, other] = await Promise.all([makeProject(db), makeProject(db)])
    const task = await makeTask(db, project.id, { title: 'Deploying Straße', description: 'Łódź' })
    for (const typed of ['deployments', 'STRASSE', 'lodz', 'deploy stra'])
      expect(await isFound(task.id, typed)).toBe(true)
    const scope = async (projectId: string) => {
      const [row] = await db.$queryRaw<{ found: boolean }[]>`
        SELECT "words" @@ project_word(${projectId}::uuid)::tsquery AS found FROM "TaskSearch" WHERE "taskId" = ${task.id}::uuid`
      return row?.found
    }
    expect([await scope(project.id), await scope(other.id)]).toEqual([true, false])
    await db.task.update({ where: { id: task.id }, data: { title: 'Renamed', description: null, projectId: other.id } })
    for (const typed of ['deployments', 'lodz']) expect(await isFound(task.id, typed)).toBe(false)
    expect(await isFound(task.id, 'rename')).toBe(true)
    expect([await scope(project.id), await scope(other.id)]).toEqual([false, true])
    await db.task.delete({ where: { id: task.id } })
    expect(await db.taskSearch.count({ where: { taskId: task.id } })).toBe(0)
  })

  test('are updated by plain SQL with another search path', async () => {
    const project = await makeProject(db)
    const task = await makeTask(db, project.id)
    await db.$transaction(async (tx) => {
      await tx.$executeRaw`SET LOCAL search_path TO pg_catalog`
      await tx.$executeRaw`UPDATE public."Task" SET "title" = 'Lighthouses' WHERE "id" = ${task.id}::uuid`
    })
    expect(await isFound(task.id, 'lighthouse')).toBe(true)
  })
})

describe('the key of a task', () => {
  test('joins the project’s key and the number, ignores what the writer sets, and changes only in a move', async () => {
    const [project, other] = await Promise.all([makeProject(db), makeProject(db)])
    const task = await makeTask(db, project.id, { key: 'MINE-7', number: 7 })
    expect(task).toMatchObject({ key: `${project.key}-1`, number: 1 })
    const change = (data: Prisma.TaskUncheckedUpdateInput) => db.task.update({ where: { id: task.id }, data })
    await expect(change({ key: 'MINE-7' })).rejects.toThrow('never change')
    await expect(db.project.update({ where: { id: project.id }, data: { key: 'OTHER' } })).rejects.toThrow(
      'never change',
    )
    expect(await change({ projectId: other.id, key: 'MINE-7' })).toMatchObject({ key: `${other.key}-1` })
    expect(await change({ projectId: project.id })).toMatchObject({ key: `${project.key}-2`, version: 3 })
  })

  test('from before a move lasts as long as the task, and belongs to the task that had it last', async () => {
    const [project, other] = await Promise.all([makeProject(db), makeProject(db)])
    const task = await makeTask(db, project.id)
    await db.task.update({ where: { id: task.id }, data: { projectId: other.id } })
    const former = () => db.formerTaskKey.findMany({ where: { key: task.key } })
    expect(await former()).toEqual([{ key: task.key, taskId: task.id }])
    await db.project.delete({ where: { id: project.id } })
    const again = await makeProject(db, { key: project.key })
    const successor = await makeTask(db, again.id)
    expect(successor.key).toBe(task.key)
    expect(await former()).toEqual([{ key: task.key, taskId: task.id }])
    await db.task.update({ where: { id: successor.id }, data: { projectId: other.id } })
    expect(await former()).toEqual([{ key: task.key, taskId: successor.id }])
    await db.task.delete({ where: { id: successor.id } })
    expect(await former()).toEqual([])
  })
})
