import { beforeAll, expect, test } from 'vitest'
import { rest } from '../support/clients.ts'
import {
  type Cast,
  cursorOf,
  eventsSince,
  expectRefused,
  MISSING,
  newCast,
  newLabel,
  newProject,
  newTask,
} from '../support/factories.ts'
import type { Operations } from '../support/operation-types.ts'
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

/** Returns what a write could change: the task count, the event cursor and the task counter. */
async function state(project = projectId) {
  const { taskCounter } = await server.db.project.findUniqueOrThrow({ where: { id: project } })
  return { tasks: await server.db.task.count(), cursor: await cursorOf(cast.people.ADMIN), taskCounter }
}

/** Reduces each outcome to its status, or to its error code and issue paths. */
const shapes = (batch: {
  outcomes: { status: string; error: { code: string; issues: { path: unknown[] }[] } | null }[]
}) =>
  batch.outcomes.map(({ status, error }) =>
    error ? [error.code, ...error.issues.map(({ path }) => path.join('.'))] : status,
  )

type Bulk = 'bulkCreateTasks' | 'bulkUpdateTasks' | 'bulkDeleteTasks'
const ALL: Bulk[] = ['bulkCreateTasks', 'bulkUpdateTasks', 'bulkDeleteTasks']
/** Builds a valid item for each operation, for a task of the shared project. */
const item = (bulk: Bulk, task: { id: string }) =>
  bulk === 'bulkCreateTasks'
    ? { projectId, title: 'New' }
    : { id: task.id, ...(bulk === 'bulkUpdateTasks' && { title: 'B' }) }

describeApi('a batch', (api) => {
  test.each(ALL)('of %s takes 1 to 1,000 items', async (bulk) => {
    const before = await state()
    const items = Array.from({ length: 1_001 }, () => item(bulk, { id: MISSING }))
    const tooMany = await api[bulk](owner, { items })
    expectRefused(tooMany, 'VALIDATION_FAILED', ['items'])
    expect(tooMany.exchange).toContain('must have at most 1,000 items')
    const none = await api[bulk](owner, { items: [] })
    expectRefused(none, 'VALIDATION_FAILED', ['items'])
    expect(none.exchange).toContain('must not be empty')
    expectRefused(await api[bulk](owner, {}), 'VALIDATION_FAILED', ['items'])
    expectRefused(await api[bulk](owner, { items: null }), 'VALIDATION_FAILED', ['items'])
    expectRefused(await api[bulk](owner, { items: items.slice(0, 1), atomic: 'yes' }), 'VALIDATION_FAILED', ['atomic'])
    expectRefused(await api[bulk](owner, { items: items.slice(0, 1), sure: true }), 'VALIDATION_FAILED', ['sure'])
    expect(await state()).toEqual(before)
  })
})

