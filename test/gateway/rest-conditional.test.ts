import { beforeAll, describe, expect, test } from 'vitest'
import { type RestOptions, rest } from '../support/clients.ts'
import { sharedServer, signUp, type TestServer } from '../support/server.ts'

let server: TestServer
let token: string

beforeAll(async () => {
  server = await sharedServer()
  token = (await signUp(server)).token
})

const call = (request: string, options: RestOptions = {}) => rest(server, request, { token, ...options })
const newTask = async (body: object = {}) => {
  const answer = await call('POST /tasks', { body: { title: 'A', ...body } })
  return { ...answer, id: answer.body.id as string, etag: answer.headers.get('etag')! }
}
const patch = (id: string, body: object, headers: Record<string, string> = {}) =>
  call(`PATCH /tasks/${id}`, { body, headers })

describe('an ETag', () => {
  test('identifies the version and the content, and changes with either', async () => {
    const { id, etag } = await newTask()
    expect(etag).toMatch(/^"v1\.[\w-]{10,}"$/)
    const changed = await patch(id, { title: 'B' })
    expect(changed.headers.get('etag')).toMatch(/^"v2\./)
    expect((await call(`GET /tasks/${id}`)).headers.get('etag')).toBe(changed.headers.get('etag'))
    const narrowed = (await call(`GET /tasks/${id}?fields=title`)).headers.get('etag')
    expect(narrowed).toMatch(/^"v2\./)
    expect(narrowed).not.toBe(changed.headers.get('etag'))
  })

  test('of a list identifies its content', async () => {
    const tagOf = async () => (await call('GET /tasks?limit=2')).headers.get('etag')
    await newTask()
    const before = await tagOf()
    expect(before).toMatch(/^"[\w-]{10,}"$/)
    expect(await tagOf()).toBe(before)
    const { nodes } = (await call('GET /tasks?limit=2')).body
    await patch(nodes[0].id, { title: crypto.randomUUID() })
    expect(await tagOf()).not.toBe(before)
  })
})

describe('If-None-Match', () => {
  test('returns 304 without a body if the ETag is still current', async () => {
    const { id, etag } = await newTask()
    for (const header of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const answer = await call(`GET /tasks/${id}`, { headers: { 'if-none-match': header } })
      expect({ status: answer.status, text: answer.text }, header).toEqual({ status: 304, text: '' })
      expect(answer.headers.get('etag')).toBe(etag)
      expect(answer.headers.get('content-type')).toBeNull()
    }
    const head = await call(`HEAD /tasks/${id}`, { headers: { 'if-none-match': etag } })
    expect(head.status).toBe(304)
  })

  test('returns the full answer if it is not', async () => {
    const { id, etag } = await newTask()
    await patch(id, { title: 'B' })
    for (const header of [etag, '"other"', 'nonsense']) {
      const answer = await call(`GET /tasks/${id}`, { headers: { 'if-none-match': header } })
      expect(answer, header).toMatchObject({ status: 200, body: { title: 'B' } })
    }
  })
})

describe('If-Match', () => {
  test('allows a change at the version it names, and returns 412 otherwise', async () => {
    const { id, etag } = await newTask()
    expect((await patch(id, { title: 'B' }, { 'if-match': etag })).status).toBe(200)
    const late = await patch(id, { title: 'C' }, { 'if-match': etag })
    expect(late, late.text).toMatchObject({
      status: 412,
      body: { code: 'PRECONDITION_FAILED', errors: [{ path: ['header', 'If-Match'] }] },
    })
    expect((await call(`PUT /tasks/${id}`, { body: { title: 'C' }, headers: { 'if-match': etag } })).status).toBe(412)
    expect((await call(`DELETE /tasks/${id}`, { headers: { 'if-match': etag } })).status).toBe(412)
    expect((await call(`GET /tasks/${id}`)).body).toMatchObject({ title: 'B', version: 2 })
  })

  test('accepts the ETag of any representation of the version', async () => {
    const { id } = await newTask()
    const narrowed = (await call(`GET /tasks/${id}?fields=title`)).headers.get('etag')!
    expect((await patch(id, { title: 'B' }, { 'if-match': narrowed })).status).toBe(200)
  })

  test('with * only requires that the task exists', async () => {
    const { id } = await newTask()
    await patch(id, { title: 'B' })
    expect((await patch(id, { title: 'C' }, { 'if-match': '*' })).status).toBe(200)
    await call(`DELETE /tasks/${id}`)
    expect([404, 412]).toContain((await patch(id, { title: 'D' }, { 'if-match': '*' })).status)
  })

  test('with an ETag that is not ours matches nothing', async () => {
    const { id, etag } = await newTask()
    for (const foreign of [
      '"5d8c72a5edda8"',
      'nonsense',
      '"v1"',
      `W/${etag}`,
      '"v99999999999.x"',
      '""',
      '"v-1.x"',
      '1',
    ]) {
      const answer = await patch(id, { title: 'B' }, { 'if-match': foreign })
      expect(answer.status, `${foreign} ${answer.text}`).toBe(412)
    }
    expect((await call(`GET /tasks/${id}`)).body.version).toBe(1)
  })

  test('may list several ETags, one of which must match', async () => {
    const { id, etag } = await newTask()
    expect((await patch(id, { title: 'B' }, { 'if-match': `"foreign", ${etag}` })).status).toBe(200)
  })
})

describe('PATCH and PUT', () => {
  const FULL = { description: 'B', status: 'IN_PROGRESS', priority: 4, dueAt: '2027-01-31T00:00:00.000Z' }

  test('PATCH clears null fields and keeps absent ones', async () => {
    const { id, body } = await newTask(FULL)
    const answer = await patch(id, { dueAt: null })
    expect(answer.status, answer.text).toBe(200)
    expect(answer.body).toEqual({ ...body, dueAt: null, version: 2, updatedAt: answer.body.updatedAt })
    expect((await patch(id, { description: null })).body).toMatchObject({ description: null, priority: 4 })
  })

  test('PUT resets absent fields to their defaults', async () => {
    const { id, body } = await newTask(FULL)
    const answer = await call(`PUT /tasks/${id}`, { body: { title: 'B' } })
    const defaults = { title: 'B', description: null, status: 'PENDING', priority: 1, dueAt: null }
    expect(answer.body).toEqual({ ...body, ...defaults, version: 2, updatedAt: answer.body.updatedAt })
  })

  test('the body is required and must be an object', async () => {
    const { id } = await newTask()
    for (const raw of ['', '[]', 'null', '"x"', '7']) {
      for (const method of ['PATCH', 'PUT']) {
        const answer = await call(`${method} /tasks/${id}`, { raw, headers: { 'content-type': 'application/json' } })
        expect(answer, `${method} ${raw} ${answer.text}`).toMatchObject({
          status: 422,
          body: { errors: [{ path: ['body'] }] },
        })
      }
    }
  })

  test('an invalid If-Match and an invalid body are both reported', async () => {
    const { id } = await newTask()
    const answer = await patch(id, { title: '', colour: 'red' }, { 'if-match': '"v7.x"' })
    expect(answer, answer.text).toMatchObject({ status: 422, body: { errors: [{ path: ['body', 'colour'] }] } })
  })
})

describe('If-None-Match on a change', () => {
  test('of * is 412 if there is something, and the answer without it if there is not', async () => {
    const { id } = await newTask()
    const headers = { 'if-none-match': '*' }
    for (const [request, body] of [
      [`PUT /tasks/${id}`, { title: 'B' }],
      [`PATCH /tasks/${id}`, { title: 'B' }],
      [`DELETE /tasks/${id}`, undefined],
    ] as const) {
      const answer = await call(request, { headers, ...(body && { body }) })
      expect(answer.body, request).toMatchObject({ status: 412, code: 'PRECONDITION_FAILED' })
    }
    expect((await call(`GET /tasks/${id}`)).body).toMatchObject({ title: 'A', version: 1 })
    const unknown = `/tasks/${crypto.randomUUID()}`
    expect((await call(`PUT ${unknown}`, { headers, body: { title: 'B' } })).status).toBe(404)
    const stranger = (await signUp(server)).token
    expect((await call(`PUT /tasks/${id}`, { token: stranger, headers, body: { title: 'B' } })).status).toBe(404)
    expect((await call(`PUT /tasks/${id}`, { headers, body: { title: '' } })).status).toBe(422)
  })

  test('is refused where it would have no effect', async () => {
    const { id, etag } = await newTask()
    for (const [request, condition] of [
      [`PUT /tasks/${id}`, etag],
      [`PATCH /tasks/${id}`, `"other", ${etag}`],
      ['POST /tasks', '*'],
    ] as const) {
      const answer = await call(request, { headers: { 'if-none-match': condition }, body: { title: 'B' } })
      expect(answer.body, request).toMatchObject({
        status: 422,
        errors: [{ path: ['header', 'If-None-Match'], code: 'unsupported' }],
      })
    }
    expect((await call(`GET /tasks/${id}`)).body).toMatchObject({ title: 'A', version: 1 })
  })
})
