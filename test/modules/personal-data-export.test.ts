import { beforeAll, expect, test } from 'vitest'
import { graphql, rest } from '../support/clients.ts'
import { newProject, newTask } from '../support/factories.ts'
import { textFile } from '../support/files.ts'
import type { Caller } from '../support/operations.ts'
import { addTo, apiKey, type Person, signUpAt } from '../support/people.ts'
import { sharedServer, type TestServer } from '../support/server.ts'

let server: TestServer
let owner: Person

beforeAll(async () => {
  server = await sharedServer()
  owner = await signUpAt(server, 'Owner')
})

const call = (caller: Caller, request: string, body?: object) => rest(server, request, { token: caller.token, body })

async function exported(caller: Caller) {
  const answer = await call(caller, 'GET /me/export')
  expect(answer.status, answer.text).toBe(200)
  expect(answer.headers.get('content-type')).toBe('application/x-ndjson')
  expect(answer.headers.get('content-disposition')).toContain('my-data.ndjson')
  const records = answer.text.trimEnd().split('\n')
  return { text: answer.text, records: records.map((line) => JSON.parse(line)) }
}

test('a person gets what they own or wrote, line by line, without secrets and without what others wrote', async () => {
  const person = await signUpAt(server, 'Person')
  const key = await apiKey(person, 'tasks:read')
  const { id: projectId, key: projectKey } = await newProject(owner)
  const left = await newProject(owner)
  for (const id of [projectId, left.id]) await addTo(owner, id, person.email, 'EDITOR')
  const own = await newProject(person, { name: 'Own' })
  const created = await newTask(person, { projectId, title: 'Created', assigneeIds: [person.id] })
  const assigned = await newTask(owner, { projectId, title: 'Assigned', assigneeIds: [person.id] })
  const trashed = await newTask(owner, { projectId, title: 'Trashed', assigneeIds: [person.id] })
  await call(owner, `DELETE /tasks/${trashed.id}`)
  await newTask(owner, { projectId, title: 'Of another' })
  const comment = (await call(person, `POST /tasks/${assigned.id}/comments`, { body: 'Mine' })).body
  await call(owner, `POST /tasks/${assigned.id}/comments`, { body: 'Not mine' })
  const bytes = { token: person.token, body: textFile('Some notes', 'plan.txt') }
  expect((await rest(server, `POST /tasks/${assigned.id}/attachments`, bytes)).status).toBe(201)
  await server.db.notificationSettings.create({ data: { userId: person.id, notShown: ['COMMENTED'] } })
  await server.db.notification.create({
    data: { recipientId: person.id, kind: 'ASSIGNED', cause: 'test', taskId: assigned.id },
  })
  const filter = (await call(person, 'POST /saved-filters', { name: 'Urgent', filter: { status: ['PENDING'] } })).body
  const gone = await newTask(person, { projectId: left.id, title: 'In a project that they left' })
  await call(person, `POST /tasks/${gone.id}/comments`, { body: 'In a project that they left' })
  await call(person, `POST /projects/${left.id}/leave`)

  const { text, records } = await exported(person)
  const ofType = (type: string) => records.filter((record) => record.type === type)
  expect([...new Set(records.map(({ type }) => type))]).toEqual([
    ...['profile', 'session', 'apiKey', 'savedFilter', 'membership', 'project'],
    ...['createdTask', 'assignedTask', 'comment', 'attachment', 'notification', 'notificationPreferences'],
  ])
  expect(ofType('profile')).toMatchObject([{ id: person.id, email: person.email, name: 'Person' }])
  expect(ofType('apiKey')).toMatchObject([{ name: 'A key', scopes: ['tasks:read'], revokedAt: null }])
  expect(ofType('savedFilter')).toMatchObject([{ id: filter.id, name: 'Urgent' }])
  expect(ofType('membership')).toContainEqual(expect.objectContaining({ projectKey, role: 'EDITOR' }))
  expect(ofType('project').map(({ name }) => name)).toEqual(['Inbox', 'Own'])
  expect(ofType('project')[1]).toMatchObject({ id: own.id, createdAt: own.createdAt })
  expect(ofType('createdTask')).toMatchObject([{ id: created.id, key: created.key, createdAt: created.createdAt }])
  expect(ofType('assignedTask').map(({ title }) => title)).toEqual(['Assigned', 'Trashed'])
  expect(ofType('comment')).toMatchObject([{ id: comment.id, body: 'Mine', taskKey: assigned.key }])
  expect(ofType('attachment')).toMatchObject([{ filename: 'plan.txt', size: 10, taskKey: assigned.key }])
  expect(ofType('notification')).toContainEqual(
    expect.objectContaining({ kind: 'ASSIGNED', taskId: assigned.id, taskKey: assigned.key }),
  )
  expect(ofType('notificationPreferences')).toMatchObject([{ notShown: ['COMMENTED'] }])
  for (const secret of [
    person.token,
    person.refreshToken,
    key.token,
    '"hash"',
    'passwordHash',
    'Not mine',
    'they left',
  ])
    expect(text).not.toContain(secret)

  const { data } = await graphql(server, '{ exportMyData { url filename } }', {}, { token: person.token })
  expect(data.exportMyData).toEqual({ url: '/api/v1/me/export', filename: 'my-data.ndjson' })
})

test('an export of several batches has every record once', async () => {
  const person = await signUpAt(server)
  const { id: projectId } = await newProject(person)
  const data = Array.from({ length: 1_250 }, (_, index) => ({
    projectId,
    title: `Task ${index}`,
    creatorId: person.id,
  }))
  await server.db.task.createMany({ data })
  const { records } = await exported(person)
  const titles = records.flatMap(({ type, title }) => (type === 'createdTask' ? [title] : []))
  expect(titles).toHaveLength(1_250)
  expect(new Set(titles)).toEqual(new Set(data.map(({ title }) => title)))
})
