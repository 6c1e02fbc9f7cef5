import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { graphql, rest } from '../support/clients.ts'
import { newKey } from '../support/factories.ts'
import { noticeWrites, type OwnServer, ownServer, signUp, signUpAdmin, type TestUser } from '../support/server.ts'

let server: OwnServer
let admin: TestUser
let owner: TestUser
let member: TestUser
let projectId: string

beforeAll(async () => {
  server = await ownServer({ RATE_LIMIT: 'off' })
  admin = await signUpAdmin(server)
  owner = await signUp(server)
})
afterAll(() => server.close())
beforeEach(async () => {
  member = await signUp(server)
  projectId = (await ok(owner, 'POST /projects', { name: 'Shared', key: newKey() })).id
  await setRole('EDITOR')
})

async function ok(user: { token: string }, call: string, body?: object) {
  const answer = await rest(server, call, { token: user.token, body })
  expect(answer.status, answer.text).toBeLessThan(300)
  return answer.body
}

const setRole = (role: string) =>
  server.db.membership.upsert({
    where: { userId_projectId: { userId: member.id, projectId } },
    create: { userId: member.id, projectId, role: role as 'EDITOR' },
    update: { role: role as 'EDITOR' },
  })
const removeMember = () => server.db.membership.deleteMany({ where: { userId: member.id, projectId } })
const newTask = async (): Promise<string> => (await ok(owner, 'POST /tasks', { projectId, title: 'A task' })).id

type Request = [call: string, body: object | undefined] | [mutation: string, variables: object, field: string]

/** Sends a request with a key; returns the code of its error, or "replayed" or "ran". */
async function send(request: Request, key: string, token = member.token): Promise<string> {
  const headers = { 'idempotency-key': key }
  const [text, values, field] = request
  if (field === undefined) {
    const answer = await rest(server, text, { token, body: values, headers })
    if (answer.status >= 400) return answer.body.code
    return answer.headers.get('idempotency-replayed') ? 'replayed' : 'ran'
  }
  const records = await server.db.idempotencyRecord.count()
  const { data, errors } = await graphql(server, text, values as Record<string, unknown>, { token, headers })
  if (errors) return errors[0]!.extensions.code
  expect(data[field]).toBeTruthy()
  return (await server.db.idempotencyRecord.count()) > records ? 'ran' : 'replayed'
}

const OPERATIONS: [string, () => Promise<Request>][] = [
  ['createTask over REST', async () => ['POST /tasks', { projectId, title: 'New' }]],
  ['updateTask over REST', async () => [`PATCH /tasks/${await newTask()}`, { title: 'Changed' }]],
  ['deleteTask over REST', async () => [`DELETE /tasks/${await newTask()}`, undefined]],
  ['bulkCreateTasks over REST', async () => ['POST /tasks/bulk', { items: [{ projectId, title: 'New' }] }]],
  [
    'bulkUpdateTasks over REST',
    async () => ['PATCH /tasks/bulk', { items: [{ id: await newTask(), title: 'Changed' }] }],
  ],
  ['bulkDeleteTasks over REST', async () => ['POST /tasks/bulk-delete', { items: [{ id: await newTask() }] }]],
  ['createLabel over REST', async () => [`POST /projects/${projectId}/labels`, { name: 'New' }]],
  [
    'createTaskRelation over REST',
    async () => [`POST /tasks/${await newTask()}/relations`, { type: 'BLOCKS', relatedTaskId: await newTask() }],
  ],
  ['createSavedFilter over REST', async () => ['POST /saved-filters', { projectId, name: 'Shared', filter: {} }]],
  [
    'createTask over GraphQL',
    async () => [
      'mutation ($project: ID!) { createTask(input: { projectId: $project, title: "New" }) { id } }',
      { project: projectId },
      'createTask',
    ],
  ],
  [
    'updateTask over GraphQL',
    async () => [
      'mutation ($task: ID!) { updateTask(id: $task, input: { title: "Changed" }) { id } }',
      { task: await newTask() },
      'updateTask',
    ],
  ],
  [
    'deleteTask over GraphQL',
    async () => ['mutation ($task: ID!) { deleteTask(id: $task) { id } }', { task: await newTask() }, 'deleteTask'],
  ],
  [
    'bulkUpdateTasks over GraphQL',
    async () => [
      'mutation ($task: ID!) { bulkUpdateTasks(input: { items: [{ id: $task, priority: 2 }] }) { succeeded } }',
      { task: await newTask() },
      'bulkUpdateTasks',
    ],
  ],
]

