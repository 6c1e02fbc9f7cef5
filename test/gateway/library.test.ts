import { setTimeout as wait } from 'node:timers/promises'
import { buildSchema } from 'graphql'
import { describe, expect, onTestFinished, test } from 'vitest'
import WebSocket from 'ws'
import {
  AppError,
  addErrorCodes,
  type Caller,
  createEventLog,
  createGateway,
  type Gateway,
  unauthenticated,
} from '../../src/gateway/library/exports.ts'
import { eventStream, graphql, rest, subscribe, websocketClient } from '../support/clients.ts'
import { holdTo } from '../support/observed-answers.ts'
import { keepingLog } from '../support/server.ts'
import { until } from '../support/wait.ts'

const SUBSCRIPTION = 'subscription { changed { cursor } }'

/** Opens a gateway with one query for callers only, and a stream for everybody. */
async function open(authenticate?: () => Caller | null) {
  const schema = buildSchema(`
    type Query { me: String! }
    type Change { cursor: String! kind: String! }
    type Subscription { changed(after: String): Change! }
  `)
  const log = createEventLog<{ kind: string }>()
  const [me, changed] = [schema.getQueryType()?.getFields().me, schema.getSubscriptionType()?.getFields().changed]
  Object.assign(me!, {
    resolve: (_root: unknown, _args: unknown, { caller, own }: { caller: Caller; own: string }) =>
      `${caller.id} ${own}`,
    extensions: { rest: { path: '/me', key: 'me' }, requiresPrincipal: true },
  })
  Object.assign(changed!, {
    subscribe: (_root: unknown, { after }: { after?: string }) => log.follow({ after }),
    resolve: (event: unknown) => event,
    extensions: { rest: { stream: true, path: '/changes', id: 'cursor', event: 'kind' }, resume: 'after' },
  })
  const lines = keepingLog()
  const gateway: Gateway = await createGateway({
    schema,
    info: { title: 'Changes', version: '1' },
    ...(authenticate && { authenticate }),
    context: () => ({ own: 'value' }),
    websockets: { '/plain': (socket, { principal }) => socket.send(String(principal)) },
    log: lines,
  })
  holdTo(gateway.server, await gateway.openApi())
  const url = await gateway.listen({ port: 0 })
  onTestFinished(() => {
    // Otherwise it waits for requests on the connections that fetch keeps open.
    gateway.server.closeAllConnections()
    return gateway.close()
  })
  return { url, gateway, log, lines }
}

