import { beforeAll, expect, test } from 'vitest'
import { rest } from '../support/clients.ts'
import { type Caller, data, describeApi, overRest, refusal } from '../support/operations.ts'
import { sharedServer, signUp, type TestServer } from '../support/server.ts'

let server: TestServer

beforeAll(async () => {
  server = await sharedServer()
})

async function newCaller(): Promise<Caller & { id: string }> {
  const { id, token } = await signUp(server)
  return { url: server.url, token, id }
}

const uniqueKey = () => `K${crypto.randomUUID().replaceAll('-', '').slice(0, 9).toUpperCase()}`
const namesOf = (page: { nodes: { name: string }[] }) => page.nodes.map((project) => project.name)

describeApi('projects', (api) => {
  test('a new project has the given fields, and its creator owns it', async () => {
    const caller = await newCaller()
    const key = uniqueKey()
    const created = data(await api.createProject(caller, { key, name: ' Web shop ', description: '*new*' }))
    expect(created).toEqual({
      id: expect.any(String),
      key,
      name: 'Web shop',
      description: '*new*',
      archivedAt: null,
      version: 1,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    })
    expect(data(await api.getProject(caller, created.id))).toEqual(created)
    data(await api.createTask(caller, { title: 'As its OWNER', projectId: created.id }))
  })

  test('a key is derived from the name if none is given', async () => {
    const caller = await newCaller()
    for (const [name, pattern] of [
      ['Zürich trams', /^ZURIC\d*$/],
      ['2 wheels', /^WHEEL\d*$/],
      ['日本', /^PROJ\d*$/],
      ['x', /^PROJ\d*$/],
    ] as const) {
      expect(data(await api.createProject(caller, { name })).key).toMatch(pattern)
    }
  })

  test('a key is unique across all users', async () => {
    const key = uniqueKey()
    data(await api.createProject(await newCaller(), { name: 'First', key }))
    const refused = refusal(await api.createProject(await newCaller(), { name: 'Second', key }))
    expect(refused, refused.exchange).toMatchObject({ code: 'CONFLICT', fields: ['key'] })
  })

  test.each<[string, Record<string, unknown>, string[]]>([
    ['no name', {}, ['name']],
    ['an empty name', { name: ' ' }, ['name']],
    ['a name of 101 characters', { name: 'x'.repeat(101) }, ['name']],
    ['a name with a NUL', { name: 'a\u0000' }, ['name']],
    ['a description of 2,001 characters', { name: 'A', description: 'x'.repeat(2001) }, ['description']],
    ['a key in lower case', { name: 'A', key: 'web' }, ['key']],
    ['a key of one letter', { name: 'A', key: 'W' }, ['key']],
    ['a key of 11 characters', { name: 'A', key: 'ABCDEFGHIJK' }, ['key']],
    ['a key that begins with a digit', { name: 'A', key: '1WEB' }, ['key']],
    ['a key followed by a line break', { name: 'A', key: 'WEB\n' }, ['key']],
    ['an unknown field', { name: 'A', owner: 'me' }, ['owner']],
    ['several invalid fields', { name: '', key: '', description: '\ud800' }, ['description', 'key', 'name']],
  ])('rejects a project with %s', async (_what, input, fields) => {
    const caller = await newCaller()
    const refused = refusal(await api.createProject(caller, input))
    expect({ code: refused.code, fields: refused.fields }, refused.exchange).toEqual({
      code: 'VALIDATION_FAILED',
      fields,
    })
    expect(namesOf(data(await api.listProjects(caller)))).toEqual(['Inbox'])
  })

  test('a signed-out caller cannot create, read or list projects', async () => {
    const { id } = data(await overRest.createProject(await newCaller(), { name: 'A' }))
    const nobody = { url: server.url }
    for (const outcome of [
      await api.createProject(nobody, { name: 'A' }),
      await api.getProject(nobody, id),
      await api.listProjects(nobody),
    ]) {
      expect(refusal(outcome).code).toBe('UNAUTHENTICATED')
    }
  })

  test('lists projects oldest first, in pages both ways and with a count on request', async () => {
    const caller = await newCaller()
    for (const name of ['A', 'B', 'C', 'D']) data(await api.createProject(caller, { name }))
    const whole = data(await api.listProjects(caller, { totalCount: true }))
    expect(namesOf(whole)).toEqual(['Inbox', 'A', 'B', 'C', 'D'])
    expect(whole).toMatchObject({ totalCount: 5, pageInfo: { hasNextPage: false, hasPreviousPage: false } })
    const second = data(await api.listProjects(caller, { first: 2, after: whole.pageInfo.startCursor }))
    expect(namesOf(second)).toEqual(['A', 'B'])
    expect(second.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: true })
    expect(namesOf(data(await api.listProjects(caller, { last: 2, before: whole.pageInfo.endCursor })))).toEqual([
      'B',
      'C',
    ])
    expect(namesOf(data(await api.listProjects(caller, { first: 2, offset: 3 })))).toEqual(['C', 'D'])
  })

  test('a new project and its first member are logged as events', async () => {
    const caller = await newCaller()
    const { cursor } = data(await api.eventCursor(caller))
    const { id } = data(await api.createProject(caller, { name: 'Logged' }))
    const { nodes } = data(await api.listEvents(caller, { after: cursor }))
    expect(nodes).toMatchObject([
      { type: 'project.created', projectId: id, subjectId: id, taskId: null, task: null, actor: { id: caller.id } },
      { type: 'member.added', projectId: id, subjectId: caller.id, taskId: null, actor: { id: caller.id } },
    ])
    expect(nodes[0].changes).toContainEqual({ field: 'name', from: null, to: 'Logged' })
    expect(nodes[1].changes).toContainEqual({ field: 'role', from: null, to: 'OWNER' })
  })
})

test('POST /projects returns 201 with the Location of the project', async () => {
  const caller = await newCaller()
  const created = await rest(server, 'POST /projects', { token: caller.token, body: { name: 'A' } })
  expect({ status: created.status, location: created.headers.get('location') }).toEqual({
    status: 201,
    location: `/api/v1/projects/${created.body.id}`,
  })
  expect(created.headers.get('etag')).toMatch(/^"v1\./)
})
