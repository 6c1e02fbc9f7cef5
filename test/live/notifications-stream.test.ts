import { beforeAll, expect, test } from 'vitest'
import { eventStream, rest, subscribe, websocketClient } from '../support/clients.ts'
import { type Cast, cursorOf, newCast, newTask } from '../support/factories.ts'
import { told } from '../support/notifications.ts'
import { sharedServer, type TestServer } from '../support/server.ts'

let server: TestServer
let cast: Cast

beforeAll(async () => {
  server = await sharedServer()
  cast = await newCast(server)
})

const assign = async (...roles: ('EDITOR' | 'COMMENTER' | 'VIEWER')[]) =>
  (
    await newTask(cast.people.OWNER, {
      projectId: cast.projectId,
      assigneeIds: roles.map((role) => cast.people[role].id),
    })
  ).id

test('a stream shows the notifications of its recipient only, over SSE and websocket', async () => {
  const { EDITOR, COMMENTER, ADMIN } = cast.people
  const sse = await eventStream(server, '/notifications/stream', { token: EDITOR.token })
  const query = `subscription ($after: String) {
    notifications(after: $after) { id kind cursor task { id } actor { id } }
  }`
  // A websocket opens later. It misses nothing after the cursor.
  const variables = { after: await cursorOf(ADMIN) }
  const ofAdmin = subscribe(websocketClient(server, ADMIN.token), query, variables)
  const socket = subscribe(websocketClient(server, COMMENTER.token), query, variables)
  const first = await assign('EDITOR')
  const second = await assign('COMMENTER', 'EDITOR')
  const [one, two] = [await sse.inbox.next(), await sse.inbox.next()]
  expect(one).toMatchObject({ event: 'ASSIGNED', id: one.data.cursor, data: { kind: 'ASSIGNED', taskId: first } })
  expect(two.data).toMatchObject({ taskId: second, recipientId: EDITOR.id, task: { id: second }, readAt: null })
  expect((await socket.inbox.next()).data.notifications).toMatchObject({
    kind: 'ASSIGNED',
    task: { id: second },
    actor: { id: cast.people.OWNER.id },
  })
  await rest(server, `POST /users/${ADMIN.id}/notify`, { token: ADMIN.token, body: { message: 'To myself' } })
  expect((await ofAdmin.inbox.next()).data.notifications.kind).toBe('ADMIN_NOTICE')
  expect([sse.inbox.size, socket.inbox.size, ofAdmin.inbox.size]).toEqual([0, 0, 0])
})

test('a stream resumes after a cursor, without loss or repetition', async () => {
  const { VIEWER } = cast.people
  const { token } = VIEWER
  const before = await eventStream(server, '/notifications/stream', { token })
  const first = await assign('VIEWER')
  const seen = await before.inbox.next()
  expect(seen.data.taskId).toBe(first)
  before.cut()
  const missed = await assign('VIEWER')
  await told(VIEWER, ({ taskId }) => taskId === missed)
  const after = await eventStream(server, '/notifications/stream', { token, headers: { 'last-event-id': seen.id! } })
  const live = await assign('VIEWER')
  expect([(await after.inbox.next()).data.taskId, (await after.inbox.next()).data.taskId]).toEqual([missed, live])
  const bad = await eventStream(server, '/notifications/stream?after=nonsense', { token })
  expect(bad.response.status).toBe(422)
})

test('the log of a project does not show who was notified', async () => {
  const { OWNER } = cast.people
  const events = await rest(server, 'GET /events?limit=100', { token: OWNER.token })
  expect(events.body.nodes.length).toBeGreaterThan(0)
  expect(events.body.nodes.map(({ type }: { type: string }) => type)).not.toContain('notification.created')
})
