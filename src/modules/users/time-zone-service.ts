import type { Context } from '../../request/context.ts'

/** Returns the time zone of a user, UTC if the account is gone. */
export async function timeZoneOf({ db }: Pick<Context, 'db'>, userId: string): Promise<string> {
  const user = await db.user.findUnique({ where: { id: userId }, select: { timeZone: true } })
  return user?.timeZone ?? 'UTC'
}

/** By name in lower case. Making one takes as long as a hundred uses, and there are about 600 names. */
const formats = new Map<string, Intl.DateTimeFormat>()

/** Returns the day of a time in a time zone, like 2026-01-31. */
export function dayOf(at: Date, timeZone: string): string {
  const key = timeZone.toLowerCase()
  let format = formats.get(key)
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' })
    formats.set(key, format)
  }
  const [month, , day, , year] = format.formatToParts(at).map(({ value }) => value)
  return `${year?.padStart(4, '0')}-${month}-${day}`
}

const DAY_MS = 86_400_000

/** Returns the last millisecond of a day in a time zone, whatever the clocks do on that day. */
export function endOfDay(day: string, timeZone: string): Date {
  // No zone is a day or more away from UTC. `dayOf` never goes back as time goes on.
  let before = Date.parse(`${day}T00:00:00Z`) - DAY_MS
  let after = before + 4 * DAY_MS
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (dayOf(new Date(middle), timeZone) > day) after = middle
    else before = middle
  }
  return new Date(before)
}
