import { Agent, request } from 'node:http'
import { onTestFinished } from 'vitest'

export interface AddressedAnswer {
  status: number
  retryAfter: number
  // biome-ignore lint/suspicious/noExplicitAny: tests assert the shape they expect
  body: any
}

/** Posts JSON from a local address such as 127.0.0.2, to simulate several clients. */
export function postFrom(localAddress: string) {
  const agent = new Agent({ keepAlive: true })
  onTestFinished(() => agent.destroy())
  return (server: { url: string }, path: string, body: object): Promise<AddressedAnswer> =>
    new Promise((resolve, reject) => {
      const call = request(
        `${server.url}${path}`,
        { agent, localAddress, method: 'POST', headers: { 'content-type': 'application/json' } },
        (response) => {
          let text = ''
          response.setEncoding('utf8')
          response.on('data', (chunk: string) => {
            text += chunk
          })
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              retryAfter: Number(response.headers['retry-after'] ?? 0),
              body: text === '' ? undefined : JSON.parse(text),
            }),
          )
        },
      )
      call.on('error', reject).end(JSON.stringify(body))
    })
}
