import { beforeAll, beforeEach, expect, test } from 'vitest'
import { graphql, rest } from '../support/clients.ts'
import {
  atOnce,
  type Cast,
  cursorOf,
  eventsSince,
  newCast,
  newLabel,
  newProject,
  newTask,
  readTask,
} from '../support/factories.ts'
import type { Caller } from '../support/operations.ts'
import { addTo } from '../support/people.ts'
import { sharedServer, type TestServer } from '../support/server.ts'

let server: TestServer
let people: Cast['people']
let projectId: string

beforeAll(async () => {
  server = await sharedServer()
  people = (await newCast(server)).people
})

beforeEach(async () => {
  projectId = (await newProject(people.OWNER)).id
  await addTo(people.ADMIN, projectId, people.EDITOR.email, 'EDITOR')
})

const call = (caller: Caller, request: string, body?: object, headers: Record<string, string> = {}) =>
  rest(server, request, { token: caller.token, body, headers })

test('an OWNER changes the name and clears the description; the change is logged', async () => {
  const cursor = await cursorOf(people.OWNER)
  const changed = await call(people.OWNER, `PATCH /projects/${projectId}`, { name: ' Renamed ', description: null })
  expect(changed.body).toMatchObject({ name: 'Renamed', description: null, version: 2 })
  const [event] = await eventsSince(people.EDITOR, cursor, projectId)
  expect(event).toMatchObject({
    type: 'project.updated',
    actorId: people.OWNER.id,
    changes: { name: ['A project', 'Renamed'] },
  })
  const stale = await call(people.OWNER, `PATCH /projects/${projectId}`, { name: 'B' }, { 'if-match': '"v1.x"' })
  expect(stale.status).toBe(412)
})

test('nobody writes tasks, labels or comments in an archived project, and everybody can read it', async () => {
  const { OWNER, EDITOR, ADMIN } = people
  const task = await newTask(EDITOR, { projectId })
  const label = await newLabel(EDITOR, projectId)
  const { body: comment } = await call(EDITOR, `POST /tasks/${task.id}/comments`, { body: 'Before' })
  const archived = await call(OWNER, `POST /projects/${projectId}/archive`)
  expect(archived.body.archivedAt).toEqual(expect.any(String))
  const again = await call(OWNER, `POST /projects/${projectId}/archive`)
  expect(again.body).toEqual(archived.body)

  const elsewhere = await newTask(EDITOR, {})
  const writes: [string, object?][] = [
    ['POST /tasks', { title: 'New', projectId }],
    [`PATCH /tasks/${task.id}`, { title: 'New' }],
    [`DELETE /tasks/${task.id}`],
    [`POST /tasks/${elsewhere.id}/move`, { projectId }],
    [`POST /tasks/${task.id}/relations`, { type: 'BLOCKS', relatedTaskId: elsewhere.id }],
    [`POST /tasks/${task.id}/comments`, { body: 'New' }],
    [`PATCH /comments/${comment.id}`, { body: 'New' }],
    [`DELETE /comments/${comment.id}`],
    [`POST /projects/${projectId}/labels`, { name: 'New' }],
    [`PATCH /labels/${label.id}`, { name: 'New' }],
    [`DELETE /labels/${label.id}`],
  ]
  for (const caller of [EDITOR, ADMIN])
    for (const [request, body] of writes.filter(([request]) => caller === EDITOR || !request.includes(elsewhere.id))) {
      if (caller === ADMIN && request === `DELETE /comments/${comment.id}`) continue
      const refused = await call(caller, request, body)
      expect([refused.status, refused.body.code], `${request} ${refused.text}`).toEqual([409, 'CONFLICT'])
    }
  for (const [request, items] of [
    ['POST /tasks/bulk', [{ title: 'New', projectId }]],
    ['PATCH /tasks/bulk', [{ id: task.id, title: 'New' }]],
    ['POST /tasks/bulk-delete', [{ id: task.id }]],
  ] as const) {
    const { body, text } = await call(EDITOR, request, { items })
    expect(body, text).toMatchObject({ succeeded: 0, outcomes: [{ error: { code: 'CONFLICT' } }] })
  }
  expect((await call(EDITOR, `GET /tasks/${task.id}`)).body).toEqual(task)
  expect((await call(EDITOR, `GET /tasks/${task.id}/comments`)).body.nodes).toHaveLength(1)

  expect((await call(OWNER, `POST /projects/${projectId}/unarchive`)).body.archivedAt).toBe(null)
  expect((await call(EDITOR, `PATCH /tasks/${task.id}`, { title: 'New' })).status).toBe(200)
})

