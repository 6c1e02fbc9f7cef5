import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { beforeAll, expect, test } from 'vitest'
import { newCast } from '../support/factories.ts'
import { type OwnServer, ownServer } from '../support/server.ts'

let server: OwnServer
let cast: Awaited<ReturnType<typeof newCast>>

beforeAll(async () => {
  server = await ownServer({ IMPORT_LIMIT: '204800' })
  cast = await newCast(server)
  return () => server.close()
})

/** Opens an import whose length the server is not told. */
function openImport(query: string, token: string | undefined) {
  const asked: ClientRequest = request(`${server.url}/api/v1/tasks/import?${query}`, {
    method: 'POST',
    headers: { 'content-type': 'text/csv', ...(token && { authorization: `Bearer ${token}` }) },
  })
  const answer = new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
    asked.on('error', reject)
    asked.on('response', async (response: IncomingMessage) => {
      resolve({ status: response.statusCode, body: await text(response) })
    })
  })
  return { asked, answer }
}

test('a file that grows beyond the limit is refused, and what came before is imported', async () => {
  const { asked, answer } = openImport(`projectId=${cast.projectId}&format=csv`, cast.people.EDITOR.token)
  // In several chunks of the connection, and in one batch of the import.
  const rows = 300
  asked.write('title,description\n')
  for (let row = 0; row < rows; row++) asked.write(`Task ${row},${'x'.repeat(1_000)}\n`)
  asked.end()
  const { status, body } = await answer
  expect(status, body).toBe(413)
  expect(body).toContain('IMPORT_LIMIT')
  const imported = await server.db.task.count({ where: { projectId: cast.projectId } })
  expect(imported).toBeGreaterThan(0)
  expect(imported).toBeLessThan(rows)
})

test.each([
  [401, 'projectId=PROJECT&format=csv', undefined],
  [403, 'projectId=PROJECT&format=csv', 'VIEWER'],
  [404, 'projectId=00000000-0000-0000-0000-000000000000&format=csv', 'EDITOR'],
  [422, 'projectId=PROJECT&format=nonsense', 'EDITOR'],
] as const)(
  'an import refused with %i is answered while its body arrives, without a reset',
  async (expected, query, role) => {
    const { asked, answer } = openImport(query.replace('PROJECT', cast.projectId), role && cast.people[role].token)
    // Comes before the body has ended.
    const answered = new Promise((resolve) => asked.once('response', resolve))
    asked.write('title\nFirst\n')
    await answered
    for (let row = 0; row < 200; row++) asked.write(`Task ${row}\n`)
    asked.end()
    const { status, body } = await answer
    expect(status, body).toBe(expected)
  },
)
