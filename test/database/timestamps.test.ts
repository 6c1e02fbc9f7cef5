import { describe, expect, test } from 'vitest'
import { formatInstant, parseTimestamp } from '../../src/database/timestamps.ts'
import { createRandom } from '../support/random.ts'

const random = createRandom(1)
/** From the year 1 to 9999. */
const times = Array.from(
  { length: 5_000 },
  () => random.below(315_537_897_600) * 1_000 - 62_135_596_800_000 + random.below(1_000),
)

describe('timestamps', () => {
  test('are formatted as toISOString does', () => {
    for (const time of [...times, 0, -1, 86_399_999, 8.64e15, -8.64e15]) {
      const date = new Date(time)
      expect(formatInstant(date)).toBe(date.toISOString())
    }
    expect(() => formatInstant(new Date(Number.NaN))).toThrow(RangeError)
  })

  test('of PostgreSQL are parsed as Date.parse does, with any number of decimals', () => {
    for (const time of times) {
      const seconds = new Date(time).toISOString().slice(0, 19)
      const decimals = String(random.below(1_000_000)).padStart(6, '0')
      for (let digits = 0; digits <= 6; digits++) {
        const text = `${seconds}${digits > 0 ? '.' : ''}${decimals.slice(0, digits)}+00:00`
        expect(parseTimestamp(text).getTime(), text).toBe(Date.parse(text))
      }
    }
  })

  test('in another time zone or of another length are parsed too', () => {
    for (const text of [
      '2026-01-31T17:00:00.5+02:00',
      '2026-01-31T17:00:00Z',
      '2026-01-31',
      '+012026-01-31T17:00:00+00:00',
    ]) {
      expect(parseTimestamp(text).getTime()).toBe(Date.parse(text))
    }
  })
})
