import { beforeAll, describe, expect, test } from 'vitest'
import { graphql, rest } from '../support/clients.ts'
import { sharedServer, signUp, type TestServer } from '../support/server.ts'

let server: TestServer
let token: string

beforeAll(async () => {
  server = await sharedServer()
  token = (await signUp(server)).token
})

const create = async (dueAt: unknown) =>
  (await rest(server, 'POST /tasks', { token, body: { title: 'A task', dueAt } })).body

describe('a time', () => {
  test.each([
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    ['2016-12-31t23:59:60.250z', '2017-01-01T00:00:00.250Z'],
    ['2017-01-01T00:59:60+01:00', '2017-01-01T00:00:00.000Z'],
    ['2026-01-31', '2026-01-31T00:00:00.000Z'],
    ['2026-01-31T23:59:59.999-12:00', '2026-02-01T11:59:59.999Z'],
  ])('%s is %s', async (given, expected) => {
    expect((await create(given)).dueAt).toBe(expected)
  })

  test.each([
    '2026-01-01T24:00:00Z',
    '2026-02-30',
    '2026-01-01T12:00:60Z',
    '2016-12-30T23:59:60Z',
    '2016-12-31T23:59:60+01:00',
    '2026-01-01T23:59:61Z',
    '2026-01-01T00:60:00Z',
  ])('%s does not exist', async (given) => {
    const { errors, code } = await create(given)
    expect(code).toBe('VALIDATION_FAILED')
    expect(errors).toMatchObject([
      { path: ['body', 'dueAt'], message: `${JSON.stringify(given)} is not an existing date` },
    ])
  })

  test.each(['5', '[1, 2]', '{a: "x"}', 'TODAY', 'true'])(
    'that is the literal %s is shown in the error',
    async (literal) => {
      const query = `{ tasks(filter: {dueAt: {gte: ${literal}}}) { totalCount } }`
      const { errors } = await graphql(server, query, {}, { token })
      expect(errors?.[0]?.extensions.code).toBe('BAD_REQUEST')
      expect(errors?.[0]?.message).toContain(`, not ${literal}`)
    },
  )
})
