import { beforeAll, expect, test } from 'vitest'
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
} from '../support/factories.ts'
import type { Caller } from '../support/operations.ts'
import { addTo } from '../support/people.ts'
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

type Input = Record<string, unknown>

const call = (caller: Caller, request: string, body?: Input, headers: Record<string, string> = {}) =>
  rest(server, request, { token: caller.token, body, headers })

async function save(caller: Caller, input: Input) {
  const { status, body, text } = await call(caller, 'POST /saved-filters', { name: 'Saved', filter: {}, ...input })
  if (status !== 201) throw new Error(`answered ${status} ${text}`)
  return body
}

/** Returns the titles of the tasks that a saved filter lists, with further parameters. */
async function titles(caller: Caller, id: string, more = '') {
  const { body } = await call(caller, `GET /tasks?savedFilterId=${id}${more}`)
  return body.nodes.map((task: { title: string }) => task.title)
}

test('a filter is saved as given, and lists its tasks over both protocols', async () => {
  const { id: project } = await newProject(owner)
  await newTask(owner, { projectId: project, title: 'Low', priority: 1 })
  await newTask(owner, { projectId: project, title: 'High', priority: 4, dueAt: '2026-01-05T00:00:00Z' })
  const filter = { projectId: project, priority: { gte: 3 }, dueAt: { lt: '2026-02-01T00:00:00.000Z' } }
  const saved = await save(owner, { name: '  Urgent  ', filter })
  expect(saved).toMatchObject({ name: 'Urgent', filter, projectId: null, ownerId: cast.people.OWNER.id, version: 1 })
  expect((await call(owner, `GET /saved-filters/${saved.id}`)).body).toEqual(saved)
  expect(await titles(owner, saved.id)).toEqual(['High'])
  const query = 'query ($id: ID!) { tasks(savedFilterId: $id) { nodes { title } totalCount } }'
  const { data } = await graphql(server, query, { id: saved.id }, { token: owner.token })
  expect(data.tasks).toEqual({ nodes: [{ title: 'High' }], totalCount: 1 })
})

test('a saved filter combines with the other filters, the order and the pages of a list', async () => {
  const { id: project } = await newProject(owner)
  for (const [title, priority] of Object.entries({ A: 5, B: 4, C: 5, D: 1 }))
    await newTask(owner, { projectId: project, title, priority })
  const { id } = await save(owner, { filter: { projectId: project, priority: { gte: 4 } } })
  expect(await titles(owner, id, '&orderBy=title:desc')).toEqual(['C', 'B', 'A'])
  expect(await titles(owner, id, '&priority.gte=5')).toEqual(['A', 'C'])
  expect(await titles(owner, id, '&orderBy=title&limit=1&offset=1')).toEqual(['B'])
  const nested = encodeURIComponent(JSON.stringify({ not: { priority: { gte: 5 } } }))
  expect(await titles(owner, id, `&filter=${nested}`)).toEqual(['B'])
  const ofProject = await call(owner, `GET /projects/${projectId}/tasks?savedFilterId=${id}`)
  expect(ofProject.body.nodes).toEqual([])
})

test('a saved search sorts by relevance; without a search, RELEVANCE is refused', async () => {
  const { id: project } = await newProject(owner)
  await newTask(owner, { projectId: project, title: 'A report about the walrus and many other animals' })
  await newTask(owner, { projectId: project, title: 'Walrus walrus' })
  const search = await save(owner, { filter: { projectId: project, search: 'walrus' } })
  const byDefault = await titles(owner, search.id)
  expect(byDefault[0]).toBe('Walrus walrus')
  expect(await titles(owner, search.id, '&orderBy=relevance:desc')).toEqual(byDefault)
  const plain = await save(owner, { filter: { projectId: project } })
  const refused = await call(owner, `GET /tasks?savedFilterId=${plain.id}&orderBy=relevance`)
  expect([refused.status, refused.body.code]).toEqual([422, 'VALIDATION_FAILED'])
  expect(refused.body.errors).toEqual([expect.objectContaining({ path: ['query', 'orderBy'] })])
})

test('filters that cannot be combined are refused with the reason', async () => {
  const trash = await save(owner, { filter: { deleted: true } })
  const both = await call(owner, `GET /tasks?savedFilterId=${trash.id}&deleted=false`)
  expect([both.status, both.body.code]).toEqual([422, 'VALIDATION_FAILED'])
  expect(both.text).toContain('contradicts')
})

