import { isIP } from 'node:net'
import { AppError } from '../errors.ts'
import type { GatewayLog } from '../gateway-context.ts'

/** Throws FORBIDDEN if a Host header names a host that this server is not reached under. */
export type HostRule = (host: string | undefined) => void

export interface HostRuleOptions {
  /** Host names without a port; `*.example.org` for all below it. Undefined allows any. */
  allowed: readonly string[] | undefined
  /** The setting that a refusal names. */
  setting: string
  log: GatewayLog
}

/** Maximum number of Host headers whose verdict is cached, and of refused ones that are logged. */
const MAX_KNOWN = 100

/**
 * Creates the rule that protects against DNS rebinding: a page on a foreign name that resolves to
 * this server counts as of the same origin. IP addresses are always allowed, since nobody can make
 * them resolve to something else. So are requests without a Host header, which no browser sends.
 */
export function createHostRule({ allowed, setting, log }: HostRuleOptions): HostRule {
  if (allowed === undefined) return () => undefined
  const names = allowed.map((name) => name.toLowerCase())
  const suffixes = names.flatMap((name) => (name.startsWith('*.') ? [name.slice(1)] : []))
  const known = new Set<string>()
  const logged = new Set<string>()

  function isAllowed(host: string): boolean {
    const name = nameOf(host)
    if (isIP(name.replace(/^\[|\]$/g, '')) !== 0) return true
    return names.includes(name) || suffixes.some((suffix) => name.endsWith(suffix))
  }

  return (host) => {
    if (host === undefined || known.has(host)) return
    if (isAllowed(host)) {
      if (known.size < MAX_KNOWN) known.add(host)
      return
    }
    if (!logged.has(host) && logged.size < MAX_KNOWN) {
      logged.add(host)
      log.warn({ host }, `refused a request for an unknown host: add it to ${setting} if it is yours`)
    }
    throw new AppError('FORBIDDEN', `This server is not known as ${nameOf(host)}. Add the name to ${setting}.`)
  }
}

/** Returns the lower-case name in a Host header or origin, without port and trailing dot. */
export function nameOf(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '')
}
