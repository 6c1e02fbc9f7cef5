import type { Socket } from 'node:net'
import type pg from 'pg'
import { DatabaseBusyError } from './limits.ts'

/** The parts of a `pg` client that show whether its connection is alive. */
export interface WatchedClient {
  readonly connection: { readonly stream: Pick<Socket, 'bytesRead' | 'destroy'> }
  /** Process id of the backend, once connected. */
  readonly processID: number | null
  /** False while the server owes an answer. Undefined until connected. */
  readonly readyForQuery?: boolean
}

/** `pg` neither documents nor types these fields, but `pg-pool` and others rely on them. */
export const watchedClient = (client: pg.Client) => client as unknown as WatchedClient

interface Sight {
  bytesRead: number
  /** Number of looks since the last byte during which the server owed an answer. */
  quiet: number
  /** Number of times that the server was not working on what it was asked. */
  missing: number
}

/** Looks at the connections per silence limit. */
export const LOOKS = 6
/** Number of quiet looks after which the server is asked what it does for a connection. */
const QUIET_LOOKS = 2
/** Number of times after which a connection is dead for which the server does nothing. */
const MISSING_LIMIT = 2

/**
 * Finds dead connections by counting received bytes, which costs statements nothing. Time is
 * counted in looks: if this process itself was stopped for a while, that is no silence.
 */
export class ConnectionWatch {
  readonly #clients: ReadonlySet<WatchedClient>
  readonly #sights = new WeakMap<WatchedClient, Sight>()
  /** Number of looks since any connection received a byte. */
  #quiet = 0

  constructor(clients: ReadonlySet<WatchedClient>) {
    this.#clients = clients
  }

  /**
   * Looks at all connections and closes those that were silent while they connected. `prompt` is
   * one whose statements never take long. Returns what was heard since the last look.
   */
  look(prompt: WatchedClient | undefined): 'something' | 'nothing' | 'silence' {
    let heard = false
    let waiting = false
    for (const client of this.#clients) {
      const sight = this.#sightOf(client)
      const { bytesRead } = client.connection.stream
      if (bytesRead !== sight.bytesRead) {
        Object.assign(sight, { bytesRead, quiet: 0, missing: 0 })
        heard = true
      } else if (client.readyForQuery === true) {
        sight.quiet = 0
      } else {
        waiting = true
        sight.quiet++
        const isPrompt = client === prompt || client.readyForQuery === undefined
        if (isPrompt && sight.quiet >= LOOKS) closeDead(client)
      }
    }
    if (heard) this.#quiet = 0
    else if (waiting) this.#quiet++
    if (heard) return 'something'
    return this.#quiet >= LOOKS ? 'silence' : 'nothing'
  }

  /** Returns the connected clients that have waited for a while, by the process id of their backend. */
  suspects(prompt: WatchedClient): Map<number, WatchedClient> {
    const found = new Map<number, WatchedClient>()
    for (const client of this.#clients) {
      if (client === prompt || client.readyForQuery !== false || client.processID === null) continue
      if (this.#sightOf(client).quiet >= QUIET_LOOKS) found.set(client.processID, client)
    }
    return found
  }

  /** Closes a suspect that the server does not work for, if it has said so before. */
  notWorkingFor(client: WatchedClient): void {
    const sight = this.#sightOf(client)
    // It may have answered meanwhile.
    if (client.readyForQuery !== false || client.connection.stream.bytesRead !== sight.bytesRead) return
    if (++sight.missing >= MISSING_LIMIT) closeDead(client)
  }

  /** Closes all connections, because none can be trusted after a silence. */
  closeAll(): void {
    this.#quiet = 0
    for (const client of this.#clients) closeDead(client)
  }

  #sightOf(client: WatchedClient): Sight {
    let sight = this.#sights.get(client)
    if (!sight) {
      sight = { bytesRead: 0, quiet: 0, missing: 0 }
      this.#sights.set(client, sight)
    }
    return sight
  }
}

export const silence = () => new DatabaseBusyError('The database has not answered in DATABASE_SILENCE_TIMEOUT.')

function closeDead({ connection }: WatchedClient): void {
  connection.stream.destroy(silence())
}
