import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

/** A TCP proxy in front of PostgreSQL that can lose, delay or refuse what it carries. */
export interface DatabaseProxy {
  /** The database's URL through this proxy. */
  url: string
  /** Number of open connections. */
  readonly connections: number
  /**
   * Drops all bytes in both directions and keeps the sockets open. Connections made meanwhile are
   * accepted and get no answer. All of them stay dead after `restore`.
   */
  loseEverything(): void
  /** Does the same to some of the connections that are open now. New ones work. */
  loseConnections(isLost: (index: number) => boolean): void
  /** Delays everything by this time in each direction. */
  delay(ms: number): void
  /** Lets new connections through again, without delay. */
  restore(): void
  close(): Promise<void>
}

interface Link {
  client: Socket
  server: Socket
  lost: boolean
}

export async function startDatabaseProxy(target: string): Promise<DatabaseProxy> {
  const { hostname, port } = new URL(target)
  const links = new Set<Link>()
  let losing = false
  let delayMs = 0

  const listener = createServer((client) => {
    const server = connect(Number(port || 5432), hostname)
    const link: Link = { client, server, lost: losing }
    links.add(link)
    carry(link, client, server)
    carry(link, server, client)
  })

  function carry(link: Link, from: Socket, to: Socket): void {
    from.setNoDelay(true)
    from.on('error', () => {})
    let waiting = 0
    let order = Promise.resolve()
    /** Delays what passes, which never overtakes what came before it. */
    const afterDelay = (pass: () => void) => {
      if (delayMs === 0 && waiting === 0) return pass()
      const due = performance.now() + delayMs
      waiting++
      order = order
        .then(() => wait(Math.max(0, due - performance.now())))
        .then(() => {
          waiting--
          pass()
        })
    }
    from.on('data', (chunk: Buffer) => {
      if (!link.lost) afterDelay(() => void (link.lost || to.destroyed || to.write(chunk)))
    })
    from.on('close', () => {
      links.delete(link)
      // A lost connection does not tell the other side that it has ended.
      if (!link.lost) afterDelay(() => to.destroy())
    })
  }

  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const url = new URL(target)
  url.hostname = '127.0.0.1'
  url.port = String((listener.address() as AddressInfo).port)
  const orphans = new Set<Socket>()

  return {
    url: url.href,
    get connections() {
      return links.size
    },
    loseEverything() {
      losing = true
      for (const link of links) lose(link)
    },
    loseConnections(isLost) {
      for (const [index, link] of [...links].entries()) if (isLost(index)) lose(link)
    },
    delay(ms) {
      delayMs = ms
    },
    restore() {
      losing = false
      delayMs = 0
    },
    async close() {
      listener.close()
      for (const socket of orphans) socket.destroy()
      for (const { client, server } of links) {
        client.destroy()
        server.destroy()
      }
    },
  }

  function lose(link: Link): void {
    link.lost = true
    orphans.add(link.server)
  }
}
