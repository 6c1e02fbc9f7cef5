import { AsyncLocalStorage } from 'node:async_hooks'
import type { Span } from '@opentelemetry/api'
import { codeOf } from './client-error.ts'

export type Protocol = 'http' | 'graphql' | 'rest' | 'sse' | 'websocket'

/**
 * What is known of one HTTP request, or of one operation on a websocket, when it is over: for logs
 * and metrics. Filled in while it runs. Holds no value that a client sent, except for names.
 */
export class Observation {
  readonly startedAt = performance.now()
  requestId: string
  /** `http` is neither GraphQL nor REST: a page, a file or a health check. */
  protocol: Protocol
  method: string | undefined
  /** Without the query string, which may contain a ticket. */
  path: string | undefined
  /** The root field of the operation, or `several`. Undefined if the request named none. */
  operation: string | undefined
  /** The name that a GraphQL client gave its operation. */
  operationName: string | undefined
  /** Ids of the caller, for the log. */
  viewer: Readonly<Record<string, string>> | undefined
  /** True for a subscription that was opened. */
  isStream = false
  /** HTTP status; 0 if the client left before the answer. Undefined on a websocket. */
  status: number | undefined
  /** Code of the first error of the answer. */
  code: string | undefined
  /** Points: see the complexity of an operation. */
  cost = 0
  /** Statements sent to the database. One that several requests share counts for one of them. */
  statements = 0
  /** Trace that the request belongs to, if its client or a tracer named one. */
  traceId: string | undefined
  span: Span | undefined
  /** Milliseconds from the request to the end of its answer, or of its stream. */
  duration = 0

  constructor(requestId: string, protocol: Protocol, method?: string, path?: string) {
    this.requestId = requestId
    this.protocol = protocol
    this.method = method
    this.path = path
  }

  /** Takes the code of the first error. */
  failed(errors: readonly Parameters<typeof codeOf>[0][] | undefined): void {
    const [error] = errors ?? []
    if (error) this.code ??= codeOf(error)
  }

  end(): void {
    this.duration = performance.now() - this.startedAt
  }
}

/** Called once for each request or operation, when it is over. Must not throw. */
export type Observer = (observation: Observation) => void

const current = new AsyncLocalStorage<Observation>()

/** Returns the observation of the request that is running; undefined if nobody observes. */
export function observed(): Observation | undefined {
  return current.getStore()
}

/** Runs the work of a request, which then finds its observation with `observed`. */
export function runObserved<T>(observation: Observation, work: () => T): T {
  return current.run(observation, work)
}
