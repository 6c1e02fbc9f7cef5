import { beforeAll, expect, test } from 'vitest'
import { rest } from '../support/clients.ts'
import {
  atOnce,
  type Cast,
  cursorOf,
  eventsSince,
  expectRefused,
  INSTANT,
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

const idsOf = (page: { nodes: { id: string }[] }) => page.nodes.map(({ id }) => id).sort()

describeApi('the trash', (api) => {
  const trashOf = async (caller: Caller, filter: object = {}) =>
    idsOf(data(await api.listTasks(caller, { filter: { ...filter, deleted: true }, first: 100 })))

  test('takes a task and restores it unchanged, with a version and an event each', async () => {
    const label = await newLabel(owner, projectId)
    const parent = await newTask(owner, { projectId })
    const task = await newTask(owner, {
      projectId,
      title: 'Whole',
      description: 'All of it',
      status: 'IN_PROGRESS',
      priority: 4,
      dueAt: '2030-01-01T00:00:00Z',
      parentId: parent.id,
      assigneeIds: [cast.people.VIEWER.id],
      labelIds: [label.id],
    })
    const cursor = await cursorOf(owner)
    const deleted = data(await api.deleteTask(owner, task.id, 1))
    if (api.protocol === 'GraphQL')
      expect(deleted).toEqual({
        ...task,
        version: 2,
        deletedAt: expect.stringMatching(INSTANT),
        updatedAt: expect.any(String),
      })
    const restored = data(await api.restoreTask(cast.people.EDITOR, task.id, 2))
    expect(restored).toEqual({ ...task, version: 3, updatedAt: expect.stringMatching(INSTANT) })
    expect(await readTask(owner, task.id)).toEqual(restored)
    expect(await eventsSince(owner, cursor, task.id)).toMatchObject([
      { type: 'task.deleted', version: 2, changes: {}, actorId: cast.people.OWNER.id },
      { type: 'task.restored', version: 3, changes: {}, actorId: cast.people.EDITOR.id },
    ])
    expect(data(await api.listTasks(owner, { filter: { labelId: { any: [label.id] } } })).nodes).toEqual([restored])
  })

  test('hides a task from every operation but restoreTask', async () => {
    const other = await newTask(owner, { projectId })
    const { id, key } = await newTask(owner, { projectId })
    data(await api.deleteTask(owner, id))
    const elsewhere = await newProject(owner)
    for (const name of [id, key]) {
      for (const outcome of [
        await api.getTask(owner, name),
        await api.updateTask(owner, name, { title: 'A' }),
        await api.updateTask(owner, name, { title: 'A' }, 2),
        await api.replaceTask(owner, name, { title: 'A' }),
        await api.deleteTask(owner, name),
        await api.deleteTask(owner, name, 2),
        await api.duplicateTask(owner, name),
        await api.moveTask(owner, name, elsewhere.id),
      ])
        expectRefused(outcome, 'NOT_FOUND', ['id'])
      expectRefused(await api.listRelations(owner, name), 'NOT_FOUND', ['taskId'])
      const relation = { type: 'BLOCKS', relatedTaskId: other.id }
      expectRefused(await api.createRelation(owner, name, relation), 'NOT_FOUND', ['taskId'])
      for (const batch of [
        await api.bulkUpdateTasks(owner, { items: [{ id: name, title: 'A' }] }),
        await api.bulkDeleteTasks(owner, { items: [{ id: name }] }),
      ])
        expect(data(batch), batch.exchange).toMatchObject({ failed: 1, outcomes: [{ error: { code: 'NOT_FOUND' } }] })
    }
    expect(data(await api.restoreTask(owner, key))).toMatchObject({ id, title: 'A task', version: 3 })
  })

  test('is a separate list with the same filters, and shares no task with the live list', async () => {
    const { id } = await newProject(owner)
    const label = await newLabel(owner, id)
    const make = async (input: object) => (await newTask(owner, { projectId: id, ...input })).id as string
    const [live, gone, low, bearing] = [
      await make({ title: 'Bridge' }),
      await make({ title: 'Bridge', priority: 5 }),
      await make({ title: 'Tunnel', priority: 2 }),
      await make({ title: 'Tunnel', labelIds: [label.id], assigneeIds: [cast.people.OWNER.id], parentId: undefined }),
    ]
    for (const one of [gone, low, bearing]) data(await api.deleteTask(owner, one))
    const filter = { projectId: id }
    expect(await trashOf(owner, filter)).toEqual([gone, low, bearing].sort())
    expect(idsOf(data(await api.listTasks(owner, { filter })))).toEqual([live])
    expect(idsOf(data(await api.listTasks(owner, { filter: { ...filter, deleted: false } })))).toEqual([live])
    expect(await trashOf(owner, { ...filter, priority: { gte: 2 } })).toEqual([gone, low].sort())
    expect(await trashOf(owner, { ...filter, search: 'bridges' })).toEqual([gone])
    expect(await trashOf(owner, { labelId: { all: [label.id] } })).toEqual([bearing])
    expect(await trashOf(owner, { ...filter, assigneeId: ['me'] })).toEqual([bearing])
    expect(await trashOf(owner, { ...filter, assigneeId: ['none'], status: ['PENDING'] })).toEqual([gone, low].sort())
    const page = data(await api.listTasks(owner, { filter: { ...filter, deleted: true }, first: 2, totalCount: true }))
    expect(page).toMatchObject({ totalCount: 3, pageInfo: { hasNextPage: true } })
    const { endCursor: after } = page.pageInfo
    const rest = data(await api.listTasks(owner, { filter: { ...filter, deleted: true }, first: 2, after }))
    expect([...idsOf(page), ...idsOf(rest)].sort()).toEqual([gone, low, bearing].sort())
    for (const task of page.nodes) expect(task.deletedAt).toMatch(INSTANT)
    // The trash of other users is as hidden as their tasks.
    expect(await trashOf(cast.people.stranger)).not.toContain(gone)
    expect(await trashOf(cast.people.ADMIN, filter)).toEqual([gone, low, bearing].sort())
  })

  test('restores only at the expected version, and ignores tasks that are not in it', async () => {
    const { id } = await newTask(owner, { projectId })
    expectRefused(await api.deleteTask(owner, id, 9), 'PRECONDITION_FAILED', ['expectedVersion'])
    data(await api.deleteTask(owner, id, 1))
    expectRefused(await api.restoreTask(owner, id, 1), 'PRECONDITION_FAILED', ['expectedVersion'])
    data(await api.restoreTask(owner, id, 2))
    const cursor = await cursorOf(owner)
    expect(data(await api.restoreTask(owner, id))).toMatchObject({ version: 3 })
    expect(data(await api.restoreTask(owner, id, 3))).toMatchObject({ version: 3 })
    expectRefused(await api.restoreTask(owner, id, 2), 'PRECONDITION_FAILED', ['expectedVersion'])
    expect(await eventsSince(owner, cursor)).toEqual([])
    for (const one of [MISSING, 'x', '\u0000', 'WEB-99999'])
      expectRefused(await api.restoreTask(owner, one), 'NOT_FOUND', ['id'])
    expectRefused(await api.restoreTask(cast.people.stranger, id), 'NOT_FOUND', ['id'])
  })

  test('takes and restores a task once under 20 concurrent requests', async () => {
    const { id } = await newTask(owner, { projectId })
    const cursor = await cursorOf(owner)
    const deletions = await atOnce(20, () => api.deleteTask(owner, id, 1))
    const won = deletions.filter((outcome) => !outcome.error)
    expect(won, deletions.map((outcome) => outcome.exchange).join('\n')).toHaveLength(1)
    const restorations = await atOnce(20, () => api.restoreTask(owner, id, 2))
    const codes = restorations.map((outcome) => outcome.error?.code).sort()
    expect(codes).toEqual([...Array(19).fill('PRECONDITION_FAILED'), undefined])
    const reported = (await eventsSince(owner, cursor, id)).map(({ type, version }) => [type, version])
    expect(reported).toEqual([
      ['task.deleted', 2],
      ['task.restored', 3],
    ])
  })
})

test('restoring returns 200 with the new ETag and honours If-Match', async () => {
  const { token } = owner
  const { id } = await newTask(owner, { projectId })
  const stale = (await rest(server, `GET /tasks/${id}`, { token })).headers.get('etag') ?? ''
  expect((await rest(server, `DELETE /tasks/${id}`, { token, headers: { 'if-match': stale } })).status).toBe(204)
  const refused = await rest(server, `POST /tasks/${id}/restore`, { token, headers: { 'if-match': stale } })
  expect([refused.status, refused.body.code]).toEqual([412, 'PRECONDITION_FAILED'])
  const restored = await rest(server, `POST /tasks/${id}/restore`, { token })
  expect([restored.status, restored.headers.get('etag')]).toEqual([200, expect.stringMatching(/^"v3\./)])
})
