import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * A proxy in front of PostgreSQL that records the statements of a server, so that a test can
 * compare the cost of requests.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export interface StatementRecorder {
  /** The same database, reached through the proxy. */
  url: string
  /** Records the statements executed during `work`, in order, without the background ones. */
  during<T>(work: () => Promise<T>): Promise<{ result: T; statements: string[] }>
  close(): Promise<void>
}

/** Statements that the server runs on its own: polling for events and connection setup. */
const BACKGROUND =
  /advance_event_log|"EventEpoch"|^SET |^LISTEN |pg_backend_pid|pg_is_in_recovery|pg_stat_activity|"Event" WHERE \("public"\."Event"\."position" > \$1 AND "public"\."Event"\."position" <= \$2\) ORDER/

export async function recordStatements(databaseUrl: string): Promise<StatementRecorder> {
  const target = new URL(databaseUrl)
  const sockets = new Set<Socket>()
  let noted: string[] | undefined
  const note = (sql: string) => void (BACKGROUND.test(sql) || noted?.push(sql))

  const proxy = createServer((client) => {
    const database = connect(Number(target.port || 5432), target.hostname)
    const read = statementReader(note)
    client.on('data', read)
    client.pipe(database).pipe(client)
    for (const [one, other] of [
      [client, database],
      [database, client],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const url = new URL(databaseUrl)
  url.hostname = '127.0.0.1'
  url.port = String((proxy.address() as AddressInfo).port)

  return {
    url: url.href,
    async during(work) {
      if (noted) throw new Error('only one piece of work can be recorded at a time')
      const statements: string[] = []
      noted = statements
      try {
        return { result: await work(), statements }
      } finally {
        noted = undefined
      }
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => proxy.close(resolve))
    },
  }
}

/** Parses the messages of a client on one connection and reports each executed statement. */
function statementReader(note: (sql: string) => void): (chunk: Buffer) => void {
  /** Prepared statements by name; the unnamed one is replaced each time. */
  const prepared = new Map<string, string>()
  let buffer = Buffer.alloc(0)
  let started = false

  function message(type: string, body: Buffer): void {
    const [first = '', second = ''] = body.toString('utf8').split('\0')
    if (type === 'Q') note(first)
    if (type === 'P') prepared.set(first, second)
    // Bind names a portal and its statement, and is sent once per execution.
    if (type === 'B') note(prepared.get(second) ?? `a statement ${second} that was never prepared`)
  }

  return (chunk) => {
    buffer = Buffer.concat([buffer, chunk])
    // The first message has no type.
    for (let head = started ? 1 : 0; buffer.length >= head + 4; head = started ? 1 : 0) {
      const length = head + buffer.readInt32BE(head)
      if (buffer.length < length) return
      if (started) message(String.fromCharCode(buffer[0] ?? 0), buffer.subarray(head + 4, length))
      started = true
      buffer = buffer.subarray(length)
    }
  }
}

/** The server's look-ups of viewers and its reads of new events, which happen at any time. */
export const OF_THE_SERVER =
  /FROM "Session" AS|FROM "ApiKey" AS t0 WHERE t0\."(id|hash)"|FROM "Event" AS t0 WHERE t0\."position"|advance_event_log|"EventEpoch"/
