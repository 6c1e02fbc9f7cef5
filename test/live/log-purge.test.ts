import { afterEach, describe, expect, test } from 'vitest'
import { startServer } from '../../src/app/server.ts'
import { readConfig } from '../../src/config.ts'
import { type Database, openDatabase } from '../../src/database/client.ts'
import { createHub } from '../../src/events/hub.ts'
import { encodeCursor, type LoggedEvent, oldestPosition, purgeLog, readLog } from '../../src/events/log.ts'
import { ALL_TOPICS } from '../../src/events/subscription.ts'
import { createTail } from '../../src/events/tail.ts'
import { graphql, rest, subscribe, websocketClient } from '../support/clients.ts'
import { openTestDatabase, testDatabase, urlSettings } from '../support/database.ts'
import { cursorOf } from '../support/factories.ts'
import { keepingLog, ownServerForTest, signUp } from '../support/server.ts'
import { graphqlStream } from '../support/sockets.ts'
import { until } from '../support/wait.ts'

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000)
const MONTH = daysAgo(30)
const never = new AbortController().signal

/** Writes arbitrary events. */
const write = (db: Database, count: number) => db.$executeRaw`
  INSERT INTO "Event" ("type", "projectId", "subjectId", "version", "changes")
  SELECT 'project.updated', gen_random_uuid(), gen_random_uuid(), 1, '{}' FROM generate_series(1, ${count}::int)`

/** Backdates events by more than a month. */
const age = (db: Database, positions: number[]) => db.$executeRaw`
  UPDATE "Event" SET "at" = now() - interval '31 days' WHERE "position" = ANY (${positions}::bigint[])`
const ageAll = (db: Database) => db.$executeRaw`UPDATE "Event" SET "at" = now() - interval '31 days'`

async function open() {
  const { handle, close } = await openTestDatabase()
  cleanUps.push(close)
  const tail = await createTail(handle)
  cleanUps.push(tail.close)
  const { db } = handle
  const positions = async () =>
    (await readLog(db, { after: 0n, limit: 10_000 })).map(({ position }) => Number(position))
  return { db, tail, positions }
}

describe('purging the log', () => {
  test('deletes expired events from the start, up to the first that is not expired', async () => {
    const { db, tail, positions } = await open()
    await write(db, 5)
    await tail.sync()
    await age(db, [1, 2, 4])
    expect(await purgeLog(db, MONTH, never)).toBe(2)
    expect(await positions()).toEqual([3, 4, 5])
    expect(await purgeLog(db, MONTH, never)).toBe(0)
  })

  test('keeps the newest event, however old, so that positions continue', async () => {
    const { db, tail, positions } = await open()
    await write(db, 4)
    await tail.sync()
    await ageAll(db)
    expect(await purgeLog(db, MONTH, never)).toBe(3)
    expect(await positions()).toEqual([4])
    await write(db, 1)
    expect(await tail.sync()).toBe(5n)
    expect(await purgeLog(db, MONTH, never)).toBe(1)
    expect(await positions()).toEqual([5])
  })

  test('keeps events without a position and accepts an empty log', async () => {
    const { db, tail, positions } = await open()
    expect(await purgeLog(db, MONTH, never)).toBe(0)
    await write(db, 2)
    await tail.sync()
    await tail.close()
    await write(db, 3)
    await ageAll(db)
    expect(await purgeLog(db, MONTH, never)).toBe(1)
    expect(await db.event.count()).toBe(4)
    expect(await positions()).toEqual([2])
  })

  test('deletes in batches until done or aborted', async () => {
    const { db, tail } = await open()
    await write(db, 2_500)
    await tail.sync()
    await ageAll(db)
    expect(await purgeLog(db, MONTH, AbortSignal.abort())).toBe(0)
    expect(await purgeLog(db, MONTH, never)).toBe(2_499)
    expect(await oldestPosition(db)).toBe(2_500n)
  })

  test('ends a stream that is replaying deleted events instead of leaving a gap', async () => {
    const { db, tail } = await open()
    const hub = createHub(tail, db)
    await write(db, 1_500)
    await tail.sync()
    const stream = hub.subscribe({ after: 0n, topics: ALL_TOPICS, select: (event: LoggedEvent) => event })
    const seen = [Number((await stream.next()).value?.position)]
    await ageAll(db)
    expect(await purgeLog(db, MONTH, never)).toBe(1_499)
    const rest = (async () => {
      for await (const event of stream) seen.push(Number(event.position))
    })()
    await expect(rest).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' })
    expect(seen).toEqual(Array.from(seen, (_, index) => index + 1))
    expect(seen.length).toBeLessThan(1_500)
    expect(hub.size).toBe(0)
  })
})

