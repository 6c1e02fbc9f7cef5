import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, type ClientRequest, get } from 'node:http'
import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { printedUrl } from '../../support/printed-url.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const CONNECTIONS = 32
const WEBSOCKETS = 3
const LOAD_MS = 300
/** Time after which the server must have stopped listening. */
const HANDLED_MS = 600

export interface Stopped {
  /** Answers before the signal, and after it. */
  served: number
  after: number
  /** Connections that ended without an answer to their request. */
  resets: number
  /** Answers to requests that were sent after the signal, without `Connection: close`. */
  unmarked: number
  /** Time from the signal to the exit. */
  ms: number
  code: number | null
}

/** Starts a server, stops it under load of kept-alive connections, and counts what clients see. */
export async function stopUnderLoad(settings: Record<string, string>, token: string): Promise<Stopped> {
  const child = spawn(process.execPath, ['src/main.ts'], {
    cwd: ROOT,
    env: { ...process.env, ...settings, PORT: '0', LOG_LEVEL: 'info' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const url = await printedUrl(child)
  let handled = false
  child.stdout.on('data', (chunk: Buffer) => {
    handled ||= String(chunk).includes('"msg":"stopping"')
  })
  const seen = { served: 0, after: 0, resets: 0, unmarked: 0 }
  let connected = 0
  let signalled = false

  /** Sends requests on one connection until the server ends it. */
  async function load(): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    for (let count = 0, ended = false; !ended; count++) {
      if (count === 1) connected++
      const sentAfter = signalled
      const answer = await request(agent, `${url}/api/v1/me`, token)
      if (answer === 'refused') return agent.destroy()
      if (answer === 'reset') {
        seen.resets++
        return agent.destroy()
      }
      ended = answer.closes
      if (!signalled) seen.served++
      else seen.after++
      if (sentAfter && !answer.closes) seen.unmarked++
    }
    agent.destroy()
  }

  const websockets = Array.from({ length: WEBSOCKETS }, () => deafWebsocket(url))
  const running = Array.from({ length: CONNECTIONS }, load)
  while (connected < CONNECTIONS) await new Promise((resolve) => setTimeout(resolve, 10))
  await new Promise((resolve) => setTimeout(resolve, LOAD_MS))
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const began = performance.now()
  // Until the server has handled the signal, its answers keep connections open.
  while (!handled) await new Promise((resolve) => setTimeout(resolve, 10))
  await new Promise((resolve) => setTimeout(resolve, HANDLED_MS))
  signalled = true
  const [code] = (await exited) as [number | null]
  const ms = Math.round(performance.now() - began)
  await Promise.all(running)
  for (const socket of websockets) socket.destroy()
  return { ...seen, ms, code }
}

type Answer = 'refused' | 'reset' | { closes: boolean }

function request(agent: Agent, url: string, token: string): Promise<Answer> {
  return new Promise((resolve) => {
    const sent: ClientRequest = get(url, { agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
      response.resume()
      response.once('end', () => resolve({ closes: response.headers.connection === 'close' }))
      response.once('error', () => resolve('reset'))
    })
    sent.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNREFUSED')
        console.log(`${error.code} on a ${sent.reusedSocket ? 'used' : 'new'} connection`)
      resolve(error.code === 'ECONNREFUSED' ? 'refused' : 'reset')
    })
  })
}

/** Opens a websocket that reads nothing and never answers a close frame. */
function deafWebsocket(url: string): Socket {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  socket.write(
    [
      'GET /graphql HTTP/1.1',
      `Host: ${hostname}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Protocol: graphql-transport-ws',
      '\r\n',
    ].join('\r\n'),
  )
  socket.write(maskedText('{"type":"connection_init"}'))
  socket.pause()
  return socket
}

/** Encodes a short text frame (RFC 6455 5.2), masked with zeros. */
function maskedText(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)])
}
