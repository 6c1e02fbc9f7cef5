import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { beforeAll, expect, test } from 'vitest'
import { newCast } from '../support/factories.ts'
import { type OwnServer, ownServer } from '../support/server.ts'

let server: OwnServer
let cast: Awaited<ReturnType<typeof newCast>>

beforeAll(async () => {
  server = await ownServer({ IMPORT_LIMIT: '1024' })
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
      // The text until now: the answer ends when the client has stopped sending.
      resolve({ status: response.statusCode, body: await text(response) })
    })
  })
  return { asked, answer }
}

test('a file that grows beyond the limit is refused, and what came before is imported', async () => {
  const { asked, answer } = openImport(`projectId=${cast.projectId}&format=csv`, cast.people.EDITOR.token)
  asked.write('title\nFirst\n')
  for (let row = 0; row < 200; row++) asked.write(`Task ${row}\n`)
  asked.end()
  const { status, body } = await answer
  expect(status, body).toBe(413)
  expect(body).toContain('IMPORT_LIMIT')
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
    const answered = new Promise((resolve) => asked.once('response', resolve))
    asked.write('title\nFirst\n')
    // The body has not ended.
    await answered
    for (let row = 0; row < 200; row++) asked.write(`Task ${row}\n`)
    asked.end()
    const { status, body } = await answer
    expect(status, body).toBe(expected)
  },
)
