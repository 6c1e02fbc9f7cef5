import { beforeAll, expect, test } from 'vitest'
import { rest } from '../support/clients.ts'
import { cursorOf, eventsSince, newProject, newTask } from '../support/factories.ts'
import { apiKey, type Person, signUpAt } from '../support/people.ts'
import { type OwnServer, ownServer } from '../support/server.ts'

let server: OwnServer
let admin: Person

beforeAll(async () => {
  server = await ownServer({ RATE_LIMIT: 'off' })
  admin = await signUpAt(server, 'Admin')
  return () => server.close()
})

const call = (request: string, body?: object, token = admin.token) => rest(server, request, { token, body })
const confirm = 'delete all tasks'

async function fill(projectId: string): Promise<void> {
  const parent = await newTask(admin, { projectId })
  await newTask(admin, { projectId, parentId: parent.id, status: 'COMPLETED' })
  const trashed = await newTask(admin, { projectId })
  await call(`DELETE /tasks/${trashed.id}`)
}

test('statistics count users, projects, tasks by status and events', async () => {
  const { id } = await newProject(admin)
  await fill(id)
  const { body } = await call('GET /admin/stats')
  expect(body).toEqual({
    users: 1,
    projects: 2,
    tasks: { total: 3, pending: 1, inProgress: 0, completed: 1, cancelled: 0, deleted: 1 },
    events: await server.db.event.count(),
    databaseBytes: expect.any(Number),
    uptimeSeconds: expect.any(Number),
  })
  expect(body.databaseBytes).toBeGreaterThan(1_000_000)
})

test('clearing a project deletes its tasks for good, each with one event, and no others', async () => {
  const [cleared, other] = [await newProject(admin), await newProject(admin)]
  for (const { id } of [cleared, other]) await fill(id)
  const cursor = await cursorOf(admin)
  const refused = await call('DELETE /admin/tasks', { projectId: cleared.id, confirm: 'yes' })
  expect([refused.status, refused.body.errors[0].path]).toEqual([422, ['body', 'confirm']])
  const answer = await call('DELETE /admin/tasks', { projectId: cleared.id, confirm })
  expect([answer.status, answer.body]).toEqual([200, { count: 3, hasMore: false }])
  expect(await server.db.task.count({ where: { projectId: cleared.id } })).toBe(0)
  expect(await server.db.task.count({ where: { projectId: other.id } })).toBe(3)
  const events = await eventsSince(admin, cursor)
  expect(events.map(({ type, actorId }) => [type, actorId]).sort()).toEqual([
    ['task.deleted', admin.id],
    ['task.deleted', admin.id],
    ['task.purged', admin.id],
  ])
})

test('clearing everything takes an API key with the scope admin, and several batches', async () => {
  const { id: projectId } = await newProject(admin)
  await server.db.task.createMany({ data: Array.from({ length: 250 }, () => ({ projectId, title: 'x' })) })
  const total = await server.db.task.count()
  const [without, withScope] = [await apiKey(admin, 'tasks:write'), await apiKey(admin, 'admin')]
  expect((await call('DELETE /admin/tasks', { confirm }, without.token)).status).toBe(403)
  const answer = await call('DELETE /admin/tasks', { confirm }, withScope.token)
  expect(answer.body).toEqual({ count: total, hasMore: false })
  expect(await server.db.task.count()).toBe(0)
})
