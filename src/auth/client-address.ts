import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import proxyAddr from 'proxy-addr'

interface Connection {
  headers: IncomingHttpHeaders
  remoteAddress: string
}

/**
 * Returns the client's address, for rate limits. Each trusted proxy appends the address that
 * called it to `X-Forwarded-For`; entries further left are only claims. With fewer entries than
 * trusted proxies, none can be trusted: the address of the connection counts.
 */
export function clientAddress({ headers, remoteAddress }: Connection, trustedProxies: number): string {
  // proxy-addr reads nothing else of a request.
  const request = { headers, socket: { remoteAddress } } as unknown as IncomingMessage
  return proxyAddr.all(request)[trustedProxies] || remoteAddress
}

/**
 * Returns the key to count an address by. For IPv6 that is the /64 network, all of which
 * one client controls.
 */
export function networkOf(address: string): string {
  if (!address.includes(':') || address.startsWith('::ffff:')) return address
  const [head = '', tail] = address.split('::')
  const before = head.split(':').filter(Boolean)
  const after = tail === undefined ? [] : tail.split(':').filter(Boolean)
  const zeros = Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0')
  return [...before, ...zeros, ...after].slice(0, 4).join(':')
}