test('members can use a shared filter, with "me" as themselves, until it is made private', async () => {
  const [viewer, editor] = [cast.people.VIEWER, cast.people.EDITOR]
  const { id: project } = await newProject(owner)
  await addTo(cast.people.ADMIN, project, viewer.email, 'VIEWER')
  await newTask(owner, { projectId: project, title: 'For the viewer', assigneeIds: [viewer.id] })
  await newTask(owner, { projectId: project, title: 'For the owner', assigneeIds: [cast.people.OWNER.id] })
  const cursor = await cursorOf(owner)
  const saved = await save(owner, { name: 'Mine', filter: { projectId: project, assigneeId: ['me'] } })
  expect((await call(viewer, `GET /saved-filters/${saved.id}`)).status).toBe(404)

  const shared = await call(owner, `PATCH /saved-filters/${saved.id}`, { projectId: project })
  expect(shared.body).toMatchObject({ projectId: project, version: 2 })
  expect(await titles(viewer, saved.id)).toEqual(['For the viewer'])
  expect(await titles(owner, saved.id)).toEqual(['For the owner'])
  expect((await call(viewer, `GET /saved-filters?projectId=${project}`)).body.nodes).toEqual([shared.body])
  expect((await call(editor, `GET /tasks?savedFilterId=${saved.id}`)).status).toBe(404)

  await call(owner, `PATCH /saved-filters/${saved.id}`, { projectId: null })
  expect((await call(viewer, `GET /saved-filters/${saved.id}`)).status).toBe(404)
  expect((await call(viewer, `GET /saved-filters?projectId=${project}`)).body.nodes).toEqual([])
  const events = (await eventsSince(owner, cursor)).filter(({ subjectId }) => subjectId === saved.id)
  expect(events.map(({ type, projectId, version }) => [type, projectId, version])).toEqual([
    ['savedFilter.updated', project, 2],
    ['savedFilter.removed', project, 3],
  ])
})

test('the owner of a shared filter needs EDITOR to change it, but can always take it back', async () => {
  const { VIEWER, EDITOR } = cast.people
  const saved = await save(EDITOR, { projectId })
  const path = `/saved-filters/${saved.id}`
  expect((await call(VIEWER, `PATCH ${path}`, { name: 'B' })).body.code).toBe('FORBIDDEN')
  expect((await call(owner, `PATCH ${path}`, { name: 'By the owner' })).body.version).toBe(2)
  const { id: other } = await newProject(owner)
  expect((await call(EDITOR, `PATCH ${path}`, { projectId: other })).body.code).toBe('NOT_FOUND')
  await call(owner, `PUT /projects/${projectId}/members/${EDITOR.id}`, { role: 'VIEWER' })
  try {
    expect((await call(EDITOR, `PATCH ${path}`, { name: 'C' })).body.code).toBe('FORBIDDEN')
    expect((await call(EDITOR, `PATCH ${path}`, { projectId: null })).body).toMatchObject({ projectId: null })
    expect((await call(EDITOR, `PATCH ${path}`, { name: 'C' })).body.name).toBe('C')
    expect((await call(owner, `DELETE ${path}`)).status).toBe(404)
    expect((await call(EDITOR, `DELETE ${path}`)).status).toBe(204)
  } finally {
    await call(owner, `PUT /projects/${projectId}/members/${EDITOR.id}`, { role: 'EDITOR' })
  }
})

test('what a saved filter names must be visible, when it is saved and when it is used', async () => {
  const { VIEWER, stranger } = cast.people
  const label = await newLabel(owner, projectId)
  const filter = { labelId: { any: [label.id] } }
  const refused = await call(stranger, 'POST /saved-filters', { name: 'A', filter })
  expect([refused.status, refused.body.code]).toEqual([404, 'NOT_FOUND'])
  expect(refused.body.errors[0].path).toEqual(['body', 'filter', 'labelId', 'any', 0])

  const saved = await save(owner, { filter, projectId })
  expect(await titles(VIEWER, saved.id)).toEqual([])
  await call(owner, `DELETE /labels/${label.id}`)
  const gone = await call(owner, `GET /tasks?savedFilterId=${saved.id}`)
  expect([gone.status, gone.body.code]).toEqual([404, 'NOT_FOUND'])
  expect(gone.body.detail).toContain(label.id)
})

test('of 20 changes to one version, one succeeds; deletion needs the current version', async () => {
  const saved = await save(owner, {})
  const ifMatch = (version: number) => ({ 'if-match': `"v${version}.x"` })
  const answers = await atOnce(20, (index) =>
    call(owner, `PATCH /saved-filters/${saved.id}`, { name: `Name ${index}` }, ifMatch(1)),
  )
  expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(19).fill(412)])
  expect((await call(owner, `DELETE /saved-filters/${saved.id}`, undefined, ifMatch(1))).status).toBe(412)
  expect((await call(owner, `DELETE /saved-filters/${saved.id}`, undefined, ifMatch(2))).status).toBe(204)
  expect((await call(owner, `GET /saved-filters/${saved.id}`)).status).toBe(404)
})

test('deleting a project makes the filters shared with it private', async () => {
  const { id: project } = await newProject(owner)
  const saved = await save(owner, { projectId: project })
  await server.db.project.delete({ where: { id: project } })
  const { body } = await call(owner, `GET /saved-filters/${saved.id}`)
  expect(body).toMatchObject({ id: saved.id, projectId: null, version: 2 })
})
