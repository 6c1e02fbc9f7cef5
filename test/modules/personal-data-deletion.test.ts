import { beforeAll, expect, test } from 'vitest'
import { eventStream, graphql, rest } from '../support/clients.ts'
import { atOnce, cursorOf, eventsSince, newProject, newTask, readTask } from '../support/factories.ts'
import { textFile } from '../support/files.ts'
import type { Caller } from '../support/operations.ts'
import { addTo, apiKey, type Person, signUpAt } from '../support/people.ts'
import { ownServerForTest, sharedServer, type TestServer } from '../support/server.ts'
import { until } from '../support/wait.ts'

let server: TestServer
let owner: Person

beforeAll(async () => {
  server = await sharedServer()
  owner = await signUpAt(server, 'Owner')
})

const call = (caller: Caller, request: string, body?: object) => rest(server, request, { token: caller.token, body })
const deleteMe = ({ token, password }: Person, at = server) =>
  rest(at, 'DELETE /me', { token, body: { currentPassword: password } })

test('an account is deleted with its data, and what it did in others’ projects stays by a deleted user', async () => {
  const person = await signUpAt(server, 'Leaving')
  const key = await apiKey(person, 'tasks:read')
  const { id: projectId } = await newProject(owner)
  await addTo(owner, projectId, person.email, 'EDITOR')
  const own = await newProject(person, { name: 'Own' })
  await newTask(person, { projectId: own.id })
  const task = await newTask(person, { projectId, title: 'Theirs', assigneeIds: [person.id, owner.id] })
  const comment = await call(person, `POST /tasks/${task.id}/comments`, { body: 'I was here' })
  const filter = await call(person, 'POST /saved-filters', { name: 'Mine', filter: { status: ['PENDING'] } })
  expect(filter.status, filter.text).toBe(201)
  const bytes = { token: person.token, body: textFile() }
  const attachment = (await rest(server, `POST /tasks/${task.id}/attachments`, bytes)).body
  await server.db.notificationSettings.create({ data: { userId: person.id } })
  await server.db.notification.create({
    data: { recipientId: person.id, kind: 'ADMIN_NOTICE', cause: 'test', deliveries: { create: { channel: 'EMAIL' } } },
  })
  const [stream, cursor] = [await eventStream(server, '/events/stream', person), await cursorOf(owner)]

  expect((await deleteMe({ ...person, password: 'a wrong one' })).status).toBe(403)
  expect((await call(person, 'DELETE /me', { confirm: 'delete my account' })).body.errors).toMatchObject([
    { path: ['body', 'currentPassword'], code: 'required' },
  ])
  const answer = await deleteMe(person)
  expect(answer.status, answer.text).toBe(204)
  await until('the stream has ended', () => stream.inbox.ended !== undefined)
  for (const caller of [person, key]) expect((await call(caller, 'GET /me')).status).toBe(401)
  const signIn = { email: person.email, password: person.password }
  expect((await rest(server, 'POST /auth/sign-in', { body: signIn })).status).toBe(401)

  expect(await readTask(owner, task.id)).toMatchObject({ assigneeIds: [owner.id], creatorId: person.id })
  const query = '{ comment(id: "ID") { body author { id name email } } }'.replace('ID', comment.body.id)
  const { data } = await graphql(server, query, {}, { token: owner.token })
  expect(data.comment).toEqual({ body: 'I was here', author: { id: person.id, name: 'Deleted user', email: null } })
  expect(await eventsSince(owner, cursor)).toMatchObject([
    { type: 'task.updated', subjectId: task.id, actorId: person.id, changes: { assigneeIds: expect.any(Array) } },
    { type: 'member.removed', subjectId: person.id, actorId: person.id },
  ])
  const activity = await call(owner, `GET /tasks/${task.id}/activity`)
  expect(activity.body.nodes.map(({ text }: { text: string }) => text)).toEqual([
    'Deleted user unassigned Deleted user.',
    'Deleted user attached notes.txt.',
    'Deleted user commented: "I was here".',
    'Deleted user created the task "Theirs".',
  ])

  const { db } = server
  const where = { userId: person.id }
  const counts = [db.session.count({ where }), db.apiKey.count({ where }), db.membership.count({ where })]
  expect(await Promise.all([...counts, db.savedFilter.count({ where: { ownerId: person.id } })])).toEqual([0, 0, 0, 0])
  expect(await db.notification.count({ where: { recipientId: person.id } })).toBe(0)
  expect(await db.delivery.count({ where: { notification: { recipientId: person.id } } })).toBe(0)
  expect(await db.notificationSettings.count({ where })).toBe(0)
  const kept = `{ attachment(id: "${attachment.id}") { filename uploader { name } } }`
  expect((await graphql(server, kept, {}, { token: owner.token })).data.attachment).toEqual({
    filename: 'notes.txt',
    uploader: { name: 'Deleted user' },
  })
  expect(await db.project.findUnique({ where: { id: own.id } })).toBeNull()
  const row = await db.user.findUniqueOrThrow({ where: { id: person.id } })
  expect(JSON.stringify(row)).not.toContain(person.email)
  expect(row).toMatchObject({ name: 'Deleted user', passwordHash: null, inboxId: null, deletedAt: expect.any(Date) })
  const events = await db.event.findMany({
    where: { subjectId: person.id, projectId: null, type: { startsWith: 'user.' } },
    orderBy: { seq: 'asc' },
  })
  expect(events.map(({ type, actorId }) => [type, actorId])).toEqual([
    ['user.deleted', person.id],
    ['user.disabled', person.id],
  ])
  // The address is free again.
  const again = { email: person.email, password: 'correct horse battery', name: 'Again' }
  expect((await rest(server, 'POST /auth/register', { body: again })).status).toBe(201)
})

