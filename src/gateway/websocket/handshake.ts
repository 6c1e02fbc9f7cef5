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
  /** Origins of pages that may connect, besides our own. */
  origins: readonly string[]
  /** Throws if this server is not reached under the name in the Host header. */
  hosts: HostRule
}

/** Throws if an upgrade request asks for something else, or comes from a page that may not connect. */
export function checkHandshake(request: IncomingMessage, { path, hosts, origins }: HandshakeRules): void {
  const target = readTarget(request)
  requireHost(request)
  hosts(request.headers.host)
  if (withoutSlash(target.path) !== path) throw new AppError('NOT_FOUND', `There is no websocket at ${target.path}.`)
  if (!originAllowed(request, origins))
    throw new AppError('FORBIDDEN', 'Pages from this origin may not connect. Add it to CORS_ORIGINS.')
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
