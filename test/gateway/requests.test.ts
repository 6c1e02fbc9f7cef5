import { once } from 'node:events'
import { afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import WebSocket from 'ws'
import { sendRaw } from '../long/fuzz/raw.ts'
import { rest } from '../support/clients.ts'
import { sharedServer, signUp, type TestServer } from '../support/server.ts'

/** Requests in forms that RFC 9110 and 9112 allow or forbid, at every door. */

let server: TestServer
let token: string

beforeAll(async () => {
  server = await sharedServer()
  token = (await signUp(server)).token
})
afterEach(() => {
  expect(server.log.lines.filter(({ level }) => level === 'error')).toEqual([])
})

const lines = (...head: string[]) => Buffer.from([...head, 'Connection: close', '', ''].join('\r\n'))
const ask = (...head: string[]) => sendRaw(server.url, lines(...head))
const json = (answer: string) => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))
const authority = () => new URL(server.url).host

describe('a request target in absolute form', () => {
  test('is answered like its path, over HTTP and as a websocket', async () => {
    for (const path of ['/livez', '/livez?x=1', '/api/v1', '/graphql?query=%7B__typename%7D', '']) {
      const head = [`Host: ${authority()}`, 'Accept: application/json']
      const answer = await ask(`GET http://${authority()}${path} HTTP/1.1`, ...head)
      expect(answer, path).toMatch(/^HTTP\/1\.1 200 /)
    }
    const upgraded = sendRaw(
      server.url,
      Buffer.from(
        [
          `GET http://${authority()}/graphql HTTP/1.1`,
          'Host: elsewhere.example',
          'Connection: upgrade',
          'Upgrade: websocket',
          'Sec-WebSocket-Version: 13',
          'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
          'Sec-WebSocket-Protocol: graphql-transport-ws',
          '',
          '',
        ].join('\r\n'),
      ),
    )
    expect(await upgraded).toMatch(/^HTTP\/1\.1 101 /)
  })

  test('replaces the Host header, which must still be there', async () => {
    const elsewhere = await ask(`GET http://${authority()}/livez HTTP/1.1`, 'Host: elsewhere.example')
    expect(elsewhere).toMatch(/^HTTP\/1\.1 200 /)
    const foreign = await ask('GET http://elsewhere.example/livez HTTP/1.1', `Host: ${authority()}`)
    expect(foreign).toMatch(/^HTTP\/1\.1 403 /)
    for (const [target, ...host] of [
      [`http://${authority()}/livez`],
      ['http:///livez', 'Host: localhost'],
      ['http://user@localhost/livez', 'Host: localhost'],
    ]) {
      expect(await ask(`GET ${target} HTTP/1.1`, ...host), target).toMatch(/^HTTP\/1\.1 400 /)
    }
  })
})

test('a slash at the end of a path makes no difference', async () => {
  for (const path of ['/graphql/?query={__typename}', '/livez/', '/api/v1/openapi.json/', '/docs/', '/graphiql/']) {
    expect((await fetch(`${server.url}${path}`)).status, path).toBe(200)
  }
  const posted = await fetch(`${server.url}/graphql/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"query":"{ __typename }"}',
  })
  expect(await posted.json()).toEqual({ data: { __typename: 'Query' } })
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/graphql/`, 'graphql-transport-ws')
  onTestFinished(() => socket.terminate())
  await once(socket, 'open')
  expect((await fetch(`${server.url}/nothing/`)).status).toBe(404)
})

describe.each(['/api/v1/auth/token', '/graphql', '/livez'])('at %s', (path) => {
  test('a transfer coding other than chunked is 501, and nothing of it is read', async () => {
    for (const coding of ['gzip, chunked', 'x, chunked']) {
      const answer = await sendRaw(
        server.url,
        Buffer.from(
          `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: ${coding}\r\n\r\n1a\r\n{"query":"{ __typename }"}\r\n0\r\n\r\n`,
        ),
      )
      expect(answer).toMatch(/^HTTP\/1\.1 501 [\s\S]*\nConnection: close\r\n/i)
      expect(json(answer)).toMatchObject({ status: 501, code: 'NOT_IMPLEMENTED' })
      expect(json(answer).detail).toContain(coding)
    }
  })

  test('an expectation that nobody knows is 417 with a body', async () => {
    const answer = await ask(`GET ${path} HTTP/1.1`, 'Host: localhost', 'Expect: foo')
    expect(answer).toMatch(/^HTTP\/1\.1 417 /)
    expect(json(answer)).toMatchObject({ status: 417, code: 'EXPECTATION_FAILED' })
  })
})