test('the only OWNER of a project with other members is refused, and told its key', async () => {
  const person = await signUpAt(server)
  const { id, key } = await newProject(person)
  await addTo(person, id, owner.email, 'VIEWER')
  const refused = await deleteMe(person)
  expect([refused.status, refused.body.code]).toEqual([409, 'CONFLICT'])
  expect(refused.body.detail).toContain(key)
  await call(person, `PUT /projects/${id}/members/${owner.id}`, { role: 'OWNER' })
  expect((await deleteMe(person)).status).toBe(204)
  expect((await call(owner, `GET /projects/${id}`)).status).toBe(200)
})

test('of two OWNERs of a project who delete their accounts at once, one stays', async () => {
  const people = [await signUpAt(server, 'One'), await signUpAt(server, 'Two')] as const
  const { id } = await newProject(people[0])
  await addTo(people[0], id, people[1].email, 'OWNER')
  await addTo(people[0], id, owner.email, 'VIEWER')
  const answers = await atOnce(2, (index) => deleteMe(people[index as 0 | 1]))
  expect(answers.map(({ status }) => status).sort()).toEqual([204, 409])
  expect(await server.db.membership.count({ where: { projectId: id, role: 'OWNER' } })).toBe(1)
})

test('an account without a password is deleted with a confirmation', async () => {
  const person = await signUpAt(server)
  await server.db.user.update({ where: { id: person.id }, data: { passwordHash: null } })
  const { body } = await call(person, 'DELETE /me', { currentPassword: 'anything' })
  expect(body.errors).toMatchObject([{ path: ['body', 'confirm'] }])
  expect((await call(person, 'DELETE /me', { confirm: 'delete my account' })).status).toBe(204)
})

test('the last ADMIN cannot delete their account', async () => {
  const fresh = await ownServerForTest({ RATE_LIMIT: 'off' })
  const [first, second] = [await signUpAt(fresh), await signUpAt(fresh)]
  const refused = await deleteMe(first, fresh)
  expect([refused.status, refused.body.detail]).toEqual([409, expect.stringContaining('last enabled ADMIN')])
  await rest(fresh, `PATCH /users/${second.id}`, { token: first.token, body: { role: 'ADMIN' } })
  expect((await deleteMe(first, fresh)).status).toBe(204)
})
