import pg from 'pg'
import { Gate } from './gate.ts'
import type { DatabaseLimits } from './limits.ts'
import type { TableLocks } from './table-locks.ts'
import { type WatchedClient, watchedClient } from './watch.ts'

/**
 * Hears of each statement, in the asynchronous context of its caller. It may return what is to be
 * called when the statement is over.
 */
export type StatementObserver = (text: string) => ((failed: boolean) => void) | undefined

export interface PoolSetup {
  config: pg.PoolConfig
  size: number
  limits: DatabaseLimits
  tableNames: (text: string) => readonly string[]
  locks: TableLocks
  /** All clients of all pools, connected or not. */
  clients: Set<WatchedClient>
  onStatement?: StatementObserver | undefined
}

type Query = string | { text?: string }
type Run = (config: Query, values?: unknown) => Promise<pg.QueryResult>

const IN_TRANSACTION = ['in a transaction']

const ignore = () => {}

/**
 * A pool whose connections are shared out by a gate. Unlike in its base class, a statement that
 * fails does not close its connection, and a connection can be watched from its first packet on.
 */
export class GatedPool extends pg.Pool {
  readonly #setup: PoolSetup
  readonly #gate: Gate
  /** Connects as the base class does. */
  readonly #open: () => Promise<pg.PoolClient>

  constructor(setup: PoolSetup) {
    super({ ...setup.config, max: setup.size, Client: clientClass(setup) })
    this.#setup = setup
    const { queueMs, queueLength } = setup.limits
    this.#gate = new Gate({ size: setup.size, queueMs, queueLength })
    this.#open = this.connect.bind(this) as () => Promise<pg.PoolClient>
    // The base class declares these with overloads for callbacks, which nothing here uses.
    Object.assign(this, { query: this.#query, connect: this.#connect })
  }

  /** Number of connections for which work waits, and that work holds. */
  get load(): { running: number; waiting: number } {
    return this.#gate.load
  }

  /** Refuses all work with this error until `resume`. */
  refuse(error: Error): void {
    this.#gate.close(error)
  }

  resume(): void {
    this.#gate.open()
  }

  readonly #query: Run = async (config, values) => {
    const { tableNames, locks } = this.#setup
    const tables = tableNames(textOf(config) ?? '')
    locks.require(tables)
    const waiting = this.#gate.enter(tables)
    if (waiting !== undefined) await waiting
    try {
      const client = await this.#open()
      // The statement fails too. Without a listener, the event would end the process.
      client.on('error', ignore)
      let failure: Error | undefined
      try {
        return await (client.query as Run)(config, values)
      } catch (error) {
        if (!isOfStatement(error)) failure = error as Error
        throw error
      } finally {
        client.off('error', ignore)
        client.release(failure)
      }
    } finally {
      this.#gate.leave(tables)
    }
  }

  /** Connects for a transaction. */
  readonly #connect = async (): Promise<pg.PoolClient> => {
    const waiting = this.#gate.enter(IN_TRANSACTION)
    if (waiting !== undefined) await waiting
    try {
      const client = await this.#open()
      const release = client.release
      client.release = (error) => {
        this.#gate.leave(IN_TRANSACTION)
        release(error)
      }
      return client
    } catch (error) {
      this.#gate.leave(IN_TRANSACTION)
      throw error
    }
  }
}

/** Checks for an error after which the connection can be used again. */
const isOfStatement = (error: unknown) => (error as { severity?: unknown }).severity === 'ERROR'

const textOf = (config: Query) => (typeof config === 'string' ? config : config.text)

/** Returns the class of a pool's connections. */
function clientClass({ tableNames, locks, clients, onStatement }: PoolSetup): new () => pg.Client {
  return class extends pg.Client {
    constructor(config?: string | pg.ClientConfig) {
      super(config)
      const self = watchedClient(this)
      clients.add(self)
      this.once('end', () => void clients.delete(self))
      // Statements in a transaction are checked here only.
      const query: Run = (config, values) => {
        try {
          locks.require(tableNames(textOf(config) ?? ''))
        } catch (error) {
          return Promise.reject(error)
        }
        const end = onStatement?.(textOf(config) ?? '')
        const running = Reflect.apply(pg.Client.prototype.query as Run, this, [config, values])
        if (end) {
          running.then(
            () => end(false),
            () => end(true),
          )
        }
        return running
      }
      Object.assign(this, { query })
    }
  } as new () => pg.Client
}