test('100-continue is met', async () => {
  const body = '{"query":"{ __typename }"}'
  const answer = await sendRaw(
    server.url,
    Buffer.from(
      `POST /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nExpect: 100-Continue\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    ),
  )
  expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /)
})

test('every answer forbids guessing its type', async () => {
  for (const [path, init] of [
    ['/', {}],
    ['/livez', {}],
    ['/docs', {}],
    ['/graphiql', {}],
    ['/graphql?query={__typename}', {}],
    ['/graphql', { method: 'DELETE' }],
    ['/api/v1/tasks', {}],
    ['/api/v1/nothing', {}],
    ['/nothing', {}],
    ['/api/v1/tasks', { method: 'OPTIONS' }],
  ] as const) {
    const { headers } = await fetch(`${server.url}${path}`, init)
    expect(headers.get('x-content-type-options'), path).toBe('nosniff')
  }
  expect(await sendRaw(server.url, Buffer.from('nonsense\r\n\r\n'))).toMatch(/x-content-type-options: nosniff/i)
})

test('a connection stays open longer than proxies keep theirs', async () => {
  expect(await ask('GET /livez HTTP/1.0')).toMatch(/^HTTP\/1\.1 200 /)
  expect((await fetch(`${server.url}/livez`)).headers.get('keep-alive')).toBe('timeout=75')
})

describe('the media type of a body', () => {
  const accepted = [
    'Application/JSON',
    'application/json ;charset=utf-8',
    'application/json; charset="UTF-8"',
    'application/json;charset=us-ascii',
    'APPLICATION/JSON ; Charset=Utf8 ; x=y',
  ]
  const send = (path: string, type: string, body: string | Uint8Array<ArrayBuffer>) =>
    fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': type },
      body,
    })

  test.each(accepted)('ignores case, white space and unknown parameters: %s', async (type) => {
    expect((await send('/graphql', type, '{"query":"{ __typename }"}')).status).toBe(200)
    expect((await send('/api/v1/tasks', type, '{"title":"A"}')).status).toBe(201)
  })

  test.each(['latin1', 'ISO-8859-1', '"utf-16"', 'windows-1252'])(
    'with the charset %s is 415, and nothing is stored',
    async (charset) => {
      const body = new Uint8Array(Buffer.from('{"title":"caf\u00e9"}', 'latin1'))
      const before = (await rest(server, 'GET /tasks', { token })).body.nodes.length
      for (const path of ['/api/v1/tasks', '/graphql', '/api/v1/auth/token']) {
        const type = path.endsWith('/token') ? 'application/x-www-form-urlencoded' : 'application/json'
        const answer = await send(path, `${type}; charset=${charset}`, body)
        const text = await answer.text()
        expect(answer.status, text).toBe(415)
        expect(text).toContain('UNSUPPORTED_MEDIA_TYPE')
        expect(text).toContain(charset.replaceAll('"', ''))
      }
      expect((await rest(server, 'GET /tasks', { token })).body.nodes.length).toBe(before)
    },
  )

  test('of an answer may have parameters in Accept', async () => {
    for (const accept of ['application/json; charset=utf-8', 'application/json;indent=2', 'Application/Json']) {
      const answer = await rest(server, 'GET /tasks', { token, headers: { accept } })
      expect(answer.status, accept).toBe(200)
    }
    const abort = new AbortController()
    onTestFinished(() => abort.abort())
    const stream = await fetch(`${server.url}/api/v1/events/stream`, {
      headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream;charset=utf-8' },
      signal: abort.signal,
    })
    expect([stream.status, stream.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8'])
  })
})
