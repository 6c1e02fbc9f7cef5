import type { Issue } from '../../gateway/errors.ts'

/** Dates of a task as it is, and as an input sets them. Absent dates keep their value. */
interface Dates {
  startAt?: Date | null | undefined
  dueAt?: Date | null | undefined
  dueOn?: Date | string | null | undefined
}

const HOUR_MS = 3_600_000

/** Returns midnight UTC of a date, as Prisma stores it. */
export const dayStart = (date: string) => new Date(`${date}T00:00:00Z`)

/** The reverse of `dayStart`. */
export const formatDay = (start: Date) => start.toISOString().slice(0, 10)

/** As `dayStart`, for an optional field. */
export const optionalDay = (date: string | null | undefined) => (date == null ? date : dayStart(date))

/** Lists the rules that the dates of a task would break after a change. */
export function dateIssues(given: Dates, now: Dates = {}): Issue[] {
  const after = <Name extends keyof Dates>(name: Name) => (given[name] === undefined ? now[name] : given[name]) ?? null
  const [startAt, dueAt, day] = [after('startAt'), after('dueAt'), after('dueOn')]
  const dueOn = day instanceof Date ? formatDay(day) : day
  const issues: Issue[] = []
  if (dueAt !== null && dueOn !== null) {
    const [field, other] = given.dueOn == null ? ['dueAt', 'dueOn'] : ['dueOn', 'dueAt']
    const message = `cannot be set together with ${other}: a task has dueAt or dueOn. Set ${other} to null.`
    issues.push({ path: [field], code: 'exclusive', message })
  }
  const end = dueAt ?? (dueOn === null ? null : endEverywhere(dueOn))
  if (startAt !== null && end !== null && startAt > end) {
    const due = dueAt === null ? 'dueOn' : 'dueAt'
    const field = given.startAt == null ? due : 'startAt'
    const message =
      field === 'startAt'
        ? `must not be later than ${due}, which is ${dueAt?.toISOString() ?? dueOn}`
        : `must not be earlier than startAt, which is ${startAt.toISOString()}`
    issues.push({ path: [field], code: 'order', message })
  }
  return issues
}

/** The time at which a day is over in every time zone: the last ones are 12 hours behind UTC. */
const endEverywhere = (dueOn: string) => new Date(dayStart(dueOn).getTime() + 36 * HOUR_MS)
