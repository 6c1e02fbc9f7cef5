import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { eventStream, graphql, rest } from '../support/clients.ts'
import { codeOf, runPageCode } from '../support/page-code.ts'

const page = readFileSync(new URL('../../docs/gateway.md', import.meta.url), 'utf8')

describe('the code of docs/gateway.md', () => {
  test('has thirty lines at most', () => {
    expect(codeOf(page).split('\n').filter(Boolean).length).toBeLessThanOrEqual(30)
  })

  test('serves GraphQL, REST with problem details and OpenAPI 3.1, and a stream that resumes', async () => {
    const server = await runPageCode(page, 'src/gateway/library/exports.ts')
    const created = await rest(server, 'POST /notes', { body: { text: 'Buy tea' } })
    expect(created.status, created.text).toBe(201)
    const { id, cursor } = created.body
    expect(created.headers.get('location')).toBe(`/api/v1/notes/${id}`)
    expect((await graphql(server, `{ note(id: "${id}") { id text cursor type } }`)).data.note).toEqual(created.body)
    const missing = await rest(server, 'GET /notes/7')
    expect(missing.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect((await rest(server, 'GET /openapi.json')).body.openapi).toMatch(/^3\.1/)
    const second = await rest(server, 'POST /notes', { body: { text: 'Make tea' } })
    const { inbox } = await eventStream(server, '/notes/stream', { headers: { 'last-event-id': cursor } })
    expect((await inbox.next()).data).toEqual(second.body)
  })
})
