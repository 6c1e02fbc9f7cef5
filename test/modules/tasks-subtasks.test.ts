import { beforeAll, expect, test } from 'vitest'
import { graphql } from '../support/clients.ts'
import {
  atOnce,
  type Cast,
  cursorOf,
  eventsSince,
  expectRefused,
  MISSING,
  newCast,
  newChain,
  newProject,
  newTask,
  readTask,
} from '../support/factories.ts'
import type { Operations } from '../support/operation-types.ts'
import { type Caller, data, describeApi, type Outcome, refusal } from '../support/operations.ts'
import { sharedServer, type TestServer } from '../support/server.ts'

/** Maximum levels of sub-tasks below a task. */
const LEVELS = 10

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

const titles = (page: { nodes: { title: string }[] }) => page.nodes.map(({ title }) => title).sort()

/** Every operation that gives an existing task a parent. */
const WAYS: [string, (api: Operations, caller: Caller, id: string, parentId: string) => Promise<Outcome>][] = [
  ['updateTask', (api, caller, id, parentId) => api.updateTask(caller, id, { parentId })],
  ['replaceTask', (api, caller, id, parentId) => api.replaceTask(caller, id, { title: 'Replaced', parentId })],
]

describeApi('a sub-task', (api) => {
  const progressOf = async (id: string) =>
    data(await api.getTask(owner, id, ['subtaskProgress'])).subtaskProgress as { total: number; completed: number }

  test('is created below its parent, in the parent’s project, and shows the parent', async () => {
    const elsewhere = await newProject(owner)
    const parent = await newTask(owner, { projectId: elsewhere.id, title: 'Parent' })
    const cursor = await cursorOf(owner)
    const child = data(await api.createTask(owner, { title: 'Child', parentId: parent.id }))
    expect(child).toMatchObject({ parentId: parent.id, projectId: elsewhere.id, key: `${elsewhere.key}-2`, version: 1 })
    expect(data(await api.getTask(owner, child.id, ['parent'])).parent).toEqual(await readTask(owner, parent.id))
    const events = await eventsSince(owner, cursor)
    expect(events).toMatchObject([{ type: 'task.created', subjectId: child.id, version: 1 }])
    expect(events[0]?.changes.parentId).toEqual([null, parent.id])
    // The parent is unchanged.
    expect(await readTask(owner, parent.id)).toEqual(parent)
  })

  test('moves to another parent or, with null, to none, with a version and an event each time', async () => {
    const [one, two] = [await newTask(owner, { projectId }), await newTask(owner, { projectId })]
    const child = await newTask(owner, { projectId })
    const cursor = await cursorOf(owner)
    expect(data(await api.updateTask(owner, child.id, { parentId: one.id }, 1))).toMatchObject({ parentId: one.id })
    data(await api.updateTask(owner, child.id, { title: 'What is absent stays' }, 2))
    expect(await readTask(owner, child.id)).toMatchObject({ parentId: one.id, version: 3 })
    data(await api.updateTask(owner, child.id, { parentId: two.id.toUpperCase() }, 3))
    expect(data(await api.updateTask(owner, child.id, { parentId: null }, 4))).toMatchObject({ parentId: null })
    expectRefused(await api.updateTask(owner, child.id, { parentId: one.id }, 4), 'PRECONDITION_FAILED', [
      'expectedVersion',
    ])
    data(await api.replaceTask(owner, child.id, { title: 'B', parentId: one.id }, 5))
    expect(data(await api.replaceTask(owner, child.id, { title: 'B' }, 6))).toMatchObject({ parentId: null })
    const moves = (await eventsSince(owner, cursor, child.id)).flatMap(({ version, changes }) =>
      changes.parentId ? [[version, ...changes.parentId]] : [],
    )
    expect(moves).toEqual([
      [2, null, one.id],
      [4, one.id, two.id],
      [5, two.id, null],
      [6, null, one.id],
      [7, one.id, null],
    ])
  })

  test('counts only in the progress of its direct parent, unless it is in the trash', async () => {
    const parent = await newTask(owner, { projectId })
    expect(await progressOf(parent.id)).toEqual({ total: 0, completed: 0 })
    const children = await atOnce(4, (index) =>
      newTask(owner, { parentId: parent.id, status: index < 2 ? 'COMPLETED' : 'CANCELLED' }),
    )
    const [first, , third, fourth] = children.map(({ id }) => id as string) as [string, string, string, string]
    await newTask(owner, { parentId: first, status: 'COMPLETED' })
    expect(await progressOf(parent.id)).toEqual({ total: 4, completed: 2 })
    expect(await progressOf(first)).toEqual({ total: 1, completed: 1 })
    data(await api.updateTask(owner, third, { status: 'COMPLETED' }))
    data(await api.deleteTask(owner, first))
    data(await api.updateTask(owner, fourth, { parentId: null }))
    expect(await progressOf(parent.id)).toEqual({ total: 2, completed: 2 })
    data(await api.restoreTask(owner, first))
    expect(await progressOf(parent.id)).toEqual({ total: 3, completed: 3 })
  })

  test('can be filtered by its parent, and top-level tasks by "none"', async () => {
    const { id } = await newProject(owner)
    const parent = await newTask(owner, { projectId: id, title: 'Parent' })
    for (const title of ['One', 'Two']) await newTask(owner, { parentId: parent.id, title })
    const list = async (filter: object) =>
      titles(data(await api.listTasks(owner, { filter: { projectId: id, ...filter } })))
    expect(await list({ parentId: parent.id })).toEqual(['One', 'Two'])
    expect(await list({ parentId: 'none' })).toEqual(['Parent'])
    expect(await list({ not: { parentId: 'none' } })).toEqual(['One', 'Two'])
    expect(await list({ or: [{ parentId: 'none' }, { parentId: parent.key }] })).toEqual(['One', 'Parent', 'Two'])
    const hidden = await newTask(cast.people.stranger)
    for (const parentId of [MISSING, hidden.id, hidden.key, 'WEB-99999'])
      expectRefused(await api.listTasks(owner, { filter: { parentId } }), 'NOT_FOUND', ['parentId'])
    expectRefused(await api.listTasks(owner, { filter: { parentId: 'x' } }), 'VALIDATION_FAILED', ['parentId'])
  })

  test('stays when its parent goes to the trash, and still shows that parent', async () => {
    const parent = await newTask(owner, { projectId })
    const child = await newTask(owner, { parentId: parent.id })
    data(await api.deleteTask(owner, parent.id))
    expect(await readTask(owner, child.id)).toEqual(child)
    const shown = data(await api.getTask(owner, child.id, ['parent'])).parent
    expect(shown).toMatchObject({ id: parent.id, deletedAt: expect.any(String) })
    expectRefused(await api.createTask(owner, { title: 'A', parentId: parent.id }), 'NOT_FOUND', ['parentId'])
  })

  test.each(WAYS)('is rejected by %s for an unknown, hidden, trashed or invalid parent', async (_name, run) => {
    const task = await newTask(owner, { projectId })
    const hidden = await newTask(cast.people.stranger)
    const trashed = await newTask(owner, { projectId })
    data(await api.deleteTask(owner, trashed.id))
    for (const parentId of [MISSING, hidden.id, hidden.key, trashed.id, trashed.key, 'WEB-99999'])
      expectRefused(await run(api, owner, task.id, parentId), 'NOT_FOUND', ['parentId'])
    for (const parentId of ['', 'x', 'none', '\u0000', '🌉'])
      expectRefused(await run(api, owner, task.id, parentId), 'VALIDATION_FAILED', ['parentId'])
    expect(await readTask(owner, task.id)).toEqual(task)
  })

  test.each(WAYS)('is rejected by %s if the parent is in another project', async (_name, run) => {
    const task = await newTask(owner, { projectId })
    const elsewhere = await newTask(owner, { projectId: (await newProject(owner)).id })
    const outcome = await run(api, owner, task.id, elsewhere.id)
    expectRefused(outcome, 'VALIDATION_FAILED', ['parentId'])
    expect(refusal(outcome).rules, outcome.exchange).toEqual({ parentId: 'another_project' })
    const both = { title: 'A', projectId, parentId: elsewhere.id }
    expectRefused(await api.createTask(owner, both), 'VALIDATION_FAILED', ['parentId'])
    expect(await readTask(owner, task.id)).toEqual(task)
  })

  test.each(WAYS)('is rejected by %s if it would become its own ancestor', async (_name, run) => {
    const chain = await newChain(owner, projectId, 4)
    for (const below of chain) {
      const outcome = await run(api, owner, chain[0].id, below.id)
      expectRefused(outcome, 'VALIDATION_FAILED', ['parentId'])
      expect(refusal(outcome).rules, outcome.exchange).toEqual({ parentId: 'no_cycle' })
    }
    expect(await readTask(owner, chain[0].id)).toEqual(chain[0])
  })

  test(`can be nested ${LEVELS} levels deep and no deeper`, async () => {
    const chain = await newChain(owner, projectId, LEVELS + 1)
    const deepest = chain.at(-1)
    const refused = await api.createTask(owner, { title: 'Too deep', parentId: deepest.id })
    expectRefused(refused, 'VALIDATION_FAILED', ['parentId'])
    expect(refusal(refused).rules, refused.exchange).toEqual({ parentId: 'depth' })
    const single = await newTask(owner, { projectId })
    for (const [, run] of WAYS)
      expectRefused(await run(api, owner, single.id, deepest.id), 'VALIDATION_FAILED', ['parentId'])
    data(await api.updateTask(owner, single.id, { parentId: chain.at(-2).id }))
  })

  test(`cannot move where its own sub-tasks would be deeper than ${LEVELS} levels`, async () => {
    const upper = await newChain(owner, projectId, 6)
    const lower = await newChain(owner, projectId, 6)
    // Six below the sixth would make a chain of twelve tasks, eleven of them sub-tasks.
    for (const [, run] of WAYS) {
      const outcome = await run(api, owner, lower[0].id, upper[5].id)
      expectRefused(outcome, 'VALIDATION_FAILED', ['parentId'])
      expect(refusal(outcome).rules, outcome.exchange).toEqual({ parentId: 'depth' })
    }
    expect(data(await api.updateTask(owner, lower[0].id, { parentId: upper[4].id })).parentId).toBe(upper[4].id)
  })

  test('never forms a cycle through two concurrent changes that are each valid alone', async () => {
    for (let round = 0; round < 5; round++) {
      const [one, two] = [await newTask(owner, { projectId }), await newTask(owner, { projectId })]
      const outcomes = await Promise.all([
        api.updateTask(owner, one.id, { parentId: two.id }),
        api.updateTask(owner, two.id, { parentId: one.id }),
      ])
      const shown = outcomes.map((outcome) => outcome.exchange).join('\n')
      const refused = outcomes.filter((outcome) => outcome.error).map(refusal)
      expect(refused, shown).toMatchObject([{ code: 'VALIDATION_FAILED', rules: { parentId: 'no_cycle' } }])
      const parents = [await readTask(owner, one.id), await readTask(owner, two.id)].map((task) => task.parentId)
      expect(
        parents.filter((parent) => parent === null),
        shown,
      ).toHaveLength(1)
    }
  })

  test('can move below another task while that task moves below a third', async () => {
    for (let round = 0; round < 5; round++) {
      const tasks = await atOnce(5, () => newTask(owner, { projectId }))
      const outcomes = await atOnce(4, (index) =>
        api.updateTask(owner, tasks[index].id, { parentId: tasks[index + 1].id }),
      )
      for (const outcome of outcomes) data(outcome)
      const parents = await atOnce(5, async (index) => (await readTask(owner, tasks[index].id)).parentId)
      expect(parents).toEqual([...tasks.slice(1).map((task) => task.id), null])
    }
  })
})

test('the second of two mutations in one operation sees the changes of the first', async () => {
  const { id } = await newTask(owner, { projectId })
  const add = (name: string) =>
    `${name}: createTask(input: { parentId: "${id}", title: "${name}" }) { parent { subtaskProgress { total } } }`
  const { data: answer } = await graphql(server, `mutation { ${add('a')} ${add('b')} }`, {}, { token: owner.token })
  expect([answer.a, answer.b].map((task) => task.parent.subtaskProgress.total)).toEqual([1, 2])
})