describe('a gateway', () => {
  test('gives resolvers the caller and what the application adds', async () => {
    const server = await open(() => ({ id: 'ann' }))
    expect((await rest(server, 'GET /me')).body).toEqual({ me: 'ann value' })
    expect((await graphql(server, '{ me }')).data).toEqual({ me: 'ann value' })
  })

  test('answers 401 with the reason, but serves what is public', async () => {
    const server = await open(() => {
      throw unauthenticated('This key was withdrawn.')
    })
    expect((await rest(server, 'GET /me')).body).toMatchObject({ status: 401, detail: 'This key was withdrawn.' })
    expect((await graphql(server, '{ me }')).errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED')
    expect((await rest(server, 'HEAD /changes')).status).toBe(200)
  })

  test('masks an unexpected error of the application, and logs it', async () => {
    const server = await open(() => {
      throw new Error('no connection to 10.0.0.5')
    })
    const { status, text } = await rest(server, 'GET /me')
    expect({ status, leaks: text.includes('10.0.0.5') }).toEqual({ status: 500, leaks: false })
    expect(server.lines.lines.at(-1)?.details).toMatchObject({ err: { message: 'no connection to 10.0.0.5' } })
  })

  test('ends streams and websockets when the credential expires', async () => {
    const expiresAt = new Date(Date.now() + 500)
    const server = await open(() => ({ id: 'ann', expiresAt }))
    const stream = await eventStream(server, '/changes')
    expect(await stream.inbox.next()).toMatchObject({ event: 'error', data: { code: 'UNAUTHENTICATED' } })
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/plain`)
    const [code] = await new Promise<[number]>((resolve) => socket.on('close', (closed) => resolve([closed])))
    expect(code).toBe(1008)
  })

  test('serves plain websockets, counted for their caller', async () => {
    const server = await open(() => ({ id: 'ann' }))
    const connect = () => new WebSocket(`${server.url.replace('http', 'ws')}/plain`)
    const first = connect()
    const [message] = await new Promise<[string]>((resolve) => first.on('message', (data) => resolve([String(data)])))
    expect(message).toBe('ann')
    const others = Array.from({ length: 50 }, connect)
    onTestFinished(() => {
      for (const socket of [first, ...others]) socket.terminate()
    })
    const closed = new Promise<[number, string]>((resolve) => {
      for (const socket of others) socket.on('close', (code, reason) => resolve([code, String(reason)]))
    })
    expect(await closed).toEqual([1008, 'You already have 50 open websockets and streams. Close one first.'])
  })

  test('stops at once: streams end with an error after which clients resume, sockets with 1001', async () => {
    const server = await open()
    const { inbox } = await eventStream(server, '/changes')
    const live = subscribe(websocketClient(server), SUBSCRIPTION)
    await until('both are open', () => {
      server.log.append({ kind: 'noise' })
      return live.inbox.size > 0 && inbox.size > 0
    })
    const started = performance.now()
    await server.gateway.close()
    // Well below the time that running requests are given.
    expect(performance.now() - started).toBeLessThan(3_500)
    let last = await inbox.next()
    while (last.event === 'noise') last = await inbox.next()
    expect(last).toMatchObject({ event: 'error', data: { code: 'UNAVAILABLE' } })
  })
})

describe('an event log', () => {
  const numbered = (count: number, capacity: number) => {
    const log = createEventLog<{ number: number }>({ capacity })
    const events = Array.from({ length: count }, (_, number) => log.append({ number }))
    return { log, events, cursorOf: (number: number) => events[number]!.cursor }
  }

  test('is read in pages, and followed from any event that it keeps', async () => {
    const { log, cursorOf } = numbered(10, 100)
    expect(log.read({ first: 2 }).map(({ number }) => number)).toEqual([0, 1])
    const even = { after: cursorOf(3), accepts: ({ number }: { number: number }) => number % 2 === 0 }
    expect(log.read({ ...even, first: 10 }).map(({ number }) => number)).toEqual([4, 6, 8])
    const stream = log.follow({ after: cursorOf(8) })
    expect((await stream.next()).value.number).toBe(9)
    const waiting = stream.next()
    log.append({ number: 10 })
    expect((await waiting).value.number).toBe(10)
  })

  test('forgets the oldest events, and says so to whoever needs them', async () => {
    const { log, cursorOf } = numbered(250, 100)
    expect(log.read({ first: 1_000 }).length).toBeLessThan(200)
    expect(() => log.read({ after: cursorOf(3), first: 1 })).toThrow(
      expect.objectContaining({ code: 'CURSOR_EXPIRED' }),
    )
    const slow = log.follow()
    for (let number = 0; number < 250; number++) log.append({ number })
    await expect(slow.next()).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' })
  })

  test('tells a cursor of another process from one that is none', () => {
    const { log } = numbered(3, 10)
    const read = (after: string) => () => log.read({ after, first: 1 })
    expect(read(numbered(3, 10).cursorOf(1))).toThrow(expect.objectContaining({ code: 'CURSOR_EXPIRED' }))
    expect(read('elsewhere')).toThrow(expect.objectContaining({ code: 'VALIDATION_FAILED' }))
  })

  test('frees a stream that nobody reads any more', async () => {
    const { log } = numbered(1, 10)
    const stream = log.follow()
    const waiting = stream.next()
    await stream.return?.()
    expect((await waiting).done).toBe(true)
    await wait(0)
    expect((await stream.next()).done).toBe(true)
  })
})

test('an application adds error codes, but changes none', () => {
  const codes = addErrorCodes({ OUT_OF_TEA: { status: 409, title: 'Out of tea' } })
  expect(codes.OUT_OF_TEA).toBe('OUT_OF_TEA')
  expect(() => addErrorCodes({ NOT_FOUND: { status: 418, title: 'No' } })).toThrow('NOT_FOUND exists')
  expect(() => addErrorCodes({ teapot: { status: 418, title: 'No' } })).toThrow('must be like OUT_OF_STOCK')
  expect(() => addErrorCodes({ FINE: { status: 200, title: 'No' } })).toThrow('400 to 599')
  expect(() => new AppError('NO_SUCH' as 'NOT_FOUND', 'No')).toThrow('no error code NO_SUCH')
})

test('a route of whose answer REST would show nothing does not start', async () => {
  const schema = buildSchema(`type Query { books: BookConnection! } type Book { title: String! }
    type BookConnection { edges: [BookEdge!]! } type BookEdge { node: Book! }`)
  Object.assign(schema.getQueryType()?.getFields().books ?? {}, { extensions: { rest: { path: '/books' } } })
  const starting = createGateway({ schema, info: { title: 'Books', version: '1' }, log: keepingLog() })
  await expect(starting).rejects.toThrow(/Query.books declares rest.*BookConnection.*nodesOnConnection/)
})

test('a DELETE that returns no object needs no name for its value; any other operation does', async () => {
  const withMutation = (rest: object) => {
    const schema = buildSchema('type Query { ok: Boolean! } type Mutation { forget(id: ID!): Boolean! }')
    const [query, mutation] = [schema.getQueryType(), schema.getMutationType()]
    Object.assign(query?.getFields().ok ?? {}, { extensions: { rest: { path: '/ok', key: 'ok' } } })
    Object.assign(mutation?.getFields().forget ?? {}, { resolve: () => true, extensions: { rest } })
    return createGateway({ schema, info: { title: 'Forget', version: '1' }, log: keepingLog() })
  }
  const gateway = await withMutation({ method: 'DELETE', path: '/things/{id}' })
  holdTo(gateway.server, await gateway.openApi())
  const server = { url: await gateway.listen({ port: 0 }) }
  onTestFinished(() => {
    gateway.server.closeAllConnections()
    return gateway.close()
  })
  const { status, text } = await rest(server, 'DELETE /things/7')
  expect([status, text]).toEqual([204, ''])
  await expect(withMutation({ method: 'POST', path: '/things/{id}/forget' })).rejects.toThrow(/forget .*rest: \{ key:/)
})
