import { request } from 'node:http'
import { describe, expect, test } from 'vitest'
import { allowedHosts } from '../../src/app/allowed-hosts.ts'
import { readConfig } from '../../src/config.ts'
import { createHostRule } from '../../src/gateway/http/hosts.ts'
import { freshServerForTest, keepingLog, type TestServer } from '../support/server.ts'

/** Returns the status and body of a request with this Host header, and Origin if given. */
function ask(
  server: TestServer,
  host: string,
  { path = '/graphql?query={__typename}', headers = {} }: { path?: string; headers?: Record<string, string> } = {},
) {
  return new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
    const sent = request(`${server.url}${path}`, { headers: { ...headers, host } }, (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode, text }))
    })
    sent.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve({ status: response.statusCode, text: '' })
    })
    sent.on('error', reject)
    sent.end()
  })
}

const UPGRADE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': Buffer.from('0123456789abcdef').toString('base64'),
  'sec-websocket-protocol': 'graphql-transport-ws',
}

describe('a server on a loopback address', () => {
  test('refuses names it is not known under, at every door, and says how to allow them', async () => {
    const server = await freshServerForTest()
    for (const path of ['/', '/graphql?query={__typename}', '/api/v1/openapi.json', '/livez', '/docs', '/graphiql']) {
      // The page of an attacker, whose name now resolves to this server.
      const headers = { origin: 'http://evil.example:4000' }
      const { status, text } = await ask(server, 'evil.example:4000', { path, headers })
      expect(status, path).toBe(403)
      expect(JSON.parse(text)).toMatchObject({ code: 'FORBIDDEN', detail: expect.stringContaining('ALLOWED_HOSTS') })
    }
    const headers = { ...UPGRADE, origin: 'http://evil.example' }
    expect((await ask(server, 'evil.example', { path: '/graphql', headers })).status).toBe(403)
    expect(server.log.lines.filter(({ message }) => message.includes('ALLOWED_HOSTS'))).toMatchObject([
      { level: 'warn', details: { host: 'evil.example:4000' } },
      { level: 'warn', details: { host: 'evil.example' } },
    ])
  })

  test('accepts its own names, addresses, and the hosts of CORS_ORIGINS and ALLOWED_HOSTS', async () => {
    const server = await freshServerForTest({
      CORS_ORIGINS: 'https://board.example.org:8443',
      ALLOWED_HOSTS: 'tasks.example.org, *.tasks.example.net',
    })
    for (const host of [
      'localhost',
      'LOCALHOST:1234',
      'app.localhost',
      '127.0.0.1:4000',
      '[::1]:4000',
      '192.168.1.7',
      'board.example.org',
      'tasks.example.org.:80',
      'a.b.tasks.example.net',
    ]) {
      expect((await ask(server, host)).status, host).toBe(200)
      expect((await ask(server, host, { path: '/graphql', headers: UPGRADE })).status, host).toBe(101)
    }
    for (const host of ['example.org', 'x.tasks.example.org', 'tasks.example.net', 'localhost.evil.example']) {
      expect((await ask(server, host)).status, host).toBe(403)
    }
  })
})

describe('any name is accepted', () => {
  test('by a server on another address, which says so at its start', async () => {
    const server = await freshServerForTest({ HOST: '0.0.0.0' })
    expect((await ask(server, 'tasks.example.org')).status).toBe(200)
    expect(server.log.lines).toContainEqual({
      level: 'info',
      details: {},
      message: 'Requests for any host name are accepted. ALLOWED_HOSTS limits them.',
    })
    const limited = await freshServerForTest({ HOST: '0.0.0.0', ALLOWED_HOSTS: 'tasks.example.org' })
    expect((await ask(limited, 'tasks.example.org')).status).toBe(200)
    expect((await ask(limited, 'evil.example')).status).toBe(403)
  })

  test.each([{ HOST: '::' }, { HOST: '10.0.0.3' }, { ALLOWED_HOSTS: '*' }, { CORS_ORIGINS: '*' }])(
    'with %o',
    (settings) => {
      expect(allowedHosts(readConfig(settings))).toBeUndefined()
    },
  )

  test.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost'])('but not on %s', (HOST) => {
    expect(allowedHosts(readConfig({ HOST }))).toContain('localhost')
  })
})

test('however many names are tried, little is kept and logged', () => {
  const log = keepingLog()
  const rule = createHostRule({ allowed: ['localhost'], setting: 'ALLOWED_HOSTS', log })
  for (let count = 0; count < 1_000; count++) expect(() => rule(`h${count}.example`)).toThrow('ALLOWED_HOSTS')
  expect(log.lines).toHaveLength(100)
  expect(() => rule('localhost:99')).not.toThrow()
})
