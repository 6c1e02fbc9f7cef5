import { beforeAll, expect, test } from 'vitest'
import { graphql, rest } from '../support/clients.ts'
import { atOnce, type Cast, cursorOf, eventsSince, newCast, newProject, newTask } from '../support/factories.ts'
import type { Caller } from '../support/operations.ts'
import { sharedServer, type TestServer } from '../support/server.ts'

let server: TestServer
let cast: Cast
let owner: Caller
let taskId: string

beforeAll(async () => {
  server = await sharedServer()
  cast = await newCast(server)
  owner = cast.people.OWNER
  taskId = (await newTask(owner, { projectId: cast.projectId })).id
})

const call = (caller: Caller, request: string, body?: object, headers: Record<string, string> = {}) =>
  rest(server, request, { token: caller.token, body, headers })

async function comment(caller: Caller, body: string, task = taskId) {
  const answer = await call(caller, `POST /tasks/${task}/comments`, { body })
  if (answer.status !== 201) throw new Error(`answered ${answer.status} ${answer.text}`)
  return answer.body
}

test('a comment is answered with its author, on every protocol and in the log', async () => {
  const { COMMENTER } = cast.people
  const cursor = await cursorOf(owner)
  const made = await call(COMMENTER, `POST /tasks/${taskId}/comments`, { body: ' **Fine** by me\n' })
  expect(made.status).toBe(201)
  const { id } = made.body
  expect(made.headers.get('location')).toBe(`/api/v1/comments/${id}`)
  expect(made.body).toMatchObject({
    taskId,
    body: ' **Fine** by me\n',
    authorId: COMMENTER.id,
    author: { id: COMMENTER.id },
    mentionIds: [],
    editedAt: null,
    version: 1,
  })
  expect((await call(COMMENTER, `GET /comments/${id}`)).body).toEqual(made.body)
  const query =
    '{ comment(id: "ID") { body author { id } mentions { id } task { id comments { nodes { id } totalCount } } } }'
  const { data } = await graphql(server, query.replace('ID', id), {}, { token: owner.token })
  expect(data.comment).toEqual({
    body: ' **Fine** by me\n',
    author: { id: COMMENTER.id },
    mentions: [],
    task: { id: taskId, comments: { nodes: [{ id }], totalCount: 1 } },
  })
  const [event] = await eventsSince(owner, cursor, id)
  expect(event).toMatchObject({ type: 'comment.created', projectId: cast.projectId, actorId: COMMENTER.id, version: 1 })
  expect(event?.changes).toMatchObject({ taskId: [null, taskId], body: [null, ' **Fine** by me\n'] })
})

test('an edit sets editedAt and raises the version, unless the text is the same', async () => {
  const { COMMENTER } = cast.people
  const { id } = await comment(COMMENTER, 'First')
  const same = await call(COMMENTER, `PATCH /comments/${id}`, { body: 'First' })
  expect(same.body).toMatchObject({ version: 1, editedAt: null })
  const edited = await call(
    COMMENTER,
    `PATCH /comments/${id}`,
    { body: 'Second' },
    { 'if-match': same.headers.get('etag') ?? '' },
  )
  expect(edited.body).toMatchObject({ body: 'Second', version: 2, editedAt: expect.any(String) })
  const stale = await call(
    COMMENTER,
    `PATCH /comments/${id}`,
    { body: 'Third' },
    { 'if-match': same.headers.get('etag') ?? '' },
  )
  expect([stale.status, stale.body.code]).toEqual([412, 'PRECONDITION_FAILED'])
  expect((await call(owner, `PATCH /comments/${id}`, { body: 'Mine' })).body.code).toBe('FORBIDDEN')
})

test('of concurrent edits of one version, one succeeds', async () => {
  const { COMMENTER } = cast.people
  const { id } = await comment(COMMENTER, 'Race')
  const query =
    'mutation ($id: ID!, $body: String!) { updateComment(id: $id, input: { body: $body }, expectedVersion: 1) { version } }'
  const answers = await atOnce(8, (index) =>
    graphql(server, query, { id, body: `Edit ${index}` }, { token: COMMENTER.token }),
  )
  expect(answers.filter(({ errors }) => !errors)).toHaveLength(1)
})