describe.each(OPERATIONS)('the stored answer of %s', (_name, makeRequest) => {
  test('is replayed to a member, and refused to a VIEWER and a removed member', async () => {
    const request = await makeRequest()
    const key = randomUUID()
    expect(await send(request, key)).toBe('ran')
    expect(await send(request, key)).toBe('replayed')
    await setRole('VIEWER')
    expect(await send(request, key)).toBe('FORBIDDEN')
    await removeMember()
    expect(await send(request, key)).toBe('NOT_FOUND')
    await setRole('EDITOR')
    expect(await send(request, key)).toBe('replayed')
  })

  test('is refused to an API key without the scope, and after the key is revoked', async () => {
    const scopes = ['tasks:read', 'tasks:write', 'projects:read', 'projects:write']
    const { id, secret } = await ok(member, 'POST /api-keys', { name: 'Bot', scopes })
    const request = await makeRequest()
    const key = randomUUID()
    expect(await send(request, key, secret)).toBe('ran')
    expect(await send(request, key, secret)).toBe('replayed')
    await server.db.apiKey.update({ where: { id }, data: { scopes: ['tasks:read', 'projects:read'] } })
    await noticeWrites(server, member)
    expect(await send(request, key, secret)).toBe('FORBIDDEN')
    await ok(member, `DELETE /api-keys/${id}`)
    expect(await send(request, key, secret)).toBe('UNAUTHENTICATED')
  })
})

describe('a stored answer', () => {
  test('of a member who removed themselves is replayed', async () => {
    await setRole('OWNER')
    const request: Request = [`DELETE /projects/${projectId}/members/${member.id}`, undefined]
    const key = randomUUID()
    expect(await send(request, key)).toBe('ran')
    expect(await send(request, key)).toBe('replayed')
  })

  test('of a move follows the task: the new project counts', async () => {
    const target = (await ok(member, 'POST /projects', { name: 'Target', key: newKey() })).id
    const request: Request = [`POST /tasks/${await newTask()}/move`, { projectId: target }]
    const key = randomUUID()
    expect(await send(request, key)).toBe('ran')
    await removeMember()
    expect(await send(request, key)).toBe('replayed')
    await server.db.membership.deleteMany({ where: { userId: member.id, projectId: target } })
    expect(await send(request, key)).toBe('NOT_FOUND')
  })

  test('of an ADMIN is refused after they were demoted', async () => {
    const demoted = await signUpAdmin(server)
    const victim = await signUp(server)
    const deletion: Request = [`DELETE /users/${victim.id}`, undefined]
    const creation: Request = ['POST /tasks', { projectId, title: 'By an ADMIN' }]
    const keys = [randomUUID(), randomUUID()] as const
    expect(await send(deletion, keys[0], demoted.token)).toBe('ran')
    expect(await send(deletion, keys[0], demoted.token)).toBe('replayed')
    expect(await send(creation, keys[1], demoted.token)).toBe('ran')
    await ok(admin, `PATCH /users/${demoted.id}`, { role: 'MEMBER' })
    const { body } = await rest(server, 'POST /auth/sign-in', {
      body: { email: demoted.email, password: demoted.password },
    })
    expect(await send(deletion, keys[0], body.accessToken)).toBe('FORBIDDEN')
    expect(await send(creation, keys[1], body.accessToken)).toBe('NOT_FOUND')
  })

  test('with a nested field is refused to a key without the scope of that field', async () => {
    const scopes = ['tasks:write', 'projects:read']
    const { id, secret } = await ok(member, 'POST /api-keys', { name: 'Bot', scopes })
    const text =
      'mutation ($project: ID!) { createTask(input: { projectId: $project, title: "A" }) { project { name } } }'
    const request: Request = [text, { project: projectId }, 'createTask']
    const key = randomUUID()
    expect(await send(request, key, secret)).toBe('ran')
    expect(await send(request, key, secret)).toBe('replayed')
    await server.db.apiKey.update({ where: { id }, data: { scopes: ['tasks:write'] } })
    await noticeWrites(server, member)
    expect(await send(request, key, secret)).toBe('FORBIDDEN')
  })

  test('with a related task is refused once that task is hidden', async () => {
    const own = (await ok(member, 'POST /tasks', { title: 'Own' })).id
    await ok(member, `POST /tasks/${own}/relations`, { type: 'RELATES_TO', relatedTaskId: await newTask() })
    const text =
      'mutation ($task: ID!) { updateTask(id: $task, input: { priority: 2 }) { relations { relatedTask { title } } } }'
    const request: Request = [text, { task: own }, 'updateTask']
    const key = randomUUID()
    expect(await send(request, key)).toBe('ran')
    expect(await send(request, key)).toBe('replayed')
    await removeMember()
    expect(await send(request, key)).toBe('NOT_FOUND')
  })
})