describeApi('a batch of new tasks', (api: Operations) => {
  test('creates each task like createTask does, in order, and returns them all', async () => {
    const project = await newProject(owner)
    const label = await newLabel(owner, project.id)
    const parent = await newTask(owner, { projectId: project.id })
    const cursor = await cursorOf(owner)
    const items = [
      { projectId: project.id, title: ' First ' },
      { title: 'By its parent', parentId: parent.key.toLowerCase(), labelIds: [label.id, label.id] },
      { title: 'In the Inbox', status: 'COMPLETED', priority: 5, dueAt: '2030-01-01T00:00:00Z' },
      { projectId: project.id.toUpperCase(), title: 'Assigned', assigneeIds: [cast.people.OWNER.id] },
    ]
    const batch = data(await api.bulkCreateTasks(owner, { items }))
    expect(batch).toMatchObject({ succeeded: 4, failed: 0, dryRun: false })
    expect(batch.outcomes).toMatchObject([
      { index: 0, status: 'SUCCEEDED', error: null, task: { title: 'First', key: `${project.key}-2`, version: 1 } },
      { index: 1, status: 'SUCCEEDED', task: { parentId: parent.id, projectId: project.id, labelIds: [label.id] } },
      { index: 2, status: 'SUCCEEDED', task: { status: 'COMPLETED', priority: 5, completedAt: expect.any(String) } },
      { index: 3, status: 'SUCCEEDED', task: { assigneeIds: [cast.people.OWNER.id], number: 4 } },
    ])
    for (const { task } of batch.outcomes) expect(data(await api.getTask(owner, task.id))).toEqual(task)
    const events = await eventsSince(owner, cursor)
    expect(events.map(({ type, version, subjectId }) => [type, version, subjectId])).toEqual(
      batch.outcomes.map(({ task }: { task: { id: string } }) => ['task.created', 1, task.id]),
    )
    const found = data(await api.listTasks(owner, { filter: { projectId: project.id, search: 'assigned' } })).nodes
    expect(found).toEqual([batch.outcomes[3].task])
  })

  test('fails item by item, with the code and the path of every issue', async () => {
    const { EDITOR, VIEWER, stranger } = cast.people
    const [seen, hidden] = [await newProject(owner), await newProject(stranger)]
    const foreign = await newLabel(owner, seen.id)
    const elsewhere = await newTask(owner, { projectId: seen.id })
    const before = await server.db.task.count()
    const items = [
      { projectId, title: 'Good' },
      { projectId, title: ' ', priority: 9, assigneeIds: ['x'] },
      { projectId: hidden.id, title: 'A' },
      { projectId: MISSING, title: 'A' },
      { projectId, title: 'A', labelIds: [foreign.id] },
      { projectId, title: 'A', parentId: elsewhere.id },
      { projectId, title: 'A', parentId: 'WEB-99999', assigneeIds: [VIEWER.id, stranger.id] },
      { projectId: 'x', title: 'x'.repeat(201) },
      { projectId, title: 'Good as well' },
    ]
    const batch = data(await api.bulkCreateTasks(owner, { items }))
    expect(shapes(batch)).toEqual([
      'SUCCEEDED',
      ['VALIDATION_FAILED', 'items.1.title', 'items.1.priority', 'items.1.assigneeIds.0'],
      ['NOT_FOUND', 'items.2.projectId'],
      ['NOT_FOUND', 'items.3.projectId'],
      ['VALIDATION_FAILED', 'items.4.labelIds.0'],
      ['VALIDATION_FAILED', 'items.5.parentId'],
      ['NOT_FOUND', 'items.6.parentId', 'items.6.assigneeIds.1'],
      ['VALIDATION_FAILED', 'items.7.title', 'items.7.projectId'],
      'SUCCEEDED',
    ])
    expect(batch).toMatchObject({
      succeeded: 2,
      failed: 7,
      outcomes: { 8: { index: 8, task: { title: 'Good as well' } } },
    })
    expect(batch.outcomes.map(({ index }: { index: number }) => index)).toEqual(items.map((_, index) => index))
    for (const { error, task } of batch.outcomes) expect(error === null).toBe(task !== null)
    expect(await server.db.task.count()).toBe(before + 2)
    // An editor of one project and a viewer of another.
    await server.db.membership.create({ data: { projectId: seen.id, userId: EDITOR.id, role: 'VIEWER' } })
    const mixed = [projectId, seen.id, hidden.id].map((id) => ({ projectId: id, title: 'A' }))
    expect(shapes(data(await api.bulkCreateTasks(EDITOR, { items: mixed })))).toEqual([
      'SUCCEEDED',
      ['FORBIDDEN', 'items.1.projectId'],
      ['NOT_FOUND', 'items.2.projectId'],
    ])
  })

  test('is rejected as a whole if malformed, with the path of every issue', async () => {
    const before = await state()
    const items = [{ title: 'Good' }, { title: 5 }, { colour: 'red', title: 'A' }, { priority: 'high' }]
    expectRefused(await api.bulkCreateTasks(owner, { items }), 'VALIDATION_FAILED', [
      'items.colour',
      'items.priority',
      'items.title',
    ])
    for (const one of [null, 'title', 5, [[]]]) {
      const outcome = await api.bulkCreateTasks(owner, { items: [{ title: 'Good' }, one] })
      expect(outcome.error?.code, outcome.exchange).toBe('VALIDATION_FAILED')
    }
    expect(await state()).toEqual(before)
  })

  test('rolls back completely if it is atomic and one item fails, and marks the valid items', async () => {
    const before = await state()
    const items = [
      { projectId, title: 'Good' },
      { projectId, title: '' },
      { projectId, title: 'Good as well' },
    ]
    const batch = data(await api.bulkCreateTasks(owner, { items, atomic: true }))
    expect(shapes(batch)).toEqual(['ROLLED_BACK', ['VALIDATION_FAILED', 'items.1.title'], 'ROLLED_BACK'])
    expect(batch).toMatchObject({
      succeeded: 0,
      failed: 1,
      outcomes: [{ task: null, error: null }, {}, { task: null }],
    })
    expect(await state()).toEqual(before)
    const good = data(await api.bulkCreateTasks(owner, { items: [items[0], items[2]], atomic: true }))
    expect(good).toMatchObject({ succeeded: 2, failed: 0 })
  })

  test('returns the expected outcomes in a dry run, logs nothing and uses no task number', async () => {
    const project = await newProject(owner)
    const before = await state(project.id)
    const items = [
      { projectId: project.id, title: 'Good' },
      { projectId: project.id, title: '' },
    ]
    const dry = data(await api.bulkCreateTasks(owner, { items, dryRun: true }))
    expect(dry).toMatchObject({ succeeded: 1, failed: 1, dryRun: true })
    expect(shapes(dry)).toEqual(['SUCCEEDED', ['VALIDATION_FAILED', 'items.1.title']])
    expect(dry.outcomes[0].task).toMatchObject({ title: 'Good', key: `${project.key}-1`, version: 1 })
    const atomic = data(await api.bulkCreateTasks(owner, { items, dryRun: true, atomic: true }))
    expect(shapes(atomic)).toEqual(['ROLLED_BACK', ['VALIDATION_FAILED', 'items.1.title']])
    expect(await state(project.id)).toEqual(before)
    expectRefused(await api.getTask(owner, dry.outcomes[0].task.id), 'NOT_FOUND', ['id'])
    const wet = data(await api.bulkCreateTasks(owner, { items }))
    expect(wet.outcomes[0].task).toMatchObject({ key: `${project.key}-1` })
  })

  test('creates 1,000 tasks with 1,000 keys and 1,000 events', async () => {
    const project = await newProject(owner)
    const cursor = await cursorOf(owner)
    const items = Array.from({ length: 1_000 }, (_, index) => ({
      projectId: project.id,
      title: `${index} 🌉`,
      // REST allows a larger body for batches than for other requests.
      description: 'x'.repeat(api.protocol === 'REST' ? 2_000 : 500),
    }))
    const batch = data(await api.bulkCreateTasks(owner, { items }))
    expect(batch).toMatchObject({ succeeded: 1_000, failed: 0 })
    const keys = batch.outcomes.map(({ task }: { task: { key: string } }) => task.key)
    expect(keys).toEqual(items.map((_, index) => `${project.key}-${index + 1}`))
    const titles = batch.outcomes.map(({ task }: { task: { title: string } }) => task.title)
    expect(titles).toEqual(items.map(({ title }) => title))
    expect(await eventsSince(owner, cursor)).toHaveLength(1_000)
  })

  test('gives every task its own key when several batches run at once in one project', async () => {
    const project = await newProject(owner)
    const items = Array.from({ length: 50 }, (_, index) => ({ projectId: project.id, title: `Task ${index}` }))
    const batches = await Promise.all(Array.from({ length: 6 }, () => api.bulkCreateTasks(owner, { items })))
    const keys = batches.flatMap((outcome) =>
      data(outcome).outcomes.map(({ task }: { task: { key: string } }) => task.key),
    )
    expect(new Set(keys).size).toBe(300)
  })
})

test('a batch returns 200 even if items fail, and issue paths start at the body when it is rejected', async () => {
  const { token } = owner
  const mixed = await rest(server, 'POST /tasks/bulk', { token, body: { items: [{ title: 'A' }, { title: '' }] } })
  expect([mixed.status, mixed.body.succeeded, mixed.body.failed]).toEqual([200, 1, 1])
  const refused = await rest(server, 'POST /tasks/bulk', { token, body: { items: [{ title: 'A' }, { title: 5 }] } })
  expect([refused.status, refused.body.errors[0].path]).toEqual([422, ['body', 'items', 1, 'title']])
})
