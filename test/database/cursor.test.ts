import { describe, expect, test } from 'vitest'
import { decodePlace, encodePlace, type OrderType } from '../../src/database/cursor.ts'

const ORDER = 'Task priority:asc dueAt:asc'
const TYPES: OrderType[] = ['integer', 'timestamptz']
const ID = '01890000-0000-7000-8000-000000000000'

const forged = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString('base64url')
const refused = (path: string) =>
  expect.objectContaining({ code: 'VALIDATION_FAILED', issues: [expect.objectContaining({ path: [path] })] })

describe('a cursor', () => {
  test.each(['infinity', '-infinity', '2026-01-01 00:00:00+00', '2024-02-29 23:59:59.123456+00'])(
    'preserves the value %s',
    (due) => {
      const place = { values: ['-3', due], id: ID }
      expect(decodePlace(encodePlace(ORDER, place), ORDER, TYPES, 'after')).toEqual(place)
    },
  )

  test.each([
    '',
    'x',
    '%00',
    'é',
    'x'.repeat(5_000),
    Buffer.from('{}').toString('base64url'),
    forged(),
    forged(ORDER),
    forged(ORDER, '1', 'infinity'),
    forged(ORDER, '1', 'infinity', ID, ID),
    forged('Task priority:desc dueAt:desc', '1', 'infinity', ID),
    forged('Project priority:asc dueAt:asc', '1', 'infinity', ID),
    forged(ORDER, 1, 'infinity', ID),
    forged(ORDER, '1', 'infinity', 'x'),
    forged(ORDER, '1', 'infinity', `${ID}'; --`),
    forged(ORDER, '99999999999', 'infinity', ID),
    forged(ORDER, '2147483648', 'infinity', ID),
    forged(ORDER, '1.5', 'infinity', ID),
    forged(ORDER, '', 'infinity', ID),
    forged(ORDER, '1\0', 'infinity', ID),
    forged(ORDER, '1', 'now', ID),
    forged(ORDER, '1', '2026-02-30 00:00:00+00', ID),
    forged(ORDER, '1', '2026-01-01 25:00:00+00', ID),
    forged(ORDER, '1', '0000-01-01 00:00:00+00', ID),
    forged(ORDER, '1', '2026-01-01 00:00:00.1234567+00', ID),
    forged(ORDER, '1', '2026-01-01 00:00:00', ID),
  ])('that was not made for the order is rejected (%#)', (cursor) => {
    expect(() => decodePlace(cursor, ORDER, TYPES, 'after')).toThrow(refused('after'))
    expect(() => decodePlace(cursor, ORDER, TYPES, 'before')).toThrow(refused('before'))
  })

  test('has only text and enum values that PostgreSQL accepts', () => {
    const status: OrderType = { enum: 'Status', values: ['OPEN'] }
    expect(decodePlace(forged('o', 'OPEN', ID), 'o', [status], 'after').values).toEqual(['OPEN'])
    expect(() => decodePlace(forged('o', 'open', ID), 'o', [status], 'after')).toThrow(refused('after'))
    expect(decodePlace(forged('o', 'é"\\', ID), 'o', ['text'], 'after').values).toEqual(['é"\\'])
    expect(() => decodePlace(forged('o', 'a\0b', ID), 'o', ['text'], 'after')).toThrow(refused('after'))
    expect(() => decodePlace(forged('o', '\ud800', ID), 'o', ['text'], 'after')).toThrow(refused('after'))
  })
})
