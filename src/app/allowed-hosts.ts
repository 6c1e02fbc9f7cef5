import { BlockList, isIP } from 'node:net'
import type { Config } from '../config.ts'
import { nameOf } from '../gateway/http/hosts.ts'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

/**
 * Returns the names under which browsers may reach this server, or undefined for any. Without
 * ALLOWED_HOSTS only a server that listens on a loopback address knows its names.
 */
export function allowedHosts({ HOST, ALLOWED_HOSTS, CORS_ORIGINS }: Config): readonly string[] | undefined {
  if (ALLOWED_HOSTS.includes('*') || CORS_ORIGINS.includes('*')) return undefined
  if (ALLOWED_HOSTS.length === 0 && !isLoopback(HOST)) return undefined
  const origins = CORS_ORIGINS.flatMap((origin) => (URL.canParse(origin) ? [new URL(origin).hostname] : []))
  return ['localhost', '*.localhost', HOST, ...ALLOWED_HOSTS, ...origins].map(nameOf)
}

/** Checks for a loopback address, or a name of one. */
export function isLoopback(host: string): boolean {
  const version = isIP(host)
  if (version === 0) return /^(.+\.)?localhost$/i.test(host)
  return loopback.check(host, version === 6 ? 'ipv6' : 'ipv4')
}
