import { AppError } from '../errors.ts'
import type { ContextFactory, GatewayContext, GatewayLog, GatewayRequest } from '../gateway-context.ts'
import { observed } from '../observation.ts'
import type { createLifetimes } from './lifetimes.ts'
import type { StoredAnswers } from './stored-answers.ts'

/** A signed-in caller. */
export interface Caller {
  /** Limits and stored answers are kept for each id. */
  id: string
  /** When the credential expires. Ends the caller's streams and websockets. */
  expiresAt?: Date
}

/** What every resolver gets, besides what the application adds. */
export interface CallerContext<Signed extends Caller = Caller> extends GatewayContext {
  /** Null if nobody is signed in. */
  caller: Signed | null
}

export interface ContextSource<Signed extends Caller, Own extends object> {
  /**
   * Returns the caller of a request, or null without a credential. Throws `unauthenticated()` for
   * an invalid one: public operations still work, others answer with its message.
   */
  authenticate?: (request: GatewayRequest) => Signed | null | Promise<Signed | null>
  /** Returns what else resolvers get. Called for each request, and for each event of a stream. */
  context?: (request: GatewayRequest, caller: Signed | null) => Own
}

interface Parts<Signed extends Caller, Own extends object> extends ContextSource<Signed, Own> {
  log: GatewayLog
  lifetimes: ReturnType<typeof createLifetimes>
  answers: StoredAnswers
}

/** Creates the context factory of a gateway. */
export function createContexts<Signed extends Caller, Own extends object>(
  parts: Parts<Signed, Own>,
): ContextFactory<CallerContext<Signed> & Own> {
  type Context = CallerContext<Signed> & Own
  const { authenticate, context, log, lifetimes, answers } = parts

  return async (request) => {
    const { caller, problem } = await identify(request)
    const { requestId } = request
    const observation = observed()
    if (observation && caller) observation.viewer = { userId: caller.id }
    const build = (): Context => {
      const built: CallerContext<Signed> = {
        requestId,
        caller,
        principal: caller?.id ?? null,
        credentialProblem: problem,
        log: withRequest(log, requestId),
        fork: () => build() as never,
        once: (keyed, run) => answers.once(built.principal, keyed, () => run(built as never)),
        afterWrite: () => undefined,
        openLifetime: () => lifetimes.open(caller?.expiresAt, request.connection),
      }
      return Object.assign(built, context?.(request, caller)) as Context
    }
    return build()
  }

  async function identify(request: GatewayRequest): Promise<{ caller: Signed | null; problem: string | null }> {
    try {
      return { caller: (await authenticate?.(request)) ?? null, problem: null }
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'UNAUTHENTICATED') throw error
      return { caller: null, problem: error.message }
    }
  }
}

/** Adds the request's id to each line. */
function withRequest(log: GatewayLog, requestId: string): GatewayLog {
  return {
    debug: (details, message) => log.debug({ requestId, ...details }, message),
    info: (details, message) => log.info({ requestId, ...details }, message),
    warn: (details, message) => log.warn({ requestId, ...details }, message),
    error: (details, message) => log.error({ requestId, ...details }, message),
  }
}
