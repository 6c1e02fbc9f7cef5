import type { lookup } from 'node:dns'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createAddressRule, problemOfAddresses } from '../../src/outbound/addresses.ts'
import { createOutboundHttp, RefusedRequestError } from '../../src/outbound/http.ts'

/** Starts a server on loopback. Returns its port, and how many connections it has got. */
async function listening(handle: RequestListener) {
  const server = createServer(handle)
  const got = { port: 0, connections: 0 }
  server.on('connection', () => got.connections++)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  got.port = (server.address() as AddressInfo).port
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return got
}

/** Resolves every name to these addresses, one list after the other. */
function resolving(...answers: string[][]) {
  let asked = 0
  const resolve = (_host: string, _options: object, callback: (error: null, found: object[]) => void) => {
    const found = answers[Math.min(asked++, answers.length - 1)] ?? []
    callback(
      null,
      found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }
  return resolve as typeof lookup
}

function client(
  allowed: string[],
  { resolve, timeoutMs = 2_000 }: { resolve?: typeof lookup; timeoutMs?: number } = {},
) {
  return createOutboundHttp({
    addresses: createAddressRule(allowed),
    timeoutMs,
    maxBytes: 1_000,
    ...(resolve && { resolve }),
  })
}

describe('the address rule', () => {
  const open = createAddressRule([])

  test.each(['1.1.1.1', '2606:4700::1111', '::ffff:1.1.1.1'])('allows %s', (address) => {
    expect(open.allows(address, 'example.org')).toBe(true)
  })

  test.each([
    ...['127.0.0.1', '10.1.2.3', '172.16.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0', '224.0.0.1'],
    ...['255.255.255.255', '192.0.2.1', '198.18.0.1', '::', '::1', 'fe80::1', 'fe80::1%eth0', 'fc00::1', 'ff02::1'],
    ...['::ffff:127.0.0.1', '::ffff:a00:1', '64:ff9b::7f00:1', '2002:7f00:1::', '2001:db8::1', '::7f00:1'],
  ])('refuses %s', (address) => {
    expect(open.allows(address, 'example.org')).toBe(false)
  })

  test('allows what the operator names, and nothing next to it', () => {
    const rule = createAddressRule(['10.0.0.0/8', 'fd00::/8', '192.168.1.5', 'ntfy', 'push.internal'])
    for (const address of ['10.255.0.1', 'fd12::1', '192.168.1.5', '::ffff:10.0.0.1'])
      expect(rule.allows(address, 'x')).toBe(true)
    for (const address of ['11.0.0.1'.replace('11', '127'), '192.168.1.6', 'fe80::1'])
      expect(rule.allows(address, 'x')).toBe(false)
    expect(rule.allows('172.17.0.2', 'NTFY')).toBe(true)
    expect(rule.allows('172.17.0.2', 'other.internal')).toBe(false)
  })

  test.each(['10.0.0.0/33', '10.0.0/8', 'a b', 'host/8', '::/129', 'http://ntfy'])('does not accept %s', (entry) => {
    expect(problemOfAddresses([entry])).toContain(entry)
  })
})

describe('a request', () => {
  test('is sent to an allowed address, with its headers and body', async () => {
    const { port } = await listening((request, response) => {
      let body = ''
      request.on('data', (chunk) => (body += chunk))
      request.on('end', () => response.end(`${request.method} ${request.headers.title} ${body}`))
    })
    const send = client(['ntfy.test'], { resolve: resolving(['127.0.0.1']) })
    const answer = await send.send({
      method: 'POST',
      url: `http://ntfy.test:${port}/topic`,
      headers: { title: 'Hi' },
      body: 'Größe',
    })
    expect(answer).toMatchObject({ status: 200, body: 'POST Hi Größe' })
  })

  test.each(['127.0.0.1', '127.1', '2130706433', '0x7f.0.0.1', '[::1]', '[::ffff:127.0.0.1]', 'localhost', '0.0.0.0'])(
    'to http://%s is refused without a connection',
    async (host) => {
      const server = await listening((_request, response) => response.end())
      const sent = client([]).send({ method: 'GET', url: `http://${host}:${server.port}/` })
      await expect(sent).rejects.toThrow(RefusedRequestError)
      expect(server.connections).toBe(0)
    },
  )

  test('to a name with public and private addresses uses no private one', async () => {
    const server = await listening((_request, response) => response.end())
    const resolve = resolving(['127.0.0.1', '::1'])
    const sent = client([], { resolve }).send({ method: 'GET', url: `http://mixed.test:${server.port}/` })
    await expect(sent).rejects.toThrow('leads to a private address')
    expect(server.connections).toBe(0)
  })

  test('is checked with the address that it is sent to, when a name changes its address', async () => {
    const server = await listening((_request, response) => response.end('secret'))
    // A check before the request would have seen the first answer only.
    const rebinding = client([], { resolve: resolving(['127.0.0.1'], ['1.1.1.1'], ['127.0.0.1']) })
    const url = `http://rebind.test:${server.port}/`
    expect(rebinding.problemOf(url)).toBeUndefined()
    for (const _ of [1, 2]) await expect(rebinding.send({ method: 'GET', url })).rejects.toThrow()
    expect(server.connections).toBe(0)
  }, 20_000)

  test('does not follow a redirect', async () => {
    const server = await listening((_request, response) => response.writeHead(302, { location: '/other' }).end())
    const answer = await client(['127.0.0.1']).send({ method: 'GET', url: `http://127.0.0.1:${server.port}/` })
    expect(answer).toMatchObject({ status: 302, headers: { location: '/other' } })
    expect(server.connections).toBe(1)
  })

  test.each([
    ['that never answers', () => {}],
    ['that never ends', ((_request, response) => void response.write('begin')) satisfies RequestListener],
  ])('to a server %s ends in time', async (_what, handle: RequestListener) => {
    const { port } = await listening(handle)
    const sent = client(['127.0.0.1'], { timeoutMs: 100 }).send({ method: 'GET', url: `http://127.0.0.1:${port}/` })
    await expect(sent).rejects.toThrow('did not answer within 100 ms')
  })

  test('is not read beyond the maximum size of an answer', async () => {
    let closed = false
    const { port } = await listening((request, response) => {
      request.socket.on('close', () => (closed = true))
      const more = () => void (response.write('x'.repeat(500)) && !closed && setImmediate(more))
      more()
    })
    const sent = client(['127.0.0.1']).send({ method: 'GET', url: `http://127.0.0.1:${port}/` })
    await expect(sent).rejects.toThrow('more than 1000 bytes')
    await expect.poll(() => closed).toBe(true)
  })

  test.each(['ftp://example.org/', 'http://me:secret@example.org/', 'file:///etc/passwd', 'nonsense'])(
    'to %s is refused',
    async (url) => {
      await expect(client([]).send({ method: 'GET', url })).rejects.toThrow(RefusedRequestError)
    },
  )
})
