import { beforeAll, expect, test } from 'vitest'
import { rest } from '../support/clients.ts'
import { sharedServer, signUp, type TestServer } from '../support/server.ts'

let server: TestServer
let token: string

beforeAll(async () => {
  server = await sharedServer()
  token = (await signUp(server)).token
  await rest(server, 'POST /tasks', { token, body: { title: 'Early', dueAt: '2025-12-31T22:59:59Z' } })
  await rest(server, 'POST /tasks', { token, body: { title: 'Late', dueAt: '2025-12-31T23:00:00Z' } })
})

const titles = async (query: string) => {
  const answer = await rest(server, `GET /tasks?${query}`, { token })
  expect(answer.status, answer.text).toBe(200)
  return answer.body.nodes.map(({ title }: { title: string }) => title)
}

test.each(['%2B01:00', '+01:00', '%2001:00', '+01%3A00'])(
  'a time with the offset %s is that time: a plus sign that arrives as a space is meant',
  async (offset) => {
    expect(await titles(`dueAt.gte=2026-01-01T00:00:00${offset}`)).toEqual(['Late'])
    expect(await titles(`dueAt.lt=2026-01-01T00:00:00${offset}`)).toEqual(['Early'])
    expect(await titles(`dueAt.gte=2026-01-01T00:00:00.000${offset}`)).toEqual(['Late'])
  },
)

test('a space elsewhere is not replaced', async () => {
  for (const value of ['2026-01-01 00:00:00Z', '2026-01-01T00:00:00 Z', '2026-01-01T00:00:00 1', ' 2026-01-01']) {
    const answer = await rest(server, `GET /tasks?dueAt.gte=${encodeURIComponent(value)}`, { token })
    expect([answer.status, answer.body.errors?.[0]?.path], value).toEqual([422, ['query', 'dueAt.gte']])
  }
  const title = 'At 2026-01-01T00:00:00 01:00'
  await rest(server, 'POST /tasks', { token, body: { title } })
  expect(await titles(`search=${encodeURIComponent('2026-01-01T00:00:00 01:00')}`)).toEqual([title])
})
