import { BlockList, isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Decides which addresses the server may connect to on behalf of its users. */
export interface AddressRule {
  /** Returns true for a public address, and for one that the operator allows. `host` is its name. */
  allows(address: string, host: string): boolean
}

/**
 * Creates the rule. Each entry of `allowed` is an IP address, a range like 10.0.0.0/8, or the name
 * of a host that may have any address. Throws for an entry that is none of these.
 */
export function createAddressRule(allowed: readonly string[]): AddressRule {
  const ranges = new BlockList()
  const hosts = new Set<string>()
  for (const entry of allowed) {
    const [address = '', bits] = entry.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (isIP(address) === 0 && bits === undefined && HOST_NAME.test(entry)) hosts.add(entry.toLowerCase())
    else if (isIP(address) === 0 || !isPrefix(bits, family)) throw new Error(`${JSON.stringify(entry)} ${EXPECTED}`)
    else if (bits === undefined) ranges.addAddress(address, family)
    else ranges.addSubnet(address, Number(bits), family)
  }
  return {
    allows(text, host) {
      if (hosts.has(host.toLowerCase())) return true
      const address = ipaddr.process(text)
      return isPublic(address) || ranges.check(address.toString(), address.kind())
    },
  }
}

/** All IPv6 addresses that are public today (RFC 4291, 2.4, and the registry of the IANA). */
const PUBLIC_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3')

function isPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (address.range() !== 'unicast') return false
  return address instanceof ipaddr.IPv4 || address.match(PUBLIC_IPV6)
}

/** Returns what is wrong with the entries of a rule. */
export function problemOfAddresses(allowed: readonly string[]): string | undefined {
  try {
    createAddressRule(allowed)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

const EXPECTED = 'is not an IP address, a range like 10.0.0.0/8, or a host name'

const HOST_NAME = /^(?=.{1,253}$)[a-z\d_]([a-z\d_-]*[a-z\d_])?(\.[a-z\d_]([a-z\d_-]*[a-z\d_])?)*$/i

function isPrefix(bits: string | undefined, family: 'ipv4' | 'ipv6'): boolean {
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 'ipv6' ? 128 : 32))
}
