import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../src/database/client.ts'
import type { TaskRelationType } from '../../src/generated/prisma/enums.ts'
import { openTestDatabase } from '../support/database.ts'
import { makeProject, makeTask } from '../support/rows.ts'

/** Maximum levels of sub-tasks below a task. */
const LEVELS = 10

let opened: Awaited<ReturnType<typeof openTestDatabase>>
let db: Database

beforeAll(async () => {
  opened = await openTestDatabase()
  db = opened.handle.db
})
afterAll(() => opened.close())

const setParent = (id: string, parentId: string | null) => db.task.update({ where: { id }, data: { parentId } })
const relate = (type: TaskRelationType, sourceId: string, targetId: string) =>
  db.taskRelation.create({ data: { type, sourceId, targetId } })

/** Creates tasks, each the parent of the next. */
async function makeChain(projectId: string, length: number): Promise<string[]> {
  const ids: string[] = []
  for (let level = 0; level < length; level++)
    ids.push((await makeTask(db, projectId, { parentId: ids.at(-1) ?? null })).id)
  return ids
}

describe('the tree of tasks', () => {
  test('allows only parents of the same project', async () => {
    const [project, other] = await Promise.all([makeProject(db), makeProject(db)])
    const [parent, task] = [await makeTask(db, other.id), await makeTask(db, project.id)]
    await expect(makeTask(db, project.id, { parentId: parent.id })).rejects.toThrow('Task_parentId_same project')
    await expect(setParent(task.id, parent.id)).rejects.toThrow('Task_parentId_same project')
    await expect(setParent(task.id, project.id)).rejects.toThrow()
    const child = await makeTask(db, project.id, { parentId: task.id })
    const move = (id: string, data: object = {}) =>
      db.task.update({ where: { id }, data: { projectId: other.id, ...data } })
    await expect(move(child.id)).rejects.toThrow('Task_parentId_same project')
    await expect(move(task.id)).rejects.toThrow('Task_projectId_same project')
    await move(child.id, { parentId: parent.id })
    // Tasks that move together keep their tree.
    const [above, below] = await makeChain(project.id, 2)
    await db.$executeRaw`UPDATE "Task" SET "projectId" = ${other.id}::uuid WHERE "id" IN (${above}::uuid, ${below}::uuid)`
    expect(await db.task.findUnique({ where: { id: below ?? '' } })).toMatchObject({
      projectId: other.id,
      parentId: above,
    })
  })

  test('has no cycle', async () => {
    const project = await makeProject(db)
    const chain = await makeChain(project.id, 3)
    for (const below of chain) await expect(setParent(chain[0] ?? '', below)).rejects.toThrow('Task_parentId_no cycle')
    const [one, two] = [await makeTask(db, project.id), await makeTask(db, project.id)]
    const both = db.$executeRaw`
      UPDATE "Task" SET "parentId" = CASE "id" WHEN ${one.id}::uuid THEN ${two.id}::uuid ELSE ${one.id}::uuid END
      WHERE "id" IN (${one.id}::uuid, ${two.id}::uuid)`
    await expect(both).rejects.toThrow('Task_parentId_no cycle')
    await Promise.allSettled([setParent(one.id, two.id), setParent(two.id, one.id)])
    const parents = await db.task.findMany({ where: { id: { in: [one.id, two.id] } }, select: { parentId: true } })
    expect(parents.filter(({ parentId }) => parentId === null)).toHaveLength(1)
  })

  test(`is at most ${LEVELS} levels deep, in whatever order it is built`, async () => {
    const project = await makeProject(db)
    const chain = await makeChain(project.id, LEVELS + 1)
    await expect(makeTask(db, project.id, { parentId: chain.at(-1) ?? '' })).rejects.toThrow('Task_parentId_depth')
    const [upper, lower] = [await makeChain(project.id, 6), await makeChain(project.id, 6)]
    await expect(setParent(lower[0] ?? '', upper[5] ?? '')).rejects.toThrow('Task_parentId_depth')
    await setParent(lower[0] ?? '', upper[4] ?? '')
  })

  test('keeps the sub-tasks of a task that is deleted permanently', async () => {
    const project = await makeProject(db)
    const [parent = '', child = ''] = await makeChain(project.id, 2)
    await db.task.delete({ where: { id: parent } })
    expect(await db.task.findUnique({ where: { id: child } })).toMatchObject({ parentId: null, version: 2 })
    expect((await db.event.findMany({ where: { subjectId: child }, orderBy: { seq: 'asc' } })).at(-1)).toMatchObject({
      type: 'task.updated',
      changes: { parentId: { from: parent, to: null } },
    })
  })
})

describe('relations of tasks', () => {
  test('of type RELATES_TO are stored in one direction, so that the reverse is a duplicate', async () => {
    const project = await makeProject(db)
    const [low = '', high = ''] = [await makeTask(db, project.id), await makeTask(db, project.id)]
      .map(({ id }) => id)
      .sort()
    expect(await relate('RELATES_TO', high, low)).toMatchObject({ sourceId: low, targetId: high })
    await expect(relate('RELATES_TO', low, high)).rejects.toThrow()
    await expect(relate('RELATES_TO', high, low)).rejects.toThrow()
    expect(await relate('BLOCKS', high, low)).toMatchObject({ sourceId: high, targetId: low })
  })

  test('of type BLOCKS or DUPLICATES make no cycle of one type, not even two at once', async () => {
    const project = await makeProject(db)
    for (const type of ['BLOCKS', 'DUPLICATES'] as const) {
      const tasks = await Promise.all(Array.from({ length: 3 }, () => makeTask(db, project.id)))
      const [one = '', two = '', three = ''] = tasks.map(({ id }) => id)
      await relate(type, one, two)
      await relate(type, two, three)
      await expect(relate(type, three, one)).rejects.toThrow('TaskRelation_targetId_no cycle')
      await expect(relate(type, two, one)).rejects.toThrow('TaskRelation_targetId_no cycle')
      await relate('RELATES_TO', three, one)
      await expect(relate(type, one, one)).rejects.toThrow()
      const [four, five] = await Promise.all([makeTask(db, project.id), makeTask(db, project.id)])
      const settled = await Promise.allSettled([relate(type, four.id, five.id), relate(type, five.id, four.id)])
      expect(settled.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    }
  })

  test('are logged in the project of each task, and deleted with either task', async () => {
    const [project, other] = await Promise.all([makeProject(db), makeProject(db)])
    const [one, two, third] = [
      await makeTask(db, project.id),
      await makeTask(db, other.id),
      await makeTask(db, project.id),
    ]
    const { id } = await relate('BLOCKS', one.id, two.id)
    const { id: within } = await relate('BLOCKS', one.id, third.id)
    await db.task.delete({ where: { id: third.id } })
    await db.taskRelation.delete({ where: { id } })
    const logged = async (subjectId: string) =>
      (await db.event.findMany({ where: { subjectId }, orderBy: { seq: 'asc' } })).map(({ type, projectId }) => [
        type,
        projectId,
      ])
    expect((await logged(id)).sort()).toEqual(
      ['relation.created', 'relation.deleted'].flatMap((type) => [project.id, other.id].sort().map((at) => [type, at])),
    )
    expect(await logged(within)).toEqual([
      ['relation.created', project.id],
      ['relation.deleted', project.id],
    ])
  })
})
