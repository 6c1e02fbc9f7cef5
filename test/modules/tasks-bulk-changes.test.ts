import { beforeAll, expect, test } from 'vitest'
import {
  atOnce,
  type Cast,
  cursorOf,
  eventsSince,
  MISSING,
  newCast,
  newLabel,
  newProject,
  newTask,
  readTask,
} from '../support/factories.ts'
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

const newTasks = (count: number, input: object = {}) => atOnce(count, () => newTask(owner, { projectId, ...input }))
const readAll = (tasks: { id: string }[]) => Promise.all(tasks.map(({ id }) => readTask(owner, id)))

/** Reduces each outcome to its status, or to its error code and issue paths. */
const shapes = (batch: {
  outcomes: { status: string; error: { code: string; issues: { path: unknown[] }[] } | null }[]
}) =>
  batch.outcomes.map(({ status, error }) =>
    error ? [error.code, ...error.issues.map(({ path }) => path.join('.'))] : status,
  )

describeApi('a batch of task changes', (api) => {
  test('updates each task separately: keeps absent fields and clears null ones', async () => {
    const label = await newLabel(owner, projectId)
    const whole = {
      description: 'Before',
      dueAt: '2030-01-01T00:00:00.000Z',
      labelIds: [label.id],
      assigneeIds: [cast.people.VIEWER.id],
      priority: 3,
    }
    const tasks = await newTasks(5, whole)
    const parent = tasks[4]
    const cursor = await cursorOf(owner)
    const items = [
      { id: tasks[0].id, title: ' After ', status: 'COMPLETED', expectedVersion: 1 },
      { id: tasks[1].key.toLowerCase(), description: null, dueAt: null, labelIds: null, assigneeIds: [] },
      { id: tasks[2].id.toUpperCase(), parentId: parent.key, dueAt: '2031-02-03T04:05:06.007+01:00', priority: 5 },
      { id: tasks[3].id },
    ]
    const batch = data(await api.bulkUpdateTasks(owner, { items }))
    expect(batch).toMatchObject({ succeeded: 4, failed: 0, dryRun: false })
    const [first, second, third, fourth] = await readAll(tasks)
    expect(batch.outcomes.map(({ task }: { task: unknown }) => task)).toEqual([first, second, third, fourth])
    const updatedAt = expect.any(String)
    expect(first).toEqual({
      ...tasks[0],
      title: 'After',
      status: 'COMPLETED',
      completedAt: updatedAt,
      version: 2,
      updatedAt,
    })
    const cleared = { description: null, dueAt: null, labelIds: [], assigneeIds: [] }
    expect(second).toEqual({ ...tasks[1], ...cleared, version: 2, updatedAt })
    const moved = { parentId: parent.id, dueAt: '2031-02-03T03:05:06.007Z', priority: 5 }
    expect(third).toEqual({ ...tasks[2], ...moved, version: 2, updatedAt })
    // An item without changes leaves the task as it is.
    expect(fourth).toEqual(tasks[3])
    const events = await eventsSince(owner, cursor)
    expect(events.map(({ type, subjectId, version }) => [type, subjectId, version]).sort()).toEqual(
      tasks
        .slice(0, 3)
        .map(({ id }) => ['task.updated', id, 2])
        .sort(),
    )
    expect(events.find(({ subjectId }) => subjectId === tasks[1].id)?.changes).toEqual({
      description: ['Before', null],
      dueAt: ['2030-01-01T00:00:00.000Z', null],
      assigneeIds: [[cast.people.VIEWER.id], []],
      labelIds: [[label.id], []],
    })
    // The rows that filters search were updated too.
    const found = data(await api.listTasks(owner, { filter: { labelId: { any: [label.id] } } })).nodes
    expect(found.map(({ id }: { id: string }) => id).sort()).toEqual(
      [tasks[0], tasks[2], tasks[3], tasks[4]].map(({ id }) => id).sort(),
    )
  })

  test('fails item by item: invalid input, stale versions, hidden tasks, unknown keys, foreign labels', async () => {
    const { EDITOR, stranger } = cast.people
    const other = await newProject(owner)
    await server.db.membership.create({ data: { projectId: other.id, userId: EDITOR.id, role: 'VIEWER' } })
    const [hidden, seen] = [await newTask(stranger), await newTask(owner, { projectId: other.id })]
    const foreign = await newLabel(owner, other.id)
    const tasks = await newTasks(9)
    const items = [
      { id: tasks[0].id, title: 'Good' },
      { id: tasks[1].id, title: '', priority: 0 },
      { id: tasks[2].id, title: 'A', expectedVersion: 2 },
      { id: hidden.id, title: 'A' },
      { id: seen.key, title: 'A' },
      { id: 'WEB-99999', title: 'A' },
      { id: MISSING, title: 'A', expectedVersion: 1 },
      { id: 'x', title: 'A' },
      { id: tasks[3].id, labelIds: [foreign.id] },
      { id: tasks[4].id, parentId: seen.id },
      { id: tasks[5].id, assigneeIds: [stranger.id] },
      { id: tasks[6].id, status: null },
      { id: tasks[7].id, parentId: tasks[7].key },
      { id: tasks[8].id, title: 'Good as well', expectedVersion: 1 },
    ]
    const batch = data(await api.bulkUpdateTasks(EDITOR, { items }))
    expect(shapes(batch)).toEqual([
      'SUCCEEDED',
      ['VALIDATION_FAILED', 'items.1.title', 'items.1.priority'],
      ['PRECONDITION_FAILED', 'items.2.expectedVersion'],
      ['NOT_FOUND', 'items.3.id'],
      ['FORBIDDEN', 'items.4.id'],
      ['NOT_FOUND', 'items.5.id'],
      ['NOT_FOUND', 'items.6.id'],
      ['VALIDATION_FAILED', 'items.7.id'],
      ['VALIDATION_FAILED', 'items.8.labelIds.0'],
      ['VALIDATION_FAILED', 'items.9.parentId'],
      ['VALIDATION_FAILED', 'items.10.assigneeIds.0'],
      ['VALIDATION_FAILED', 'items.11.status'],
      ['VALIDATION_FAILED', 'items.12.parentId'],
      'SUCCEEDED',
    ])
    expect(batch).toMatchObject({ succeeded: 2, failed: 12 })
    expect(batch.outcomes[2].error.message).toContain('The task is at version 1, not 2')
    const versions = (await readAll(tasks)).map(({ version }) => version)
    expect(versions).toEqual([2, 1, 1, 1, 1, 1, 1, 1, 2])
    expect(await readTask(owner, seen.id)).toEqual(seen)
  })

  test('rejects repeated items for the same task, whether by id or by key', async () => {
    const [task] = await newTasks(1)
    const items = [task.id, task.key, task.id.toUpperCase()].map((id, index) => ({ id, title: `Title ${index}` }))
    const batch = data(await api.bulkUpdateTasks(owner, { items }))
    expect(shapes(batch)).toEqual([
      'SUCCEEDED',
      ['VALIDATION_FAILED', 'items.1.id'],
      ['VALIDATION_FAILED', 'items.2.id'],
    ])
    expect(batch.outcomes[1].error.message).toContain('occurs more than once in the batch')
    expect(await readTask(owner, task.id)).toMatchObject({ title: 'Title 0', version: 2 })
  })

  test('changes and logs nothing when it is a dry run or an atomic batch that fails', async () => {
    const tasks = await newTasks(3)
    const cursor = await cursorOf(owner)
    const items = tasks.map(({ id }) => ({ id, title: 'Changed' }))
    const bad = [...items, { id: MISSING, title: 'A' }]
    const atomic = data(await api.bulkUpdateTasks(owner, { items: bad, atomic: true }))
    expect(shapes(atomic)).toEqual([...Array(3).fill('ROLLED_BACK'), ['NOT_FOUND', 'items.3.id']])
    expect(atomic).toMatchObject({ succeeded: 0, failed: 1 })
    const dry = data(await api.bulkUpdateTasks(owner, { items: bad, dryRun: true }))
    expect(shapes(dry)).toEqual([...Array(3).fill('SUCCEEDED'), ['NOT_FOUND', 'items.3.id']])
    expect(dry).toMatchObject({ dryRun: true, outcomes: [{ task: { title: 'Changed', version: 2 } }, {}, {}, {}] })
    const gone = data(await api.bulkDeleteTasks(owner, { items: items.map(({ id }) => ({ id })), dryRun: true }))
    expect(shapes(gone)).toEqual(Array(3).fill('SUCCEEDED'))
    expect(await readAll(tasks)).toEqual(tasks)
    expect(await eventsSince(owner, cursor)).toEqual([])
  })

  test('updates and then deletes 1,000 tasks', async () => {
    const project = await newProject(owner)
    const ids = Array.from({ length: 1_000 }, (_, index) => ({ projectId: project.id, title: `Task ${index}` }))
    const made = data(await api.bulkCreateTasks(owner, { items: ids })).outcomes as { task: { id: string } }[]
    const cursor = await cursorOf(owner)
    const items = made.map(({ task }, index) => ({ id: task.id, title: `Changed ${index}`, expectedVersion: 1 }))
    expect(data(await api.bulkUpdateTasks(owner, { items }))).toMatchObject({ succeeded: 1_000, failed: 0 })
    expect(data(await api.bulkUpdateTasks(owner, { items }))).toMatchObject({ succeeded: 0, failed: 1_000 })
    const gone = items.map(({ id }) => ({ id, expectedVersion: 2 }))
    expect(data(await api.bulkDeleteTasks(owner, { items: gone }))).toMatchObject({ succeeded: 1_000, failed: 0 })
    const types = (await eventsSince(owner, cursor)).map(({ type }) => type)
    expect(types).toEqual([...Array(1_000).fill('task.updated'), ...Array(1_000).fill('task.deleted')])
  })

  test('succeeds for concurrent batches that change the same tasks in opposite order', async () => {
    const tasks = await newTasks(30)
    const cursor = await cursorOf(owner)
    const outcomes = await atOnce(10, (index) => {
      const items = tasks.map(({ id }) => ({ id, title: `Batch ${index}` }))
      return api.bulkUpdateTasks(owner, { items: index % 2 ? items.reverse() : items })
    })
    for (const outcome of outcomes) expect(data(outcome), outcome.exchange).toMatchObject({ succeeded: 30, failed: 0 })
    const after = await readAll(tasks)
    // Each batch applies as a whole, so every title comes from the last one.
    expect(new Set(after.map(({ title }) => title)).size).toBe(1)
    expect(after.map(({ version }) => version)).toEqual(Array(30).fill(11))
    expect(await eventsSince(owner, cursor)).toHaveLength(300)
  })

  test('lets exactly one of several concurrent atomic batches with the same expected version succeed', async () => {
    const tasks = await newTasks(20)
    const outcomes = await atOnce(5, (index) =>
      api.bulkUpdateTasks(owner, {
        atomic: true,
        items: tasks.map(({ id }) => ({ id, title: `Batch ${index}`, expectedVersion: 1 })),
      }),
    )
    expect(outcomes.map((outcome) => data(outcome).succeeded).sort()).toEqual([0, 0, 0, 0, 20])
    const [first, ...rest] = (await readAll(tasks)).map(({ title }) => title)
    expect(rest.every((title) => title === first)).toBe(true)
  })

  test('deletes item by item, moving each task to the trash once', async () => {
    const tasks = await newTasks(4)
    const hidden = await newTask(cast.people.stranger)
    const cursor = await cursorOf(owner)
    const items = [
      { id: tasks[0].id },
      { id: tasks[1].key, expectedVersion: 1 },
      { id: tasks[2].id, expectedVersion: 5 },
      { id: tasks[0].key },
      { id: hidden.key },
      { id: '' },
    ]
    const batch = data(await api.bulkDeleteTasks(owner, { items }))
    expect(shapes(batch)).toEqual([
      'SUCCEEDED',
      'SUCCEEDED',
      ['PRECONDITION_FAILED', 'items.2.expectedVersion'],
      ['VALIDATION_FAILED', 'items.3.id'],
      ['NOT_FOUND', 'items.4.id'],
      ['VALIDATION_FAILED', 'items.5.id'],
    ])
    expect(batch.outcomes[0].task).toMatchObject({ id: tasks[0].id, deletedAt: expect.any(String), version: 2 })
    expect((await eventsSince(owner, cursor)).map(({ type, subjectId }) => [type, subjectId]).sort()).toEqual(
      [tasks[0], tasks[1]].map(({ id }) => ['task.deleted', id]).sort(),
    )
    expect(await readTask(owner, tasks[2].id)).toEqual(tasks[2])
    expect(data(await api.restoreTask(owner, tasks[1].id, 2))).toMatchObject({ deletedAt: null, version: 3 })
  })

  test('logs who updated and who deleted the tasks', async () => {
    const { EDITOR, ADMIN } = cast.people
    const [{ id }] = await newTasks(1)
    const cursor = await cursorOf(owner)
    data(await api.bulkUpdateTasks(EDITOR, { items: [{ id, title: 'By the editor' }] }))
    data(await api.bulkDeleteTasks(ADMIN, { items: [{ id }] }))
    expect(await eventsSince(owner, cursor, id)).toMatchObject([
      { type: 'task.updated', actorId: EDITOR.id },
      { type: 'task.deleted', actorId: ADMIN.id },
    ])
  })
})
