import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, type TestContext, test } from 'vitest'
import WebSocket, { WebSocketServer } from 'ws'
import { watchPulse } from '../../src/gateway/live/pulse.ts'
import { until } from '../support/wait.ts'

const PING_MS = 500
const STALLED_MS = 5_000

/** Both ends of a websocket that is watched, and what its client has got. */
async function connect(onTestFinished: TestContext['onTestFinished']) {
  const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  sockets.on('connection', (socket, { socket: tcp }) => {
    socket.once('close', watchPulse(socket, tcp, PING_MS, STALLED_MS))
  })
  await once(sockets, 'listening')
  const accepted = once(sockets, 'connection')
  const client = new WebSocket(`ws://127.0.0.1:${(sockets.address() as AddressInfo).port}`)
  onTestFinished(() => {
    client.terminate()
    sockets.close()
  })
  let got = 0
  client.on('message', () => got++)
  await once(client, 'open')
  const [server] = (await accepted) as [WebSocket]
  const isOpen = () => server.readyState === WebSocket.OPEN
  return { client, server, isOpen, got: () => got, ended: () => until('it is ended', () => !isOpen(), 10_000) }
}

/** Some results of a stream: so few that the system takes them, and so many that they wait in the process. */
const FEW = 20
const MANY = 20_000
const send = (server: WebSocket, count: number) => {
  for (let sent = 0; sent < count; sent++) server.send('x'.repeat(1_000))
}

describe.concurrent('a client', () => {
  test('that answers stays, with something to read and without', async ({ onTestFinished }) => {
    const { server, isOpen, got } = await connect(onTestFinished)
    for (let round = 0; round < 6; round++) {
      await wait(2 * PING_MS)
      send(server, round % 2)
    }
    expect(isOpen()).toBe(true)
    await until('all is read', () => got() === 3)
  })

  test('that has nothing to read and does not answer a ping is ended before the next', async ({ onTestFinished }) => {
    const { client, ended } = await connect(onTestFinished)
    client.pause()
    const started = performance.now()
    await ended()
    expect(performance.now() - started).toBeLessThan(STALLED_MS)
  })

  test.for([
    ['sent, before the ping or behind it', FEW],
    ['waiting for it', MANY],
  ] as const)(
    'that does not answer because of what was %s gets it all when it wakes up, and is watched again',
    async ([, count], { onTestFinished }) => {
      const { client, server, isOpen, got, ended } = await connect(onTestFinished)
      client.pause()
      send(server, count)
      await wait(PING_MS * 1.5)
      send(server, 1)
      await wait(PING_MS * 3)
      expect(isOpen()).toBe(true)
      client.resume()
      await until('all is read', () => got() === count + 1, 10_000)
      await wait(PING_MS * 3)
      expect(isOpen()).toBe(true)
      client.pause()
      const started = performance.now()
      await ended()
      expect(performance.now() - started).toBeLessThan(STALLED_MS)
    },
  )

  test.for([FEW, MANY])(
    'that never reads the %i messages it was sent is ended in the end',
    async (count, { onTestFinished }) => {
      const { client, server, ended } = await connect(onTestFinished)
      client.pause()
      send(server, count)
      const started = performance.now()
      await ended()
      expect(performance.now() - started).toBeGreaterThan(STALLED_MS - PING_MS)
    },
  )
})