test('its author and an OWNER can delete a comment; each deletion is logged with who did it', async () => {
  const { COMMENTER, EDITOR } = cast.people
  const [own, other] = [await comment(COMMENTER, 'A'), await comment(COMMENTER, 'B')]
  const cursor = await cursorOf(owner)
  expect((await call(EDITOR, `DELETE /comments/${own.id}`)).body.code).toBe('FORBIDDEN')
  expect((await call(COMMENTER, `DELETE /comments/${own.id}`)).status).toBe(204)
  expect((await call(owner, `DELETE /comments/${other.id}`)).status).toBe(204)
  expect((await call(owner, `DELETE /comments/${other.id}`)).status).toBe(404)
  const events = (await eventsSince(owner, cursor)).filter(({ type }) => type === 'comment.deleted')
  expect(events.map(({ subjectId, actorId }) => [subjectId, actorId])).toEqual([
    [own.id, COMMENTER.id],
    [other.id, cast.people.OWNER.id],
  ])
})

test('mentions name members of the project only, and follow an edit', async () => {
  const { EDITOR, stranger, VIEWER } = cast.people
  const made = await comment(owner, `@${EDITOR.email} and @${stranger.email}, please look`)
  expect(made.mentionIds).toEqual([EDITOR.id])
  const edited = await call(owner, `PATCH /comments/${made.id}?include=mentions`, {
    body: `@${VIEWER.email.toUpperCase()}?`,
  })
  expect(edited.body).toMatchObject({ mentionIds: [VIEWER.id], mentions: [{ id: VIEWER.id }] })
})

test('comments of many tasks come in pages of their own', async () => {
  const { id: projectId } = await newProject(owner)
  const tasks = [
    await newTask(owner, { projectId }),
    await newTask(owner, { projectId }),
    await newTask(owner, { projectId }),
  ]
  for (const [index, { id }] of tasks.entries())
    for (let n = 0; n < index * 2; n++) await comment(owner, `${index}.${n}`, id)
  const query = `query ($projectId: ID!) {
    tasks(filter: { projectId: $projectId }) { nodes {
      newest: comments(last: 1) { nodes { body } pageInfo { hasPreviousPage } totalCount }
      comments(first: 3) { nodes { body } pageInfo { hasNextPage endCursor } }
    } }
  }`
  const { data } = await graphql(server, query, { projectId }, { token: owner.token })
  const bodies = (page: { nodes: { body: string }[] }) => page.nodes.map(({ body }) => body)
  const nodes = data.tasks.nodes
  expect(nodes.map(({ comments }: never) => bodies(comments))).toEqual([[], ['1.0', '1.1'], ['2.0', '2.1', '2.2']])
  expect(nodes.map(({ newest }: never) => bodies(newest))).toEqual([[], ['1.1'], ['2.3']])
  expect(nodes.map(({ newest }: { newest: { totalCount: number } }) => newest.totalCount)).toEqual([0, 2, 4])
  expect(nodes[2].newest.pageInfo).toEqual({ hasPreviousPage: true })
  const { endCursor } = nodes[2].comments.pageInfo
  const rest = await call(owner, `GET /tasks/${tasks[2].key}/comments?after=${endCursor}`)
  expect(bodies(rest.body)).toEqual(['2.3'])
})

test('comments move with their task, and only members of its new project see them', async () => {
  const { EDITOR } = cast.people
  const { id: projectId } = await newProject(owner)
  const { id } = await newTask(owner, { projectId: cast.projectId })
  const made = await comment(EDITOR, 'Before the move', id)
  expect((await call(owner, `POST /tasks/${id}/move`, { projectId })).status).toBe(200)
  expect((await call(EDITOR, `GET /comments/${made.id}`)).status).toBe(404)
  expect((await call(EDITOR, `PATCH /comments/${made.id}`, { body: 'A' })).status).toBe(404)
  const cursor = await cursorOf(owner)
  expect((await call(owner, `DELETE /comments/${made.id}`)).status).toBe(204)
  expect((await eventsSince(owner, cursor, made.id))[0]).toMatchObject({ type: 'comment.deleted', projectId })
})

test('comments on a task in the trash are hidden until it is restored', async () => {
  const { id } = await newTask(owner, { projectId: cast.projectId })
  const made = await comment(owner, 'Kept', id)
  await call(owner, `DELETE /tasks/${id}`)
  for (const request of [`GET /comments/${made.id}`, `GET /tasks/${id}/comments`, `DELETE /comments/${made.id}`])
    expect((await call(owner, request)).status, request).toBe(404)
  expect((await call(owner, `POST /tasks/${id}/comments`, { body: 'A' })).status).toBe(404)
  await call(owner, `POST /tasks/${id}/restore`)
  expect((await call(owner, `GET /comments/${made.id}`)).body).toEqual(made)
})
