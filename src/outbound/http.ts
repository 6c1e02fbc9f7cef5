import { lookup as resolveName } from 'node:dns'
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import type { AddressRule } from './addresses.ts'

/** Why a request will never succeed, however often it is repeated. */
export class RefusedRequestError extends Error {}

export interface OutboundRequest {
  method: 'GET' | 'POST'
  url: string
  headers?: Readonly<Record<string, string>>
  body?: string
  signal?: AbortSignal
}

export interface OutboundAnswer {
  status: number
  headers: Readonly<Record<string, string | string[] | undefined>>
  body: string
}

/** Sends requests to URLs that users choose. */
export interface OutboundHttp {
  /**
   * Sends one request. Does not follow redirects. Rejects with a RefusedRequestError if the address
   * is not allowed, and with another error on a time-out, on too large an answer and on failure.
   */
  send(request: OutboundRequest): Promise<OutboundAnswer>
  /** Returns what is wrong with a URL, as far as that is known without resolving its name. */
  problemOf(url: string): string | undefined
}

export interface OutboundOptions {
  addresses: AddressRule
  /** Maximum time of a request, in milliseconds, from the look-up of the name to the last byte. */
  timeoutMs: number
  /** Maximum size of an answer, in bytes. */
  maxBytes: number
  /** Resolves host names. Tests replace it. */
  resolve?: typeof resolveName
}

const NOT_ALLOWED = 'leads to a private address, which OUTBOUND_ALLOW does not allow'

/**
 * Creates the client. It checks the address of each connection when it is made, so that a name which
 * changes its address in between gains nothing.
 */
export function createOutboundHttp({
  addresses,
  timeoutMs,
  maxBytes,
  resolve = resolveName,
}: OutboundOptions): OutboundHttp {
  /** Resolves a name to the first allowed address. */
  const lookup: LookupFunction = (host, options, callback) => {
    resolve(host, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, '', 0)
      const allowed = found.filter(({ address }) => addresses.allows(address, host))
      const [first] = allowed
      if (!first) return callback(new RefusedRequestError(`${host} ${NOT_ALLOWED}`), '', 0)
      if (options.all) callback(null, allowed)
      else callback(null, first.address, first.family)
    })
  }

  function problemOf(text: string): string | undefined {
    const url = URL.parse(text)
    if (!url || !/^https?:$/.test(url.protocol)) return 'must be an http:// or https:// URL'
    if (url.username !== '' || url.password !== '') return 'must not contain a user name or password'
    // A name is looked up when it is used; an address is not.
    const host = hostOf(url)
    return isIP(host) !== 0 && !addresses.allows(host, host) ? NOT_ALLOWED : undefined
  }

  return {
    problemOf,
    async send({ method, url: text, headers, body, signal }) {
      const problem = problemOf(text)
      if (problem) throw new RefusedRequestError(`The URL ${problem}.`)
      const url = new URL(text)
      const timeOut = AbortSignal.timeout(timeoutMs)
      const options: RequestOptions = {
        method,
        // A connection of its own: a kept one would skip the check of its address.
        agent: false,
        lookup,
        signal: signal ? AbortSignal.any([timeOut, signal]) : timeOut,
        headers: { 'user-agent': 'taskwire', ...headers, 'content-length': Buffer.byteLength(body ?? '') },
      }
      try {
        const response = await open(url, options, body)
        return { status: response.statusCode ?? 0, headers: response.headers, body: await read(response, maxBytes) }
      } catch (error) {
        throw timeOut.aborted ? new Error(`${url.host} did not answer within ${timeoutMs} ms`) : error
      }
    },
  }

  function open(url: URL, options: RequestOptions, body: string | undefined): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, options, resolve)
      request.once('socket', (socket) => {
        socket.once('connect', () => {
          const { remoteAddress } = socket
          if (remoteAddress && addresses.allows(remoteAddress, hostOf(url))) return
          request.destroy(new RefusedRequestError(`${url.host} ${NOT_ALLOWED}`))
        })
      })
      request.once('error', reject)
      request.end(body)
    })
  }
}

/** Returns the host of a URL, an IPv6 address without its brackets. */
const hostOf = ({ hostname }: URL) => hostname.replace(/^\[|\]$/g, '')

async function read(response: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  // Leaving the loop early closes the connection.
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) throw new Error(`The answer has more than ${maxBytes} bytes.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
