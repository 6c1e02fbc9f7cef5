import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../src/database/client.ts'
import { onPostgres, openTestDatabase } from '../support/database.ts'
import { makeProject, makeTask } from '../support/rows.ts'

const WRITERS = 16
const WRITES = 40
const ASSIGNERS = 3

let opened: Awaited<ReturnType<typeof openTestDatabase>>
let db: Database

beforeAll(async () => {
  opened = await openTestDatabase()
  db = opened.handle.db
})
afterAll(() => opened.close())

describe('positions', () => {
  test('are assigned once, in the order of the changes, and at most a batch at a time', async () => {
    for (let index = 0; index < 5; index++) await makeProject(db)
    const assign = async () => {
      const rows = await db.$queryRaw<{ newest: bigint }[]>`SELECT assign_event_positions(2) AS newest`
      return rows[0]?.newest
    }
    expect([await assign(), await assign(), await assign(), await assign()]).toEqual([2n, 4n, 5n, 5n])
    const events = await db.event.findMany({ orderBy: { seq: 'asc' } })
    expect(events.map((event) => event.position)).toEqual([1n, 2n, 3n, 4n, 5n])
  })

  test.runIf(onPostgres)('cannot be assigned in a transaction with a fixed snapshot', async () => {
    const call = db.$transaction((tx) => tx.$queryRaw`SELECT assign_event_positions(1)`, {
      isolationLevel: 'RepeatableRead',
    })
    await expect(call).rejects.toThrow('READ COMMITTED')
  })

  test.runIf(onPostgres)(
    'are never lost, repeated or reordered with many writers, some slow and some that roll back',
    async () => {
      const project = await makeProject(db)
      const hot = await makeTask(db, project.id)
      const own = await Promise.all(Array.from({ length: WRITERS }, () => makeTask(db, project.id)))
      const connect = async () => {
        const client = new pg.Client(opened.options.url)
        await client.connect()
        return client
      }
      let writing = true

      const writers = own.map(async (task, writer) => {
        const client = await connect()
        for (let index = 0; index < WRITES; index++) {
          await client.query('BEGIN')
          await client.query(`UPDATE "Task" SET "title" = $2 WHERE "id" = $1`, [task.id, `${writer} ${index}`])
          // A long transaction: others with greater sequence numbers commit before it.
          if (index % 10 === writer % 10) await client.query('SELECT pg_sleep(0.03)')
          if (index % 4 === 0)
            await client.query(`UPDATE "Task" SET "title" = $2 WHERE "id" = $1`, [hot.id, `${writer} ${index}`])
          await client.query(index % 7 === 3 ? 'ROLLBACK' : 'COMMIT')
        }
        await client.end()
      })

      const assigners = Array.from({ length: ASSIGNERS }, async () => {
        const client = await connect()
        while (writing) await client.query('SELECT assign_event_positions(50)')
        await client.end()
      })

      // A reader that follows by position and never looks back.
      const seen: { position: string; subjectId: string; version: number }[] = []
      const reader = (async () => {
        const client = await connect()
        for (let done = false; !done; ) {
          done = !writing
          const { rows } = await client.query(
            'SELECT "position", "subjectId", "version" FROM "Event" WHERE "position" > $1 ORDER BY "position" LIMIT 100',
            [seen.at(-1)?.position ?? 0],
          )
          seen.push(...rows)
          if (rows.length > 0) done = false
        }
        await client.end()
      })()

      await Promise.all(writers)
      let given = 0n
      for (let before = -1n; given !== before; ) {
        before = given
        const rows = await db.$queryRaw<{ newest: bigint }[]>`SELECT assign_event_positions(1000) AS newest`
        given = rows[0]?.newest ?? 0n
      }
      writing = false
      await Promise.all([...assigners, reader])

      expect(await db.event.count({ where: { position: null } })).toBe(0)
      expect(await db.event.count()).toBe(Number(given))
      expect(seen.map((event) => BigInt(event.position))).toEqual(
        Array.from({ length: Number(given) }, (_, index) => BigInt(index + 1)),
      )
      for (const { id } of [hot, ...own]) {
        const versions = seen.filter((event) => event.subjectId === id).map((event) => event.version)
        expect(versions).toEqual(Array.from({ length: versions.length }, (_, index) => index + 1))
      }
      // Commits per writer: 40 minus those rolled back (index 3, 10, 17, 24, 31, 38),
      // plus the creation.
      expect(seen.filter((event) => event.subjectId === own[0]?.id)).toHaveLength(WRITES - 6 + 1)
    },
  )
})
