import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import WebSocket, { WebSocketServer } from 'ws'
import { watchHeartbeat } from '../../src/gateway/websocket/heartbeat.ts'
import { until } from '../support/wait.ts'

const PING_MS = 1_000
/** So many pings are left out before a client that has something to read is given up. */
const PATIENCE = 10

// The clock of the pings stands until a test moves it: what goes over the network takes the time it takes.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
})

/** Both ends of a websocket that is watched, and what its client has got. */
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
    /** Lets the time of one ping pass, and waits for its answer. */
    async pingAnswered() {
      const before = answers
      vi.advanceTimersByTime(PING_MS)
      await until('the ping is answered', () => answers > before)
    },
    /** Lets the time of so many pings pass, a moment after each. */
    async pings(count: number) {
      for (let ping = 0; ping < count; ping++) {
        vi.advanceTimersByTime(PING_MS)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
    ended: () => until('it is ended', () => !isOpen()),
  }
}

/** Some results of a stream: so few that the system takes them, and so many that they wait in the process. */
const FEW = 20
const MANY = 20_000
const send = (server: WebSocket, count: number) => {
  for (let sent = 0; sent < count; sent++) server.send('x'.repeat(1_000))
}

describe('a client', () => {
  test('that answers stays, with something to read and without', async () => {
    const { server, isOpen, got, pingAnswered } = await connect()
    for (let round = 0; round < 2 * PATIENCE; round++) {
      await pingAnswered()
      send(server, round % 2)
    }
    expect(isOpen()).toBe(true)
    await until('all is read', () => got() === PATIENCE)
  })

  test('that has nothing to read and does not answer a ping is ended before the next', async () => {
    const { client, isOpen, pings, ended } = await connect()
    client.pause()
    await pings(1)
    expect(isOpen()).toBe(true)
    await pings(1)
    await ended()
  })

  test.for([
    ['sent, before the ping or behind it', FEW],
    ['waiting for it', MANY],
  ] as const)(
    'that does not answer because of what was %s gets it all when it wakes up, and is watched again',
    async ([, count]) => {
      const { client, server, isOpen, got, pings, pingAnswered, ended } = await connect()
      client.pause()
      send(server, count)
      await pings(1)
      send(server, 1)
      await pings(PATIENCE / 2)
      expect(isOpen()).toBe(true)
      client.resume()
      await until('all is read', () => got() === count + 1)
      for (let round = 0; round < 2 * PATIENCE; round++) await pingAnswered()
      expect(isOpen()).toBe(true)
      client.pause()
      await pings(2)
      await ended()
    },
  )

  test.for([FEW, MANY])('that never reads the %i messages it was sent is ended in the end', async (count) => {
    const { client, server, isOpen, pings, ended } = await connect()
    client.pause()
    send(server, count)
    await pings(PATIENCE - 1)
    expect(isOpen()).toBe(true)
    await pings(3)
    await ended()
  })
})
