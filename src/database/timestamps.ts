/** Converts between Date and text for answers and rows, which hold many dates of few days. */

const DAY_MS = 86_400_000
/** Days to remember: about 80 kB of text. */
const MAX_DAYS = 1_000

/** Keeps the last results of a function of one day. */
function remember<Key, Result>(compute: (day: Key) => Result): (day: Key) => Result {
  let results = new Map<Key, Result>()
  return (day) => {
    let result = results.get(day)
    if (result === undefined) {
      result = compute(day)
      if (results.size === MAX_DAYS) results = new Map()
      results.set(day, result)
    }
    return result
  }
}

const dateOfDay = remember((day: number) => new Date(day * DAY_MS).toISOString().slice(0, -'00:00:00.000Z'.length))
const startOfDate = remember((date: string) => Date.parse(`${date}T00:00:00Z`))

const padded = (number: number, digits: number) => String(number).padStart(digits, '0')
/** The parts of a time of day, which take fewer steps to join than hours, minutes and seconds. */
const MINUTES = Array.from(
  { length: 1_440 },
  (_, minute) => `${padded(Math.floor(minute / 60), 2)}:${padded(minute % 60, 2)}:`,
)
const SECONDS = Array.from({ length: 60 }, (_, second) => padded(second, 2))
const MILLISECONDS = Array.from({ length: 1_000 }, (_, millisecond) => `.${padded(millisecond, 3)}Z`)

/** Returns the same text as toISOString, in a third of the time. Throws for an invalid date. */
export function formatInstant(date: Date): string {
  const time = date.getTime()
  // toISOString throws.
  if (Number.isNaN(time)) return date.toISOString()
  const day = Math.floor(time / DAY_MS)
  const milliseconds = time - day * DAY_MS
  const seconds = Math.floor(milliseconds / 1_000)
  const minutes = Math.floor(seconds / 60)
  return `${dateOfDay(day)}${MINUTES[minutes]}${SECONDS[seconds - minutes * 60]}${MILLISECONDS[milliseconds - seconds * 1_000]}`
}

/**
 * Parses a timestamp that PostgreSQL wrote into JSON in UTC, like 2026-01-31T17:00:00.123456+00:00.
 * Microseconds are cut, as Date.parse does.
 */
export function parseTimestamp(text: string): Date {
  const { length } = text
  // Other years, like 12026 or 0044 BC, and other time zones.
  if (!(text.charCodeAt(10) === 84 && text.endsWith('+00:00'))) return new Date(text)
  let milliseconds = 0
  if (length > 25) {
    for (let index = 20, unit = 100; index < length - 6 && unit >= 1; index++, unit /= 10) {
      milliseconds += (text.charCodeAt(index) - 48) * unit
    }
  }
  const seconds = twoDigits(text, 11) * 3_600 + twoDigits(text, 14) * 60 + twoDigits(text, 17)
  return new Date(startOfDate(text.slice(0, 10)) + seconds * 1_000 + milliseconds)
}

const twoDigits = (text: string, index: number) => text.charCodeAt(index) * 10 + text.charCodeAt(index + 1) - 528
