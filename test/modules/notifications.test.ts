import { beforeAll, beforeEach, expect, test } from 'vitest'
import { graphql, rest } from '../support/clients.ts'
import { type Cast, newCast, newTask } from '../support/factories.ts'
import { readNotifications, type Told, told, toldEverything } from '../support/notifications.ts'
import type { Person } from '../support/people.ts'
import { sharedServer, type TestServer } from '../support/server.ts'

let server: TestServer
let cast: Cast
let owner: Person
let editor: Person
let commenter: Person
let admin: Person

beforeAll(async () => {
  server = await sharedServer()
})
beforeEach(async () => {
  cast = await newCast(server)
  ;({ OWNER: owner, EDITOR: editor, COMMENTER: commenter, ADMIN: admin } = cast.people)
})

const call = (caller: Person, request: string, body?: object) =>
  rest(server, request, { token: caller.token, ...(body && { body }) })

async function send(caller: Person, request: string, body?: object) {
  const answer = await call(caller, request, body)
  if (answer.status >= 300) throw new Error(`answered ${answer.status} ${answer.text}`)
  return answer.body
}

const task = (input: object = {}, by = owner) => newTask(by, { projectId: cast.projectId, ...input })
const comment = (by: Person, taskId: string, body: string) => send(by, `POST /tasks/${taskId}/comments`, { body })
const kinds = (notifications: Told[]) => notifications.map(({ kind }) => kind)

test('whoever is assigned is told once, but not of their own act', async () => {
  const { id } = await task({ assigneeIds: [editor.id, owner.id] })
  await send(owner, `PATCH /tasks/${id}`, { title: 'Another title' })
  await send(owner, `PATCH /tasks/${id}`, { assigneeIds: [editor.id, commenter.id] })
  expect(await toldEverything(editor, admin)).toMatchObject([
    { kind: 'ASSIGNED', recipientId: editor.id, actorId: owner.id, taskId: id, commentId: null, readAt: null },
  ])
  expect(await toldEverything(commenter, admin)).toMatchObject([{ kind: 'ASSIGNED', taskId: id }])
  expect(await toldEverything(owner, admin)).toEqual([])
})

test('a comment tells those concerned, and a mention tells only the mentioned that they are', async () => {
  const { id } = await task({ assigneeIds: [editor.id] })
  const first = await comment(commenter, id, 'First')
  const second = await comment(owner, id, `@${commenter.email} and @${cast.people.VIEWER.email}, look`)
  await send(owner, `PATCH /comments/${second.id}`, { body: `@${editor.email} and @${commenter.email}, look` })
  expect(await toldEverything(commenter, admin)).toMatchObject([
    { kind: 'MENTIONED', actorId: owner.id, taskId: id, commentId: second.id },
  ])
  expect(kinds(await toldEverything(cast.people.VIEWER, admin))).toEqual(['MENTIONED'])
  expect(kinds(await toldEverything(editor, admin))).toEqual(['MENTIONED', 'COMMENTED', 'COMMENTED', 'ASSIGNED'])
  expect(await toldEverything(owner, admin)).toMatchObject([{ kind: 'COMMENTED', commentId: first.id }])
})

test('a removed member is told nothing, and sees nothing of what they were told', async () => {
  const { id } = await task({ assigneeIds: [editor.id] })
  const [before] = await told(editor, ({ kind }) => kind === 'ASSIGNED')
  await send(owner, `DELETE /projects/${cast.projectId}/members/${editor.id}`)
  await comment(owner, id, 'Behind their back')
  expect(await toldEverything(editor, admin)).toEqual([])
  expect((await call(editor, 'POST /notifications/read', { ids: [before?.id] })).status).toBe(404)
  expect(await server.db.notification.count({ where: { recipientId: editor.id, taskId: id } })).toBe(1)
})

test('a notification is read once, by its recipient only', async () => {
  await Promise.all([1, 2, 3].map(() => task({ assigneeIds: [editor.id] })))
  const [first, second] = await toldEverything(editor, admin)
  const mark = (ids: unknown[]) => call(editor, 'POST /notifications/read', { ids })
  expect((await call(owner, 'POST /notifications/read', { ids: [first?.id] })).status).toBe(404)
  expect((await mark([first?.id, 'nothing'])).body.errors).toMatchObject([
    { path: ['body', 'ids', 1], code: 'not_found' },
  ])
  expect((await mark([first?.id, second?.id])).body).toEqual({ marked: 2, unread: 2 })
  expect((await mark([first?.id])).body).toEqual({ marked: 0, unread: 2 })
  expect((await readNotifications(editor, '&unread=true')).length).toBe(2)
  expect((await readNotifications(editor, '&unread=false')).map(({ id }) => id)).toEqual([first?.id, second?.id])
  const query = 'mutation { markNotificationsRead(all: true) { marked unread } }'
  const { data } = await graphql(server, query, {}, { token: editor.token })
  expect(data.markNotificationsRead).toEqual({ marked: 2, unread: 0 })
  expect((await readNotifications(editor)).every(({ readAt }) => readAt !== null)).toBe(true)
})

test('the list is a connection with the task, the actor and the comment', async () => {
  const { id } = await task({ assigneeIds: [editor.id] })
  const { id: commentId } = await comment(owner, id, 'Look')
  await told(editor, ({ kind }) => kind === 'COMMENTED')
  const query = `{ notifications(unread: true, kinds: [COMMENTED], first: 1) {
    totalCount pageInfo { hasNextPage } nodes { kind task { id } comment { id body } actor { id } message dueAt cursor }
  } }`
  const { data, errors } = await graphql(server, query, {}, { token: editor.token })
  expect(errors).toBeUndefined()
  expect(data.notifications).toEqual({
    totalCount: 1,
    pageInfo: { hasNextPage: false },
    nodes: [
      {
        kind: 'COMMENTED',
        task: { id },
        comment: { id: commentId, body: 'Look' },
        actor: { id: owner.id },
        message: null,
        dueAt: null,
        cursor: null,
      },
    ],
  })
})

