import { beforeAll, describe, expect, test } from 'vitest'
import { eventStream, rest } from '../support/clients.ts'
import { sharedServer, signUp, type TestServer } from '../support/server.ts'

let server: TestServer

beforeAll(async () => {
  server = await sharedServer()
})

const open = async (query: string) => {
  const { token } = await signUp(server)
  const stream = await eventStream(server, `/events/stream${query}`, { token })
  return { ...stream, token, create: () => rest(server, 'POST /tasks', { token, body: { title: 'Streamed' } }) }
}

describe('the fields of a stream', () => {
  test('are those that were asked for, beside the id and type of each event', async () => {
    for (const query of ['?fields=type', '?fields=type&fields=at', '?fields=at,type']) {
      const { response, inbox, create } = await open(query)
      expect(response.status).toBe(200)
      await create()
      const event = await inbox.next()
      const names = query === '?fields=type' ? ['type'] : ['at', 'type']
      expect(Object.keys(event.data).toSorted(), query).toEqual(names)
      expect(event).toMatchObject({ id: expect.stringMatching(/./), event: event.data.type })
    }
  })

  test('may leave out what the id and type are read from', async () => {
    const { inbox, create } = await open('?fields=at')
    await create()
    const event = await inbox.next()
    expect(Object.keys(event.data)).toEqual(['at'])
    expect(event).toMatchObject({ id: expect.stringMatching(/./), event: expect.stringMatching(/^\w+\.\w+$/) })
  })

  test('can embed what lists embed', async () => {
    const { token } = await signUp(server)
    const listed = await rest(server, 'GET /events?include=task&limit=1', { token })
    const { response } = await open('?include=task')
    expect([listed.status, response.status]).toEqual([200, 200])
  })

  test('that do not exist are 422, as in lists', async () => {
    for (const query of ['?fields=nonsense', '?include=nonsense', '?fields=type,nonsense', '?fields=task']) {
      const { token } = await signUp(server)
      const streamed = await rest(server, `GET /events/stream${query}`, {
        token,
        headers: { accept: 'text/event-stream, application/problem+json' },
      })
      const listed = await rest(server, `GET /events${query}`, { token })
      expect(streamed.status, streamed.text).toBe(422)
      expect(streamed.body.errors).toEqual(listed.body.errors)
    }
  })

  test('do not mix between streams that are open at once', async () => {
    const { token } = await signUp(server)
    const [narrow, whole] = [
      await eventStream(server, '/events/stream?fields=type', { token }),
      await eventStream(server, '/events/stream', { token }),
    ]
    await rest(server, 'POST /tasks', { token, body: { title: 'Streamed' } })
    expect(Object.keys((await narrow.inbox.next()).data)).toEqual(['type'])
    expect(Object.keys((await whole.inbox.next()).data).length).toBeGreaterThan(3)
  })
})
