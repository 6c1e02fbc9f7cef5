import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import WebSocket, { WebSocketServer } from 'ws'
import { watchHeartbeat } from '../../src/gateway/websocket/heartbeat.ts'
import { until } from '../support/wait.ts'

const PING_MS = 1_000
/** Number of unanswered pings after which a client with data to read is disconnected. */
const PATIENCE = 10

// Only the timer of the pings is faked, and advanced by the tests. Network traffic takes real time.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
})

/** Returns both ends of a websocket with a heartbeat, and the messages its client has received. */
async function connect() {
  const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  sockets.on('connection', (socket, { socket: tcp }) => {
    socket.once('close', watchHeartbeat(socket, tcp, PING_MS, PATIENCE * PING_MS))
  })
  await once(sockets, 'listening')
  const accepted = once(sockets, 'connection')
  const client = new WebSocket(`ws://127.0.0.1:${(sockets.address() as AddressInfo).port}`)
  onTestFinished(() => {
    client.terminate()
    sockets.close()
  })
  let got = 0
  let answers = 0
  client.on('message', () => got++)
  await once(client, 'open')
  const [server] = (await accepted) as [WebSocket]
  server.on('pong', () => answers++)
  const isOpen = () => server.readyState === WebSocket.OPEN
  return {
    client,
    server,
    isOpen,
    got: () => got,
    /** Advances the timer by one ping and waits for its answer. */
    async pingAnswered() {
      const before = answers
      vi.advanceTimersByTime(PING_MS)
      await until('the ping is answered', () => answers > before)
    },
    /** Advances the timer by this many pings. */
    pings: (count: number) => vi.advanceTimersByTime(count * PING_MS),
    /**
     * Advances the timer until it is ended. That takes longer while the system still takes data.
     */
    ended: () =>
      until('it is ended', () => {
        vi.advanceTimersByTime(PING_MS)
        return !isOpen()
      }),
  }
}

/**
 * Numbers of messages: few enough for the system's buffers, and so many that they queue
 * in the process.
 */
const FEW = 20
const MANY = 20_000
const send = (server: WebSocket, count: number) => {
  for (let sent = 0; sent < count; sent++) server.send('x'.repeat(1_000))
}

describe('a client', () => {
  test('that answers pings stays connected, with data to read and without', async () => {
    const { server, isOpen, got, pingAnswered } = await connect()
    for (let round = 0; round < 2 * PATIENCE; round++) {
      await pingAnswered()
      send(server, round % 2)
    }
    expect(isOpen()).toBe(true)
    await until('all is read', () => got() === PATIENCE)
  })

  test('that has nothing to read and does not answer a ping is disconnected before the next one', async () => {
    const { client, isOpen, pings } = await connect()
    client.pause()
    pings(1)
    expect(isOpen()).toBe(true)
    pings(1)
    expect(isOpen()).toBe(false)
  })

  test.for([
    ['sent, before the ping or behind it', FEW],
    ['waiting for it', MANY],
  ] as const)(
    'that does not answer because of what was %s gets it all when it wakes up, and is watched again',
    async ([, count]) => {
      const { client, server, isOpen, got, pings, pingAnswered } = await connect()
      client.pause()
      send(server, count)
      pings(1)
      send(server, 1)
      pings(PATIENCE / 2)
      expect(isOpen()).toBe(true)
      client.resume()
      await until('all is read', () => got() === count + 1)
      for (let round = 0; round < 2 * PATIENCE; round++) await pingAnswered()
      expect(isOpen()).toBe(true)
      client.pause()
      pings(2)
      expect(isOpen()).toBe(false)
    },
  )

  test.for([FEW, MANY])('that never reads its %i messages is disconnected eventually', async (count) => {
    const { client, server, isOpen, pings, ended } = await connect()
    client.pause()
    send(server, count)
    pings(PATIENCE - 1)
    expect(isOpen()).toBe(true)
    await ended()
  })
})
