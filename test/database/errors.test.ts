import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../src/database/client.ts'
import { openDatabase } from '../../src/database/client.ts'
import { toAppError } from '../../src/database/errors.ts'
import { AppError } from '../../src/gateway/errors.ts'
import { onPostgres, openTestDatabase, testDatabase } from '../support/database.ts'
import { makeProject, makeTask, makeUser } from '../support/rows.ts'
import { until } from '../support/wait.ts'

let opened: Awaited<ReturnType<typeof openTestDatabase>>
let db: Database
let project: Awaited<ReturnType<typeof makeProject>>

beforeAll(async () => {
  opened = await openTestDatabase()
  db = opened.handle.db
  project = await makeProject(db)
})
afterAll(() => opened.close())

/**
 * Returns the code and paths that a client sees of a failed call, or "masked" if it sees nothing.
 */
async function seenError(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => 'no error',
    (reason) => toAppError(reason),
  )
  if (!(error instanceof AppError)) return error ?? 'masked'
  expect(error.message).not.toMatch(/prisma|invocation|relation "|constraint "/i)
  return [error.code, ...error.issues.map((issue) => issue.path.join('.'))].join(' ')
}

const raise = (state: string) =>
  db.$executeRawUnsafe(`DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '${state}'; END $$`)

describe('a database error, of a model call or a raw query,', () => {
  test.each<[string, string, () => Promise<unknown>]>([
    ['NUL in a text', 'VALIDATION_FAILED', () => makeProject(db, { name: 'a\0b' })],
    ['NUL in a filter', 'VALIDATION_FAILED', () => db.project.findMany({ where: { name: 'a\0b' } })],
    ['NUL in SQL', 'VALIDATION_FAILED', () => db.$queryRaw`SELECT ${'a\0b'}::text`],
    ['an invalid id', 'VALIDATION_FAILED', () => db.project.findUnique({ where: { id: 'x' } })],
    ['an invalid id in SQL', 'VALIDATION_FAILED', () => db.$queryRaw`SELECT ${'x'}::uuid`],
    ['a number out of range', 'VALIDATION_FAILED', () => makeTask(db, project.id, { priority: 70_000 })],
    ['a number out of range in SQL', 'VALIDATION_FAILED', () => db.$queryRaw`SELECT ${'99999999999'}::int`],
    [
      'a time before Christ',
      'VALIDATION_FAILED dueAt',
      () => makeTask(db, project.id, { dueAt: new Date('-000100-01-01T00:00:00Z') }),
    ],
    ['a check', 'VALIDATION_FAILED priority', () => makeTask(db, project.id, { priority: 9 })],
    [
      'a check in SQL',
      'VALIDATION_FAILED key',
      () => db.$executeRaw`INSERT INTO "Project" ("id", "key", "name") VALUES (gen_random_uuid(), 'x', 'X')`,
    ],
    ['a year beyond 9999', 'VALIDATION_FAILED dueAt', () => makeTask(db, project.id, { dueAt: new Date(8.64e15) })],
    ['a taken key', 'CONFLICT key', () => makeProject(db, { key: project.key })],
    ['a taken id', 'CONFLICT id', () => makeProject(db, { id: project.id })],
    ['a reference to nothing', 'NOT_FOUND projectId', () => makeTask(db, randomUUID())],
    ['an update of nothing', 'NOT_FOUND', () => db.task.update({ where: { id: randomUUID() }, data: { title: 'x' } })],
    ['a serialization failure', 'CONFLICT', () => raise('40001')],
    ['a deadlock', 'CONFLICT', () => raise('40P01')],
    ['too many connections', 'UNAVAILABLE', () => raise('53300')],
    ['a server that starts up', 'UNAVAILABLE', () => raise('57P03')],
    ['a server that turned read-only', 'UNAVAILABLE', () => raise('25006')],
    ['a bug of the server', 'masked', () => db.$queryRaw`SELECT * FROM nowhere`],
  ])('%s: %s', async (_name, expected, call) => {
    expect(await seenError(call())).toBe(expected)
  })

  test('names every column of a unique key', async () => {
    const data = { projectId: project.id, userId: (await makeUser(db)).id, role: 'OWNER' as const }
    await db.membership.create({ data })
    expect(await seenError(db.membership.create({ data }))).toBe('CONFLICT userId projectId')
    const raw = db.$executeRaw`INSERT INTO "Project" ("id", "key", "name") VALUES (gen_random_uuid(), ${project.key}, '')`
    expect(await seenError(raw)).toBe('CONFLICT key')
  })

  test('a transaction that cannot start, or takes too long, is UNAVAILABLE', async () => {
    const slow = db.$transaction(
      (tx) =>
        until('a read fails', async () => {
          await tx.user.findFirst()
          return false
        }),
      { timeout: 30 },
    )
    expect(await seenError(slow)).toBe('UNAVAILABLE')
  })

  test.runIf(onPostgres)('a lost connection is UNAVAILABLE, and the next call gets a new one', async () => {
    expect(await seenError(db.$queryRaw`SELECT pg_terminate_backend(pg_backend_pid())::text`)).toBe('UNAVAILABLE')
    expect(await db.$queryRaw`SELECT 1 AS one`).toEqual([{ one: 1 }])
  })

  test.runIf(onPostgres)('an unreachable server is UNAVAILABLE', async () => {
    const url = new URL(opened.options.url ?? '')
    url.port = '1'
    expect(await seenError(openDatabase({ url: url.href, dataDir: '' }))).toBe('UNAVAILABLE')
  })

  test('a closed database is UNAVAILABLE', async () => {
    const { options, drop } = await testDatabase()
    const handle = await openDatabase(options)
    await handle.close()
    expect(await seenError(handle.db.user.findFirst())).toBe('UNAVAILABLE')
    await expect(handle.ping()).rejects.toThrow()
    await drop()
  })

  test('an AppError stays as it is, and other errors are not converted', () => {
    const error = new AppError('FORBIDDEN', 'no')
    expect(toAppError(error)).toBe(error)
    expect(toAppError(new TypeError('x'))).toBeUndefined()
    expect(toAppError('x')).toBeUndefined()
  })
})