test('notify: true tells those who stay assigned, in both protocols, and does not delay the answer', async () => {
  const { id } = await task({ assigneeIds: [editor.id, owner.id] })
  const changed = await call(owner, `PATCH /tasks/${id}?notify=true`, {
    title: 'New',
    assigneeIds: [editor.id, commenter.id],
  })
  expect(changed).toMatchObject({ status: 200, body: { title: 'New', version: 2 } })
  expect(kinds(await toldEverything(editor, admin))).toEqual(['UPDATED', 'ASSIGNED'])
  expect(kinds(await toldEverything(commenter, admin))).toEqual(['ASSIGNED'])
  const query = `mutation ($id: ID!) { updateTask(id: $id, input: { title: "Newer" }, notify: true) { version } }`
  expect((await graphql(server, query, { id }, { token: owner.token })).data.updateTask).toEqual({ version: 3 })
  expect(kinds(await toldEverything(commenter, admin))).toEqual(['UPDATED', 'ASSIGNED'])
  expect(await toldEverything(owner, admin)).toEqual([])
})

test('a refused change tells nobody', async () => {
  const { id } = await task({ assigneeIds: [editor.id] })
  const headers = { 'if-match': '"v9"' }
  const stale = await rest(server, `PATCH /tasks/${id}?notify=true`, {
    token: owner.token,
    body: { title: 'A' },
    headers,
  })
  expect(stale.status).toBe(412)
  expect(kinds(await toldEverything(editor, admin))).toEqual(['ASSIGNED'])
})

test('an ADMIN sends a message to a user', async () => {
  const body = { message: 'The server restarts\nat noon.' }
  const sent = await call(admin, `POST /users/${editor.id}/notify`, body)
  expect(sent).toMatchObject({ status: 202, body: { userId: editor.id } })
  const [notice] = await told(editor, ({ kind }) => kind === 'ADMIN_NOTICE')
  expect(notice).toMatchObject({ ...body, actorId: admin.id, taskId: null })
  expect((await call(owner, `POST /users/${editor.id}/notify`, body)).status).toBe(403)
  expect((await call(admin, `POST /users/${cast.projectId}/notify`, body)).status).toBe(404)
})

test('a kind that is off is not shown', async () => {
  const path = '/notifications/preferences'
  const before = await send(editor, `GET ${path}`)
  expect(before.pushUrl).toBeNull()
  expect(before.kinds[0]).toEqual({ kind: 'ASSIGNED', inProduct: true, email: true, push: true })
  const kinds = [{ kind: 'ASSIGNED', inProduct: false }]
  const after = await send(editor, `PATCH ${path}`, { kinds, pushUrl: 'https://ntfy.example.org/topic' })
  expect(after.pushUrl).toBe('https://ntfy.example.org/topic')
  expect(after.kinds[0]).toEqual({ kind: 'ASSIGNED', inProduct: false, email: true, push: true })
  await send(editor, `PATCH ${path}`, { pushUrl: null, kinds: [{ kind: 'ASSIGNED', email: false }] })
  await task({ assigneeIds: [editor.id] })
  expect(await toldEverything(editor, admin)).toEqual([])
})

test.each([
  ['no URL', 'topic', 'must be an http:// or https:// URL'],
  ['another scheme', 'file:///etc/passwd', 'must be an http:// or https:// URL'],
  ['a private address', 'http://[::ffff:10.0.0.1]/topic', 'leads to a private address'],
  ['a password', 'https://me:secret@example.org/', 'must not contain a user name or password'],
])('a push URL with %s is refused', async (_what, pushUrl, problem) => {
  const { status, body } = await call(editor, 'PATCH /notifications/preferences', { pushUrl })
  expect(status).toBe(422)
  expect(body.errors).toMatchObject([{ path: ['body', 'pushUrl'], message: expect.stringContaining(problem) }])
})

test('people are told of a task that is due soon, once for each due time', async () => {
  const dueAt = new Date(Date.now() + 3_600_000).toISOString()
  const later = new Date(Date.now() + 7_200_000).toISOString()
  const { id } = await task({ dueAt, assigneeIds: [editor.id] })
  const own = await task({ dueAt })
  await task({ dueAt, assigneeIds: [editor.id], status: 'COMPLETED' })
  await task({ dueAt: new Date(Date.now() - 3_600_000).toISOString(), assigneeIds: [editor.id] })
  await task({ dueAt: new Date(Date.now() + 40 * 86_400_000).toISOString(), assigneeIds: [editor.id] })
  const due = async (who: Person) => (await toldEverything(who, admin)).filter(({ kind }) => kind === 'DUE_SOON')
  expect(await due(editor)).toMatchObject([{ taskId: id, dueAt, actorId: null }])
  expect(await due(owner)).toMatchObject([{ taskId: own.id, dueAt }])
  await send(owner, `PATCH /tasks/${id}`, { dueAt: later })
  await send(owner, `PATCH /tasks/${id}`, { dueAt })
  expect((await due(editor)).map((one) => one.dueAt)).toEqual([later, dueAt])
  const dueOn = new Date().toISOString().slice(0, 10)
  const day = await task({ dueOn, assigneeIds: [editor.id] })
  await send(owner, `PATCH /tasks/${day.id}`, { title: 'Changed' })
  expect(await due(editor)).toMatchObject([{ taskId: day.id, dueAt: `${dueOn}T23:59:59.999Z` }, {}, {}])
})
