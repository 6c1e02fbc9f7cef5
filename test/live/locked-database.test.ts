import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { graphql, rest } from '../support/clients.ts'
import { onPostgres } from '../support/database.ts'
import { ownServerForTest, signUp } from '../support/server.ts'
import { openSocket } from '../support/sockets.ts'
import { until } from '../support/wait.ts'

// The embedded database has a single connection: no other client can lock anything.
const onManyConnections = test.skipIf(!onPostgres)

async function start(settings: Record<string, string>) {
  const server = await ownServerForTest(settings)
  const user = await signUp(server)
  const client = new pg.Client({ connectionString: server.config.DATABASE_URL })
  await client.connect()
  onTestFinished(() => client.end())
  const { body: task } = await rest(server, 'POST /tasks', { token: user.token, body: { title: 'Held' } })
  const change = (title: string) => rest(server, `PATCH /tasks/${task.id}`, { token: user.token, body: { title } })
  const waiting = async () => {
    const { rows } = await client.query(`SELECT FROM pg_locks WHERE NOT granted AND
      database = (SELECT oid FROM pg_database WHERE datname = current_database()) OR NOT granted AND database IS NULL`)
    return rows.length
  }
  return { server, ...user, client, id: task.id as string, change, waiting }
}

onManyConnections('a locked table fails what needs it, and nothing else', async () => {
  const { server, token, email, password, client } = await start({
    DATABASE_LOCK_TIMEOUT: '2000',
    DATABASE_QUEUE_TIMEOUT: '2000',
  })
  const list = () => rest(server, 'GET /tasks', { token })
  await client.query('BEGIN; LOCK TABLE "Task" IN ACCESS EXCLUSIVE MODE')
  // A download fails in its first chunk, not in its operation.
  const lists = [rest(server, 'GET /tasks/export?format=ndjson', { token }), ...Array.from({ length: 60 }, list)]
  const begun = await Promise.all([
    rest(server, 'GET /me', { token }),
    rest(server, 'GET /projects', { token }),
    rest(server, 'POST /auth/sign-in', { body: { email, password } }),
  ])
  expect(begun.map(({ status }) => status)).toEqual([200, 200, 200])
  const answers = await Promise.all(lists)
  for (const { status, headers } of answers) expect([status, headers.get('retry-after')]).toEqual([503, '1'])

  // The lock is known now, so that lists are refused at once instead of holding connections.
  let refused = lists
  for (let round = 0; round < 5; round++) {
    refused = [...refused, ...Array.from({ length: 20 }, list)]
    const { status } = await rest(server, 'POST /auth/sign-in', { body: { email, password } })
    expect([status, (await rest(server, 'GET /me', { token })).status]).toEqual([200, 200])
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
  }
  expect(new Set((await Promise.all(refused)).map(({ status }) => status))).toEqual(new Set([503]))
  await client.query('COMMIT')
  await until('lists work again', async () => (await list()).status === 200, 5_000)
})

onManyConnections('a row that is locked for less than DATABASE_LOCK_TIMEOUT is waited for, then refused', async () => {
  const { client, id, change, waiting } = await start({ DATABASE_LOCK_TIMEOUT: '3000' })
  const hold = () => client.query('SELECT FROM "Task" WHERE "id" = $1 FOR UPDATE', [id])
  await client.query('BEGIN')
  await hold()
  const patient = change('Patient')
  await until('the change waits', async () => (await waiting()) > 0)
  await client.query('COMMIT')
  expect((await patient).status).toBe(200)

  await client.query('BEGIN')
  await hold()
  const { status, headers, body } = await change('Late')
  expect([status, headers.get('retry-after')]).toEqual([503, '1'])
  expect(body.detail).toContain('DATABASE_LOCK_TIMEOUT')
  await client.query('COMMIT')
})

onManyConnections('a request that runs longer than REQUEST_TIMEOUT gets 503 through every door', async () => {
  const { server, token, client, id, change } = await start({
    REQUEST_TIMEOUT: '1000',
    DATABASE_LOCK_TIMEOUT: '60000',
  })
  expect((await change('In time')).status).toBe(200)
  await client.query('BEGIN')
  await client.query('SELECT FROM "Task" WHERE "id" = $1 FOR UPDATE', [id])
  const mutation = `mutation { updateTask(id: "${id}", input: { title: "Late" }) { id } }`
  const socket = await openSocket(server, { authorization: `Bearer ${token}` })
  const [overRest, overGraphql, overSocket] = await Promise.all([
    change('Late'),
    graphql(server, mutation, {}, { token }),
    socket.ask(mutation),
  ])
  expect([overRest.status, overRest.headers.get('retry-after')]).toEqual([503, '5'])
  expect(overRest.body.detail).toContain('REQUEST_TIMEOUT')
  expect(overGraphql.status).toBe(503)
  for (const { errors } of [overGraphql, overSocket]) expect(errors?.[0]?.message).toContain('REQUEST_TIMEOUT')
  await client.query('COMMIT')
  // What comes too late is not written into the answer.
  expect((await change('Afterwards')).status).toBe(200)
  expect(server.log.lines.filter(({ level }) => level === 'error')).toEqual([])
})

onManyConnections('a read-only database is not ready, and the answer says why', async () => {
  const { server, client } = await start({})
  const name = new URL(server.config.DATABASE_URL ?? '').pathname.slice(1)
  const ready = async () => {
    const response = await fetch(`${server.url}/readyz`)
    return { status: response.status, ...((await response.json()) as object) }
  }
  expect(await ready()).toEqual({ status: 'ready' })
  await client.query(`ALTER DATABASE "${name}" SET default_transaction_read_only TO on`)
  await client.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()`)
  await until('the server notices', async () => JSON.stringify(await ready()).includes('read-only'))
  expect(await ready()).toEqual({ status: 'unavailable', reason: 'the database is read-only: nothing can be changed' })
  await client.query(`SET default_transaction_read_only TO off`)
  await client.query(`ALTER DATABASE "${name}" RESET default_transaction_read_only`)
})
