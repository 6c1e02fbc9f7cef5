import { beforeAll, expect, test } from 'vitest'
import { atOnce, type Cast, MISSING, newCast, newChain, newTask, readTask } from '../support/factories.ts'
import { type Caller, data, describeApi } from '../support/operations.ts'
import { sharedServer, type TestServer } from '../support/server.ts'

let server: TestServer
let cast: Cast
let owner: Caller
let projectId: string

beforeAll(async () => {
  server = await sharedServer()
  cast = await newCast(server)
  owner = cast.people.OWNER
  projectId = cast.projectId
})

const newTasks = (count: number) => atOnce(count, () => newTask(owner, { projectId }))
const readAll = (tasks: { id: string }[]) => Promise.all(tasks.map(({ id }) => readTask(owner, id)))

/** Reduces each outcome to its status, or to its error code and issue paths. */
const shapes = (batch: {
  outcomes: { status: string; error: { code: string; issues: { path: unknown[] }[] } | null }[]
}) =>
  batch.outcomes.map(({ status, error }) =>
    error ? [error.code, ...error.issues.map(({ path }) => path.join('.'))] : status,
  )

describeApi('a batch that changes a tree of tasks', (api) => {
  test('rejects cycles and excess depth formed by items that are each valid alone', async () => {
    const [one, two, three] = await newTasks(3)
    const circle = [
      { id: one.id, parentId: two.id },
      { id: two.id, parentId: three.id },
      { id: three.id, parentId: one.id },
    ]
    expect(shapes(data(await api.bulkUpdateTasks(owner, { items: circle })))).toEqual([
      'SUCCEEDED',
      'SUCCEEDED',
      ['VALIDATION_FAILED', 'items.2.parentId'],
    ])
    const chain = await newChain(owner, projectId, 10)
    const tasks = await newTasks(2)
    const deep = [
      { id: tasks[0].id, parentId: chain.at(-1).id },
      { id: tasks[1].id, parentId: tasks[0].id },
    ]
    expect(shapes(data(await api.bulkUpdateTasks(owner, { items: deep })))).toEqual([
      'SUCCEEDED',
      ['VALIDATION_FAILED', 'items.1.parentId'],
    ])
  })

  test('can invert a tree: one item detaches a sub-task, the next moves its former parent below it', async () => {
    const [parent, child] = await newChain(owner, projectId, 2)
    const items = [
      { id: child.id, parentId: null },
      { id: parent.id, parentId: child.id },
    ]
    expect(shapes(data(await api.bulkUpdateTasks(owner, { items })))).toEqual(['SUCCEEDED', 'SUCCEEDED'])
    expect((await readAll([parent, child])).map(({ parentId }) => parentId)).toEqual([child.id, null])
  })

  test('ignores the parents set by failed items', async () => {
    const [one, two] = await newTasks(2)
    const items = [
      { id: one.id, parentId: two.id, labelIds: [MISSING] },
      { id: two.id, parentId: one.id },
    ]
    const expected = [['NOT_FOUND', 'items.0.labelIds.0'], 'SUCCEEDED']
    expect(shapes(data(await api.bulkUpdateTasks(owner, { items })))).toEqual(expected)
    expect((await readAll([one, two])).map(({ parentId }) => parentId)).toEqual([null, one.id])
  })

  test('counts sub-tasks that earlier items moved below a task', async () => {
    const [upper, lower] = [await newChain(owner, projectId, 6), await newChain(owner, projectId, 5)]
    const [between] = await newTasks(1)
    // Each move is valid alone; together, five below one below six exceeds the maximum depth.
    const items = [
      { id: lower[0].id, parentId: between.id },
      { id: between.id, parentId: upper[5].id },
      { id: lower[4].id, title: 'Another change' },
    ]
    const expected = ['SUCCEEDED', ['VALIDATION_FAILED', 'items.1.parentId'], 'SUCCEEDED']
    expect(shapes(data(await api.bulkUpdateTasks(owner, { items })))).toEqual(expected)
    expect((await readAll([lower[0], between])).map(({ parentId }) => parentId)).toEqual([between.id, null])
  })

  test('creates sub-tasks down to the maximum depth and no deeper', async () => {
    const chain = await newChain(owner, projectId, 11)
    const items = [9, 10].map((level) => ({ title: 'New', parentId: chain[level].id }))
    const batch = data(await api.bulkCreateTasks(owner, { items }))
    expect(shapes(batch)).toEqual(['SUCCEEDED', ['VALIDATION_FAILED', 'items.1.parentId']])
  })

  test('leaves a tree after concurrent batches and fails only with VALIDATION_FAILED', async () => {
    const tasks = await newTasks(6)
    const outcomes = await atOnce(6, (index) =>
      api.bulkUpdateTasks(owner, {
        items: tasks.map(({ id }, place) => ({ id, parentId: tasks[(place + index + 1) % 6].id })).slice(0, 3),
      }),
    )
    for (const outcome of outcomes)
      for (const shape of shapes(data(outcome)).filter((one) => one !== 'SUCCEEDED'))
        expect(shape[0], outcome.exchange).toBe('VALIDATION_FAILED')
    const parents = new Map((await readAll(tasks)).map(({ id, parentId }) => [id, parentId]))
    for (const { id } of tasks) {
      let above = 0
      for (let one = parents.get(id); one; one = parents.get(one)) expect(++above).toBeLessThan(6)
    }
  })
})