test('projects are listed by whether they are archived', async () => {
  const { OWNER } = people
  await call(OWNER, `POST /projects/${projectId}/archive`)
  const ids = async (query: string) =>
    (await call(OWNER, `GET /projects?limit=100${query}`)).body.nodes.map(({ id }: { id: string }) => id)
  expect(await ids('')).toContain(projectId)
  expect(await ids('&archived=true')).toContain(projectId)
  expect(await ids('&archived=false')).not.toContain(projectId)
})

test('a deleted project takes everything in it along', async () => {
  const { OWNER, EDITOR } = people
  const task = await newTask(EDITOR, { projectId, assigneeIds: [EDITOR.id] })
  await call(EDITOR, `POST /tasks/${task.id}/comments`, { body: 'A' })
  expect((await call(EDITOR, `DELETE /projects/${projectId}`)).body.code).toBe('FORBIDDEN')
  expect((await call(OWNER, `DELETE /projects/${projectId}`)).status).toBe(204)
  for (const path of [`/projects/${projectId}`, `/tasks/${task.id}`, `/tasks/${task.key}`])
    for (const caller of [OWNER, EDITOR]) expect((await call(caller, `GET ${path}`)).status, path).toBe(404)
  expect((await call(OWNER, `DELETE /projects/${projectId}`)).status).toBe(404)
})

test('of concurrent deletions one succeeds', async () => {
  const query = 'mutation ($id: ID!) { deleteProject(id: $id) { id } }'
  const answers = await atOnce(6, () => graphql(server, query, { id: projectId }, { token: people.OWNER.token }))
  expect(answers.filter(({ errors }) => !errors)).toHaveLength(1)
  for (const { errors } of answers) for (const { extensions } of errors ?? []) expect(extensions.code).toBe('NOT_FOUND')
})

test.each(['leaves', 'is removed'])(
  'a member who %s stops being an assignee, and sees nothing of the project',
  async (how) => {
    const { OWNER, EDITOR } = people
    const mine = await newTask(OWNER, { projectId, assigneeIds: [EDITOR.id, OWNER.id] })
    const other = await newTask(OWNER, { projectId, assigneeIds: [OWNER.id] })
    const inbox = await newTask(EDITOR, { assigneeIds: [EDITOR.id] })
    const cursor = await cursorOf(OWNER)
    const [caller, request] =
      how === 'leaves'
        ? [EDITOR, `POST /projects/${projectId}/leave`]
        : [OWNER, `DELETE /projects/${projectId}/members/${EDITOR.id}`]
    expect((await call(caller, request)).status).toBeLessThan(300)
    expect((await readTask(OWNER, mine.id)).assigneeIds).toEqual([OWNER.id])
    expect((await readTask(OWNER, other.id)).version).toBe(1)
    expect((await readTask(EDITOR, inbox.id)).assigneeIds).toEqual([EDITOR.id])
    expect((await call(EDITOR, `GET /tasks/${mine.id}`)).status).toBe(404)
    const events = await eventsSince(OWNER, cursor)
    expect(events.map(({ type, subjectId, actorId }) => [type, subjectId, actorId])).toEqual([
      ['task.updated', mine.id, caller.id],
      ['member.removed', EDITOR.id, caller.id],
    ])
  },
)

test('the last OWNER cannot leave, nor anybody their Inbox', async () => {
  const { OWNER, ADMIN } = people
  const last = await call(OWNER, `POST /projects/${projectId}/leave`)
  expect([last.status, last.body.errors[0].path]).toEqual([409, ['path', 'id']])
  await addTo(ADMIN, projectId, ADMIN.email, 'OWNER')
  expect((await call(OWNER, `POST /projects/${projectId}/leave`)).status).toBe(200)
  const { projectId: inboxId } = await newTask(OWNER, {})
  for (const request of [
    `POST /projects/${inboxId}/leave`,
    `POST /projects/${inboxId}/archive`,
    `DELETE /projects/${inboxId}`,
  ])
    expect((await call(OWNER, request)).status, request).toBe(409)
})