test('a cursor before the last purged event is CURSOR_EXPIRED over every protocol', async () => {
  const server = await ownServerForTest()
  const { token } = await signUp(server)
  const caller = { url: server.url, token }
  const expired = await cursorOf(caller)
  for (const title of ['One', 'Two', 'Three']) await rest(server, 'POST /tasks', { token, body: { title } })
  await cursorOf(caller)
  await ageAll(server.db)
  expect(await purgeLog(server.db, MONTH, never)).toBeGreaterThan(2)
  const oldest = (await oldestPosition(server.db)) ?? 0n
  const good = encodeCursor(oldest - 1n)

  const FOLLOW = 'subscription ($after: String) { taskEvents(after: $after) { cursor } }'
  const codeOf = ({ errors }: { errors?: { extensions: { code: string } }[] }) => errors?.[0]?.extensions.code
  const followed = (after: string) => FOLLOW.replace('($after: String)', '').replace('$after', `"${after}"`)
  const doors: Record<string, (after: string) => Promise<unknown>> = {
    'GraphQL query': async (after) =>
      codeOf(
        await graphql(
          server,
          'query ($after: String) { events(after: $after) { nodes { type } } }',
          { after },
          { token },
        ),
      ),
    websocket: async (after) => {
      const { inbox, stop } = subscribe(websocketClient(server, token), FOLLOW, { after })
      const answer = await inbox.next().catch((errors: unknown) => ({ errors }) as never)
      stop()
      return codeOf(answer)
    },
    'GraphQL over SSE': async (after) =>
      codeOf(await (await graphqlStream(server, followed(after), { token })).inbox.next()),
    REST: async (after) => (await rest(server, `GET /events?after=${after}`, { token })).body.code,
  }
  for (const [door, ask] of Object.entries(doors)) {
    expect(await ask(expired), door).toBe('CURSOR_EXPIRED')
    expect(await ask(good), door).toBeUndefined()
  }
  for (const path of ['/events/stream', '/tasks/events']) {
    const byQuery = await rest(server, `GET ${path}?after=${expired}`, { token })
    expect([byQuery.status, byQuery.body.code]).toEqual([410, 'CURSOR_EXPIRED'])
    expect(byQuery.body.errors[0].path).toEqual(['query', 'after'])
    const byHeader = await rest(server, `GET ${path}`, { token, headers: { 'last-event-id': expired } })
    expect([byHeader.status, byHeader.body.errors[0].path]).toEqual([410, ['header', 'Last-Event-ID']])
    expect((await rest(server, `HEAD ${path}?after=${good}`, { token })).status).toBe(200)
  }
})

test('a server purges events older than EVENT_RETENTION_DAYS at startup', async () => {
  const { options, drop } = await testDatabase()
  cleanUps.push(drop)
  const before = await openDatabase(options)
  await write(before.db, 3)
  const tail = await createTail(before)
  await tail.sync()
  await tail.close()
  await before.db.$executeRaw`UPDATE "Event" SET "at" = now() - interval '3 days' WHERE "position" = 1`
  await before.db.$executeRaw`UPDATE "Event" SET "at" = now() - interval '1 day' WHERE "position" = 2`
  await before.close()
  const log = keepingLog()
  const server = await startServer(
    readConfig({
      PORT: '0',
      DATA_DIR: options.dataDir,
      JWT_SECRET: 'a secret for tests that is long enough',
      EVENT_RETENTION_DAYS: '2',
      ...urlSettings(options),
    }),
    log,
  )
  cleanUps.push(() => server.close())
  await until('it is logged', () => log.lines.some(({ details }) => (details as { chore?: string }).chore === 'events'))
  expect(await oldestPosition(server.db)).toBe(2n)
})
