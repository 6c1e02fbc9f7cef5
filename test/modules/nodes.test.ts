import { beforeAll, describe, expect, test } from 'vitest'
import { graphql, rest } from '../support/clients.ts'
import { MISSING, newKey } from '../support/factories.ts'
import { sharedServer, signUp, type TestServer, type TestUser } from '../support/server.ts'

let server: TestServer
let owner: TestUser
let stranger: TestUser
let ids: Record<'Task' | 'Comment' | 'Project' | 'Label' | 'Membership' | 'SavedFilter' | 'User', string>

beforeAll(async () => {
  server = await sharedServer()
  owner = await signUp(server, 'Olga')
  stranger = await signUp(server)
  const make = async (call: string, body: object) => (await rest(server, call, { token: owner.token, body })).body.id
  const projectId = await make('POST /projects', { name: 'Nodes', key: newKey() })
  const label = await make(`POST /projects/${projectId}/labels`, { name: 'bug' })
  const membership = await server.db.membership.findFirst({ where: { projectId } })
  const task = await make('POST /tasks', { title: 'A task', projectId, labelIds: [label], assigneeIds: [owner.id] })
  ids = {
    Task: task,
    Comment: await make(`POST /tasks/${task}/comments`, { body: 'A comment' }),
    Project: projectId,
    Label: label,
    Membership: membership!.id,
    SavedFilter: await make('POST /saved-filters', { name: 'Mine', filter: {} }),
    User: owner.id,
  }
})

const NODE = `query ($id: ID!) { node(id: $id) {
  __typename id
  ... on Task { title project { name } labels { name } assignees { name email } relations { id } }
  ... on Comment { body author { name } }
  ... on Project { name key }
  ... on Label { name color }
  ... on Membership { role user { name } }
  ... on SavedFilter { name owner { name } }
  ... on User { name email }
} }`

const ask = (user: { token: string }, query: string, variables: Record<string, unknown>) =>
  graphql(server, query, variables, { token: user.token })

describe('node', () => {
  test('finds an object of each type, with what is selected of it', async () => {
    const expected: Record<keyof typeof ids, object> = {
      Task: {
        title: 'A task',
        project: { name: 'Nodes' },
        labels: [{ name: 'bug' }],
        assignees: [{ name: 'Olga', email: owner.email }],
        relations: [],
      },
      Comment: { body: 'A comment', author: { name: 'Olga' } },
      Project: { name: 'Nodes' },
      Label: { name: 'bug' },
      Membership: { role: 'OWNER', user: { name: 'Olga' } },
      SavedFilter: { name: 'Mine', owner: { name: 'Olga' } },
      User: { name: 'Olga', email: owner.email },
    }
    for (const [name, id] of Object.entries(ids)) {
      for (const given of [id, id.toUpperCase()]) {
        const { data, errors } = await ask(owner, NODE, { id: given })
        expect(errors).toBeUndefined()
        expect(data.node).toMatchObject({ __typename: name, id, ...expected[name as keyof typeof ids] })
      }
    }
  })

  test('answers NOT_FOUND for what the viewer does not see, an unknown id and no id', async () => {
    for (const id of [...Object.values(ids), MISSING, 'WEB-1', '\u0000', '']) {
      const { data, errors } = await ask(stranger, NODE, { id })
      expect(data).toEqual({ node: null })
      expect(errors).toMatchObject([{ path: ['node'], extensions: { code: 'NOT_FOUND' } }])
    }
  })

  test('does not find a task in the trash', async () => {
    const { id } = (await rest(server, 'POST /tasks', { token: owner.token, body: { title: 'Gone' } })).body
    await rest(server, `DELETE /tasks/${id}`, { token: owner.token })
    expect((await ask(owner, NODE, { id })).errors).toMatchObject([{ extensions: { code: 'NOT_FOUND' } }])
  })

  test('finds a user for members of a common project, without the address', async () => {
    const member = await signUp(server, 'Mia')
    const body = { email: member.email, role: 'VIEWER' }
    await rest(server, `POST /projects/${ids.Project}/members`, { token: owner.token, body })
    const { data } = await ask(member, NODE, { id: owner.id })
    expect(data.node).toEqual({ __typename: 'User', id: owner.id, name: 'Olga', email: null })
    expect((await ask(member, NODE, { id: stranger.id })).data.node).toBeNull()
  })

  test('finds for an API key only the types of its scopes', async () => {
    const scopes = {
      'tasks:read': ['Comment', 'Label', 'SavedFilter', 'Task'],
      'projects:read': ['Membership', 'Project', 'User'],
    }
    for (const [scope, types] of Object.entries(scopes)) {
      const body = { name: 'Bot', scopes: [scope] }
      const { secret } = (await rest(server, 'POST /api-keys', { token: owner.token, body })).body
      const query = 'query ($ids: [ID!]!) { nodes(ids: $ids) { __typename } }'
      const { data } = await ask({ token: secret }, query, { ids: Object.values(ids) })
      const found = data.nodes.flatMap((node: { __typename: string } | null) => node?.__typename ?? [])
      expect(found.sort()).toEqual(types)
    }
  })
})

describe('nodes', () => {
  const NODES = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Task { title } ... on Label { name } } }'

  test('returns objects in the order of the ids, repeated ones too, and null for the others', async () => {
    const asked = [ids.Label, MISSING, ids.Task, ids.Label, 'no id']
    const { data } = await ask(owner, NODES, { ids: asked })
    const label = { id: ids.Label, name: 'bug' }
    expect(data.nodes).toEqual([label, null, { id: ids.Task, title: 'A task' }, label, null])
    expect((await ask(stranger, NODES, { ids: asked })).data.nodes).toEqual([null, null, null, null, null])
    expect((await ask(owner, NODES, { ids: [] })).data.nodes).toEqual([])
  })

  test('accepts 100 ids and rejects 101', async () => {
    const many = (count: number) => ask(owner, NODES, { ids: Array(count).fill(ids.Task) })
    expect((await many(100)).data.nodes).toHaveLength(100)
    expect((await many(101)).errors).toMatchObject([
      { extensions: { code: 'VALIDATION_FAILED', issues: [{ path: ['ids'], code: 'too_big' }] } },
    ])
  })

  test('costs as much as that many objects', async () => {
    const deep = `query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Task {
      ${Array.from({ length: 30 }, (_, index) => `r${index}: relations { id relatedTask { id title } }`).join(' ')}
    } } }`
    const { errors } = await ask(owner, deep, { ids: Array(100).fill(ids.Task) })
    expect(errors).toMatchObject([{ extensions: { code: 'QUERY_TOO_COMPLEX' } }])
    expect((await ask(owner, deep, { ids: [ids.Task] })).errors).toBeUndefined()
  })
})

test('a fragment on a type with an id can be refetched, as relay-compiler generates it', async () => {
  const refetch = `query ($id: ID!) { node(id: $id) { __typename ...Card id } } fragment Card on Task { title labels { name } id }`
  const { data } = await ask(owner, refetch, { id: ids.Task })
  expect(data.node).toEqual({ __typename: 'Task', title: 'A task', labels: [{ name: 'bug' }], id: ids.Task })
})
