import { type CredentialLifetime, ENDLESS } from '../credential-lifetime.ts'
import { type AppError, unauthenticated } from '../errors.ts'
import type { GatewayConnection } from '../gateway-context.ts'

/** Longest delay of a timer. */
const MAX_DELAY_MS = 2 ** 31 - 1

/** The open streams and websockets of a gateway. Each ends with its credential or with the server. */
export function createLifetimes() {
  const open = new Set<Lifetime>()
  return {
    /** Opens one. An operation on a websocket lives as long as the websocket. */
    open(expiresAt: Date | undefined, connection?: GatewayConnection): CredentialLifetime {
      if (connection && connection.lifetime !== ENDLESS) return sharing(connection.lifetime)
      const lifetime = new Lifetime(() => open.delete(lifetime))
      lifetime.extend(expiresAt?.getTime() ?? null)
      open.add(lifetime)
      return lifetime
    },
    /** Ends all of them with the error. */
    endAll(reason: AppError): void {
      for (const lifetime of open) lifetime.end(reason)
    },
  }
}

const sharing = (lifetime: CredentialLifetime): CredentialLifetime => ({
  onEnd: (listener) => lifetime.onEnd(listener),
  extend: () => undefined,
  close: () => undefined,
})

class Lifetime implements CredentialLifetime {
  readonly #closed: () => void
  readonly #listeners = new Set<(reason: AppError) => void>()
  #timer: NodeJS.Timeout | undefined
  #reason: AppError | undefined

  constructor(closed: () => void) {
    this.#closed = closed
  }

  onEnd(listener: (reason: AppError) => void): () => void {
    if (this.#reason) listener(this.#reason)
    else this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  extend(expiresAt: number | null): void {
    clearTimeout(this.#timer)
    if (expiresAt === null || this.#reason) return
    const left = expiresAt - Date.now()
    const next = () =>
      left > MAX_DELAY_MS ? this.extend(expiresAt) : this.end(unauthenticated('The credential expired.'))
    this.#timer = setTimeout(next, Math.min(Math.max(left, 0), MAX_DELAY_MS))
    this.#timer.unref()
  }

  end(reason: AppError): void {
    if (this.#reason) return
    this.#reason = reason
    const listeners = [...this.#listeners]
    this.close()
    for (const listener of listeners) listener(reason)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#listeners.clear()
    this.#closed()
  }
}
