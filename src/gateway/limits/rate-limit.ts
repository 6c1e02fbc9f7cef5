import type { ServerResponse } from 'node:http'
import { AppError } from '../errors.ts'

/** How many points each caller of a kind may spend in a window, and run at a time. */
export interface RatePolicy {
  /** In headers: letters only. */
  name: string
  points: number
  windowSeconds: number
  /** Maximum number of queries and mutations that run at a time. */
  running: number
  /** The settings of both limits, for messages. */
  settings: { points: string; running: string }
}

/** The account that pays for an operation. */
export interface Payer {
  /** Takes the points of an operation that is about to run. */
  spend(points: number): void
  /** Counts an operation that runs. Returns the error for one too many. */
  enter(): AppError | undefined
  leave(): void
  /** Sets the headers that say what is left (draft-ietf-httpapi-ratelimit-headers-10). */
  report(response: ServerResponse): void
}

/** Maximum number of callers counted per policy. One takes about 200 bytes. */
const MAX_ACCOUNTS = 100_000
/** Number of accounts that one sweep looks at. */
const SWEEP = 2_000
/** The part of its points that a caller spends before other servers hear of it. */
const SHARED_FROM = 1 / 100

/**
 * Counts what callers spend, in this process: a request costs one look-up. A request is admitted
 * while any points are left, so that the largest operation can run whatever the limit.
 */
export class RateLimiter {
  readonly policy: RatePolicy
  readonly policyHeader: string
  readonly #accounts = new Map<string, Account>()
  #sweeping = this.#accounts.values()
  /** Accounts that have spent points since they were last taken from here. */
  #changed: Account[] = []

  constructor(policy: RatePolicy) {
    this.policy = policy
    this.policyHeader = `"${policy.name}";q=${policy.points};w=${policy.windowSeconds}`
  }

  /** Takes one point for a request and returns who pays for the rest. Throws RATE_LIMITED. */
  admit(key: string): Account {
    let account = this.#accounts.get(key)
    if (!account) {
      account = new Account(this, key)
      if (this.#accounts.size >= MAX_ACCOUNTS) this.#forgetOldest()
      this.#accounts.set(key, account)
    }
    account.admit()
    return account
  }

  /** Forgets some callers whose window is over. Call it regularly. */
  sweep(): void {
    const now = Date.now()
    for (let looked = 0; looked < SWEEP; looked++) {
      const { value, done } = this.#sweeping.next()
      if (done) {
        this.#sweeping = this.#accounts.values()
        return
      }
      if (value.endsAt <= now && value.running === 0) this.#accounts.delete(value.key)
    }
  }

  /** An attacker can have many addresses. Whoever is forgotten starts anew. */
  #forgetOldest(): void {
    for (const key of this.#accounts.keys()) {
      this.#accounts.delete(key)
      return
    }
  }

  changed(account: Account): void {
    this.#changed.push(account)
  }

  /** Returns at most this many changed accounts, each once until it changes again. */
  takeChanged(most: number): Account[] {
    const taken = this.#changed.splice(0, most)
    for (const account of taken) account.isQueued = false
    return taken
  }

  get size(): number {
    return this.#accounts.size
  }
}

/** Counts one caller's points in the current window. All servers start windows at the same time. */
export class Account implements Payer {
  readonly key: string
  readonly #limiter: RateLimiter
  /** End of the window, in milliseconds since the epoch. */
  endsAt = 0
  /** Points spent on this server. */
  spent = 0
  /** Those of them that other servers can see. */
  shared = 0
  /** Points spent on other servers. */
  elsewhere = 0
  running = 0
  isQueued = false

  constructor(limiter: RateLimiter, key: string) {
    this.#limiter = limiter
    this.key = key
  }

  /** Throws RATE_LIMITED if nothing is left. */
  admit(): void {
    const { points, windowSeconds } = this.#limiter.policy
    const now = Date.now()
    if (now >= this.endsAt) {
      const windowMs = windowSeconds * 1_000
      this.endsAt = now - (now % windowMs) + windowMs
      this.spent = this.shared = this.elsewhere = 0
    }
    if (this.spent + this.elsewhere >= points) throw this.#exhausted(now)
    this.spend(1)
  }

  spend(points: number): void {
    this.spent += points
    if (this.isQueued || this.spent < this.#limiter.policy.points * SHARED_FROM) return
    this.isQueued = true
    this.#limiter.changed(this)
  }

  enter(): AppError | undefined {
    const { running, settings } = this.#limiter.policy
    if (this.running >= running) {
      const message = `You already run ${running} operations (${settings.running}). Wait for one to end.`
      return new AppError('RATE_LIMITED', message, { headers: { 'Retry-After': '1' } })
    }
    this.running++
    return undefined
  }

  leave(): void {
    this.running--
  }

  report(response: ServerResponse): void {
    // A refusal says which other limit it is about.
    if (response.hasHeader('RateLimit')) return
    response.setHeader('RateLimit', this.#left(Date.now()))
    response.setHeader('RateLimit-Policy', this.#limiter.policyHeader)
  }

  #left(now: number): string {
    const { name, points } = this.#limiter.policy
    return `"${name}";r=${Math.max(points - this.spent - this.elsewhere, 0)};t=${this.#seconds(now)}`
  }

  #seconds(now: number): number {
    return Math.max(Math.ceil((this.endsAt - now) / 1_000), 1)
  }

  #exhausted(now: number): AppError {
    const { policy, policyHeader } = this.#limiter
    const { points, windowSeconds, settings } = policy
    const seconds = this.#seconds(now)
    const message = `The ${points} points for ${windowSeconds} s are used up (${settings.points}). Try again in ${seconds} s.`
    return new AppError('RATE_LIMITED', message, {
      headers: { 'Retry-After': String(seconds), RateLimit: this.#left(now), 'RateLimit-Policy': policyHeader },
    })
  }
}
