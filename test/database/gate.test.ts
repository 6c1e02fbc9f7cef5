import { describe, expect, test } from 'vitest'
import { Gate } from '../../src/database/gate.ts'
import { DatabaseBusyError } from '../../src/database/limits.ts'
import { createTableNames } from '../../src/database/table-locks.ts'

const LIMITS = { size: 10, queueMs: 60_000, queueLength: 3 }

/** Enters this often. Returns the promises of those that wait. */
function enter(gate: Gate, times: number, key: string): (Promise<void> | undefined)[] {
  return Array.from({ length: times }, () => gate.enter([key]))
}

describe('a gate', () => {
  test('leaves three of ten connections to work on other keys', async () => {
    const gate = new Gate(LIMITS)
    expect(enter(gate, 7, 'a')).toEqual(Array(7).fill(undefined))
    const [eighth] = enter(gate, 1, 'a')
    expect(eighth).toBeInstanceOf(Promise)
    expect(enter(gate, 3, 'b')).toEqual(Array(3).fill(undefined))
    gate.leave(['b'])
    expect(enter(gate, 1, 'c')).toEqual([undefined])
    gate.leave(['a'])
    await eighth
  })

  test('lets as many wait as DATABASE_QUEUE_LENGTH allows, and refuses the next', () => {
    const gate = new Gate({ ...LIMITS, size: 1 })
    expect(enter(gate, 4, 'a').slice(1)).toEqual(Array(3).fill(expect.any(Promise)))
    expect(() => gate.enter(['a'])).toThrow(/DATABASE_QUEUE_LENGTH/)
    gate.leave(['a'])
    expect(gate.enter(['a'])).toBeInstanceOf(Promise)
  })

  test('refuses what has waited for DATABASE_QUEUE_TIMEOUT', async () => {
    const gate = new Gate({ ...LIMITS, size: 1, queueMs: 50 })
    expect(gate.enter(['a'])).toBeUndefined()
    const inTime = gate.enter(['a'])
    gate.leave(['a'])
    await inTime
    await expect(gate.enter(['a'])).rejects.toThrow(/DATABASE_QUEUE_TIMEOUT/)
    gate.leave(['a'])
    expect(gate.enter(['a'])).toBeUndefined()
  })

  test('that is closed refuses everything until it opens', async () => {
    const gate = new Gate({ ...LIMITS, size: 1 })
    const [, waiting] = enter(gate, 2, 'a')
    const error = new DatabaseBusyError('silent')
    gate.close(error)
    await expect(waiting).rejects.toBe(error)
    expect(() => gate.enter(['b'])).toThrow(error)
    gate.leave(['a'])
    gate.open()
    expect(gate.enter(['b'])).toBeUndefined()
  })
})

test('the tables of a statement are found, with and without a schema', () => {
  const names = createTableNames()
  expect(names('SELECT 1')).toEqual([])
  expect(names('SELECT * FROM "A" AS t0 LEFT JOIN "public"."B" ON true JOIN LATERAL (SELECT FROM "A") x')).toEqual([
    'A',
    'B',
  ])
  expect(names('UPDATE "A" SET "x" = 1')).toEqual(['A'])
  expect(names('INSERT INTO "public"."B" VALUES (1)')).toEqual(['B'])
})
