// The baseline for fan-out.ts: sends a text to every open websocket and does nothing else.
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'

const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
server.once('listening', () => process.send?.({ url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` }))
process.on('message', ({ text }: { text: string }) => {
  const at = performance.timeOrigin + performance.now()
  for (const client of server.clients) client.send(text)
  process.send?.({ at })
})
