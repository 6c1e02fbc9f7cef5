import { beforeAll, expect, test } from 'vitest'
import { rest } from '../support/clients.ts'
import {
  atOnce,
  type Cast,
  cursorOf,
  eventsSince,
  expectRefused,
  MISSING,
  newCast,
  newLabel,
  newTask,
  readTask,
} from '../support/factories.ts'
import { type Caller, data, describeApi } from '../support/operations.ts'
import { addTo, signUpAt } from '../support/people.ts'
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

const WHOLE = {
  title: 'Whole',
  description: 'All of it',
  status: 'COMPLETED',
  priority: 4,
  dueAt: '2030-01-01T00:00:00.000Z',
}

describeApi('a duplicate of a task', (api) => {
  test('copies everything but the status, with a new id, and leaves the original unchanged', async () => {
    const { VIEWER, EDITOR } = cast.people
    const label = await newLabel(owner, projectId)
    const parent = await newTask(owner, { projectId })
    const links = { parentId: parent.id, assigneeIds: [VIEWER.id], labelIds: [label.id] }
    const task = await newTask(owner, { ...WHOLE, projectId, ...links })
    await newTask(owner, { parentId: task.id })
    const cursor = await cursorOf(owner)
    const copy = data(await api.duplicateTask(EDITOR, task.id))
    expect(copy).toEqual({
      ...task,
      id: expect.not.stringContaining(task.id),
      key: expect.stringContaining(`${cast.key}-`),
      number: expect.any(Number),
      rank: expect.any(String),
      status: 'PENDING',
      completedAt: null,
      creatorId: EDITOR.id,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
      version: 1,
    })
    expect(copy.number).toBeGreaterThan(task.number)
    expect(await readTask(owner, task.id)).toEqual(task)
    expect(data(await api.getTask(owner, copy.id, ['subtaskProgress'])).subtaskProgress.total).toBe(0)
    expect(await eventsSince(owner, cursor)).toMatchObject([
      { type: 'task.created', subjectId: copy.id, version: 1, actorId: EDITOR.id },
    ])
  })

  test('accepts another title and rejects an invalid one', async () => {
    const task = await newTask(owner, { projectId, title: 'First' })
    expect(data(await api.duplicateTask(owner, task.key, ' Second '))).toMatchObject({ title: 'Second' })
    expect(data(await api.duplicateTask(owner, task.id, null))).toMatchObject({ title: 'First' })
    for (const title of ['', '  ', 'x'.repeat(201), 'a\u0000', '\ud800', 5])
      expectRefused(await api.duplicateTask(owner, task.id, title), 'VALIDATION_FAILED', ['title'])
    for (const id of [MISSING, 'x', '\u0000', 'WEB-99999'])
      expectRefused(await api.duplicateTask(owner, id), 'NOT_FOUND', ['id'])
  })

  test('creates one copy per request for 20 concurrent requests', async () => {
    const task = await newTask(owner, { projectId, title: 'Many' })
    const copies = (await atOnce(20, () => api.duplicateTask(owner, task.id))).map(data)
    expect(new Set(copies.map(({ key }) => key)).size).toBe(20)
  })

  test('does not assign the copy to users who left the project', async () => {
    const { OWNER } = cast.people
    const leaving = await signUpAt(server)
    await addTo(owner, projectId, leaving.email, 'VIEWER')
    const task = await newTask(owner, { projectId, assigneeIds: [OWNER.id, leaving.id] })
    const left = await rest(server, `DELETE /projects/${projectId}/members/${leaving.id}`, { token: owner.token })
    expect(left.status, left.text).toBe(204)
    expect(data(await api.duplicateTask(owner, task.id)).assigneeIds).toEqual([OWNER.id])
  })
})

test('duplicating returns 201 with the Location of the new task', async () => {
  const { id } = await newTask(owner, { projectId })
  const copied = await rest(server, `POST /tasks/${id}/duplicate`, { token: owner.token })
  expect([copied.status, copied.headers.get('location')]).toEqual([201, `/api/v1/tasks/${copied.body.id}`])
})
