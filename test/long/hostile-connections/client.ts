import { Agent, get } from 'node:http'
import { connect, type Socket } from 'node:net'

/** Opens a raw connection. Errors are not thrown: the server may close it. */
export function open(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => resolve(socket))
    socket.on('error', () => {})
  })
}

/** Returns the text of a GET request. */
export function getText(url: string, path: string, token: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: ${new URL(url).host}\r\nAuthorization: Bearer ${token}\r\n\r\n`
}

export interface Load {
  count: number
  /** Longest time of a request, in milliseconds. */
  slowest: number
  failed: number
}

/** Sends requests on a few kept-alive connections for a while. */
export async function load(url: string, token: string, ms: number, connections = 4): Promise<Load> {
  const found: Load = { count: 0, slowest: 0, failed: 0 }
  const began = performance.now()
  const one = async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    while (performance.now() - began < ms) {
      const started = performance.now()
      const status = await new Promise<number>((resolve) => {
        const headers = { authorization: `Bearer ${token}` }
        const request = get(`${url}/api/v1/me`, { agent, headers }, (response) => {
          response.resume().once('end', () => resolve(response.statusCode ?? 0))
        })
        request.once('error', () => resolve(0))
      })
      if (status === 200) found.count++
      else found.failed++
      found.slowest = Math.max(found.slowest, Math.round(performance.now() - started))
    }
    agent.destroy()
  }
  await Promise.all(Array.from({ length: connections }, one))
  return found
}
