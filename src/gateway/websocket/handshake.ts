import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { AppError } from '../errors.ts'
import { originAllowed } from '../http/cors.ts'
import { requireHost } from '../http/framing.ts'
import type { HostRule } from '../http/hosts.ts'
import { endWithProblem } from '../http/problem.ts'
import { readTarget, withoutSlash } from '../http/target.ts'

export interface HandshakeRules {
  path: string
  /** More paths, whose websockets are not GraphQL. */
  plain?: Readonly<Record<string, unknown>> | undefined
  /** Origins of pages that may connect, besides our own. */
  origins: readonly string[]
  /** Throws if this server is not reached under the name in the Host header. */
  hosts: HostRule
}

/**
 * Returns the path of an upgrade request. Throws if nothing is there, or if the request comes from a
 * page that may not connect.
 */
export function checkHandshake(request: IncomingMessage, { path, plain = {}, hosts, origins }: HandshakeRules): string {
  const target = readTarget(request)
  requireHost(request)
  hosts(request.headers.host)
  const asked = withoutSlash(target.path)
  if (asked !== path && !Object.hasOwn(plain, asked))
    throw new AppError('NOT_FOUND', `There is no websocket at ${target.path}.`)
  if (!originAllowed(request, origins))
    throw new AppError('FORBIDDEN', 'Pages from this origin may not connect. Add it to CORS_ORIGINS.')
  return asked
}

/** Returns the result of `check`. If it refuses, answers with its error and returns undefined. */
export function admits<Result>(stream: Duplex, check: () => Result): Result | undefined {
  try {
    return check()
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    endWithProblem(stream, error.status, error.code, error.message)
    return undefined
  }
}
