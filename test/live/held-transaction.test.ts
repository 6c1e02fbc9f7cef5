import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { eventStream, rest } from '../support/clients.ts'
import { onPostgres } from '../support/database.ts'
import { addTo, signUpAt } from '../support/people.ts'
import { ownServerForTest, signUp, type TestServer } from '../support/server.ts'
import { openSocket } from '../support/sockets.ts'
import { until } from '../support/wait.ts'

// The embedded database has a single connection: an open transaction blocks all other writers.
const onManyConnections = test.skipIf(!onPostgres)

/** More events than the tail reads in one batch. */
const MANY = 1_500

async function start() {
  const server = await ownServerForTest()
  const { token } = await signUp(server)
  const { body: project } = await rest(server, 'POST /projects', { token, body: { key: 'HELD', name: 'Held' } })
  const write = async (title: string): Promise<string> =>
    (await rest(server, 'POST /tasks', { token, body: { title, projectId: project.id } })).body.id
  return { server, token, projectId: project.id as string, write }
}

async function connect(server: TestServer): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: server.config.DATABASE_URL })
  await client.connect()
  onTestFinished(() => client.end())
  return client
}

onManyConnections(
  'an open transaction that has written delays no other events, and its own arrive on commit',
  async () => {
    const { server, token, write } = await start()
    const held = await write('Held')
    const { inbox } = await eventStream(server, '/tasks/events', { token })
    const { cursor } = (await rest(server, 'GET /events/cursor', { token })).body
    const client = await connect(server)
    await client.query('BEGIN')
    await client.query(`UPDATE "Task" SET "title" = 'Changed' WHERE "id" = $1`, [held])

    const written: string[] = []
    for (let index = 0; index < 20; index++) {
      const id = await write(`Beside ${index}`)
      // Each comes while the transaction is still open.
      expect((await inbox.next()).data.taskId).toBe(id)
      written.push(id)
    }
    await client.query('COMMIT')
    expect((await inbox.next()).data).toMatchObject({ taskId: held, type: 'task.updated', version: 2 })
    const resumed = await eventStream(server, `/tasks/events?after=${cursor}`, { token })
    for (const id of [...written, held]) expect((await resumed.inbox.next()).data.taskId).toBe(id)
  },
)

onManyConnections('16 concurrent writers of one task produce consecutive versions, each streamed once', async () => {
  const { server, token, write } = await start()
  const id = await write('Contended')
  const { inbox } = await eventStream(server, '/tasks/events', { token })
  const change = (title: string) => rest(server, `PATCH /tasks/${id}`, { token, body: { title } })
  const answers = await Promise.all(Array.from({ length: 16 }, (_, index) => change(`Title ${index}`)))
  expect(answers.map(({ body }) => body.version).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 16 }, (_, i) => i + 2),
  )
  for (let version = 2; version <= 17; version++)
    expect((await inbox.next()).data).toMatchObject({ taskId: id, version })
})

onManyConnections(
  'a removed member receives no event committed after the removal, even if it was written before',
  async () => {
    const { server, token, projectId, write } = await start()
    const member = await signUpAt(server)
    await addTo({ url: server.url, token }, projectId, member.email, 'VIEWER')
    await write('Before')
    const { inbox: overSse } = await eventStream(server, '/tasks/events', { token: member.token })
    const socket = await openSocket(server, { authorization: `Bearer ${member.token}` })
    const overSocket = socket.follow('subscription { taskEvents { task { title } changes { field to } } }')
    await socket.ask('{ eventCursor }')

    // Blocks the assignment of positions until everything is committed.
    const positions = await connect(server)
    await positions.query(`SELECT pg_advisory_lock(hashtextextended('taskwire.event_positions', 0))`)
    const writer = await connect(server)
    await writer.query('BEGIN')
    const task = `INSERT INTO "Task" ("id", "projectId", "title") VALUES (gen_random_uuid(), $1, $2)`
    await writer.query('UPDATE "Task" SET "title" = $2 WHERE "projectId" = $1', [projectId, 'Written first'])
    const remover = await connect(server)
    await remover.query(
      `INSERT INTO "Project" ("id", "key", "name") SELECT gen_random_uuid(), 'N' || n, '' FROM generate_series(1, ${MANY}) n`,
    )
    await remover.query('DELETE FROM "Membership" WHERE "userId" = $1 AND "projectId" = $2', [member.id, projectId])
    await writer.query('COMMIT')
    await positions.query(`SELECT pg_advisory_unlock(hashtextextended('taskwire.event_positions', 0))`)

    const { rows } = await remover.query('SELECT "inboxId" FROM "User" WHERE "id" = $1', [member.id])
    await remover.query(task, [rows[0].inboxId, 'The last'])
    expect((await overSse.next()).data.task.title).toBe('The last')
    expect((await overSocket.next()).data.taskEvents.task.title).toBe('The last')
  },
)

onManyConnections(
  'a removed member does not see the later state of a task in an event from before the removal',
  async () => {
    const { server, token, projectId, write } = await start()
    const member = await signUpAt(server)
    await addTo({ url: server.url, token }, projectId, member.email, 'VIEWER')
    const task = await write('Public')
    const { inbox } = await eventStream(server, '/tasks/events', { token: member.token })
    const waiting = async (what: string) => {
      const [{ count } = { count: 0n }] = await server.db.$queryRawUnsafe<{ count: bigint }[]>(
        `SELECT count(*) AS count FROM pg_locks WHERE NOT granted AND ${what}
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      )
      return count > 0n
    }
    const lockPositions = `SELECT pg_advisory_lock(hashtextextended('taskwire.event_positions', 0))`
    const positions = await connect(server)
    await positions.query(lockPositions)
    const writer = await connect(server)
    await writer.query(`UPDATE "Task" SET "title" = 'Still public' WHERE "id" = $1`, [task])
    // The event cannot be delivered yet. When it is, its task cannot be read.
    await writer.query('BEGIN')
    await writer.query('LOCK TABLE "Task" IN ACCESS EXCLUSIVE MODE')
    await positions.query('SELECT pg_advisory_unlock_all()')
    await until('the stream waits for the task', () => waiting(`relation = '"Task"'::regclass`))
    // From here on the server cannot learn of anything new.
    await positions.query(lockPositions)
    await writer.query('DELETE FROM "Membership" WHERE "userId" = $1 AND "projectId" = $2', [member.id, projectId])
    await writer.query(`UPDATE "Task" SET "title" = 'Secret' WHERE "id" = $1`, [task])
    await writer.query('COMMIT')
    await until('the stream has read the task', async () => !(await waiting(`relation = '"Task"'::regclass`)))
    await until('the server asks for positions', () => waiting(`locktype = 'advisory'`))
    await positions.query('SELECT pg_advisory_unlock_all()')
    const { rows } = await writer.query('SELECT "inboxId" FROM "User" WHERE "id" = $1', [member.id])
    await writer.query(`INSERT INTO "Task" ("id", "projectId", "title") VALUES (gen_random_uuid(), $1, 'The last')`, [
      rows[0].inboxId,
    ])
    expect((await inbox.next()).data.task.title).toBe('The last')
  },
)
