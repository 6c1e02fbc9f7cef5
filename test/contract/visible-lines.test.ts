import { beforeAll, describe, expect, test } from 'vitest'
import { graphql, rest } from '../support/clients.ts'
import { newAccount } from '../support/people.ts'
import { sharedServer, signUpAdmin, type TestServer, type TestUser } from '../support/server.ts'

let server: TestServer
let admin: TestUser
let projectId: string

beforeAll(async () => {
  server = await sharedServer()
  admin = await signUpAdmin(server)
  projectId = (await rest(server, 'POST /projects', { token: admin.token, body: { name: 'Lines' } })).body.id
})

const INVALID: [string, string][] = [
  ['a zero-width space alone', '\u200b'],
  ['a byte order mark and a soft hyphen', '\ufeff\u00ad'],
  ['Hangul filler', '\u3164'],
  ['a blank Braille pattern', '\u2800'],
  ['a line break', 'line1\nline2'],
  ['a carriage return', 'a\rb'],
  ['a tab', 'a\tb'],
  ['an escape sequence of a terminal', '\u001b[31mred'],
  ['a control character of Latin-1', 'a\u0085b'],
  ['a line separator', 'a\u2028b'],
  ['a right-to-left override', '\u202eevil'],
  ['a direction isolate', 'a\u2067b\u2069'],
]

const VALID = [
  'مهمة مع ‎LRM',
  'می‌خواهم',
  '👩‍👩‍👧 family and 🏳️‍🌈',
  'שלום world',
  'e\u0301te\u0301',
  'soft\u00adhyphen',
  'a\u00a0b',
  '日本語',
]

const PLACES: [string, (name: string) => [call: string, body: object], path: string][] = [
  ['a title of a new task', (title) => ['POST /tasks', { title, projectId }], 'title'],
  ['a name of a project', (name) => ['POST /projects', { name }], 'name'],
  ['a name of a label', (name) => [`POST /projects/${projectId}/labels`, { name }], 'name'],
  ['a name of a user', (name) => ['POST /users', { ...newAccount(), name }], 'name'],
  ['a name of the viewer', (name) => ['PATCH /me', { name }], 'name'],
  ['a name of a saved filter', (name) => ['POST /saved-filters', { name, filter: {} }], 'name'],
  ['a name of an API key', (name) => ['POST /api-keys', { name, scopes: ['tasks:read'] }], 'name'],
]

describe.each(PLACES)('%s', (_place, request, field) => {
  test.each(INVALID)('is rejected with %s', async (_what, name) => {
    const [call, body] = request(name)
    const answer = await rest(server, call, { token: admin.token, body })
    expect(answer.status, answer.text).toBe(422)
    expect(answer.body.errors).toMatchObject([{ path: ['body', field], code: 'visible_line' }])
  })

  test('can be in any language', async () => {
    for (const name of VALID) {
      const [call, body] = request(name)
      const answer = await rest(server, call, { token: admin.token, body })
      expect(answer.status, answer.text).toBeLessThan(300)
      expect(answer.body[field]).toBe(name)
    }
  })
})

test('titles are rejected in changes and in batches, over GraphQL too', async () => {
  const { token } = admin
  const { id } = (await rest(server, 'POST /tasks', { token, body: { title: 'Good' } })).body
  for (const [, title] of INVALID) {
    const query = 'mutation ($id: ID!, $title: String!) { updateTask(id: $id, input: { title: $title }) { id } }'
    const { errors } = await graphql(server, query, { id, title }, { token })
    expect(errors).toMatchObject([{ extensions: { issues: [{ path: ['input', 'title'], code: 'visible_line' }] } }])
  }
  const items = INVALID.map(([, title]) => ({ title }))
  const { body } = await rest(server, 'POST /tasks/bulk', { token, body: { items } })
  expect(body).toMatchObject({ succeeded: 0, failed: INVALID.length })
})

test('a description keeps its line breaks', async () => {
  const { token } = admin
  const description = '# Steps\n\n- one\n- two\t(tab)'
  const answer = await rest(server, 'POST /tasks', { token, body: { title: 'Good', description } })
  expect(answer.body.description).toBe(description)
})
