import type { ColumnName, ExportedTask } from './columns.ts'

/** iCalendar (RFC 5545): each task is a VTODO. */

const STATUS: Readonly<Record<string, string>> = {
  PENDING: 'NEEDS-ACTION',
  IN_PROGRESS: 'IN-PROCESS',
  COMPLETED: 'COMPLETED',
  CANCELLED: 'CANCELLED',
}

/** RFC 5545 counts from 1, the highest, to 9. */
const priorityOf = (priority: number) => 11 - 2 * priority

/** Control characters that a text must not contain. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 5545 forbids exactly these
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/g

const escaped = (text: string): string =>
  text
    .replace(/\r\n?/g, '\n')
    .replace(CONTROL, '')
    .replace(/[\\;,]/g, '\\$&')
    .replaceAll('\n', '\\n')

/** A time in UTC, like 20260131T170000Z. */
const timeOf = (iso: string): string => `${iso.slice(0, 19).replace(/[-:]/g, '')}Z`

const uidOf = (id: string): string => `${id}@taskwire`

const address = (email: string): string => `mailto:${encodeURIComponent(email).replaceAll('%40', '@')}`

/** The properties of each column, if it has a value. */
const PROPERTIES: Partial<Record<ColumnName, (value: never) => string | string[]>> = {
  id: (id: string) => `UID:${uidOf(id)}`,
  title: (text: string) => `SUMMARY:${escaped(text)}`,
  description: (text: string) => (text === '' ? [] : `DESCRIPTION:${escaped(text)}`),
  status: (status: string) => `STATUS:${STATUS[status]}`,
  priority: (priority: number) => `PRIORITY:${priorityOf(priority)}`,
  dueOn: (day: string) => `DUE;VALUE=DATE:${day.replaceAll('-', '')}`,
  dueAt: (at: string) => `DUE:${timeOf(at)}`,
  completedAt: (at: string) => `COMPLETED:${timeOf(at)}`,
  labels: (names: string[]) => (names.length === 0 ? [] : `CATEGORIES:${names.map(escaped).join(',')}`),
  assignees: (people: string[]) =>
    people.map((one) => (one.includes('@') ? `ATTENDEE:${address(one)}` : `CONTACT:${escaped(one)}`)),
  parentId: (id: string) => `RELATED-TO:${uidOf(id)}`,
  key: (key: string) => `X-TASKWIRE-KEY:${escaped(key)}`,
  createdAt: (at: string) => `CREATED:${timeOf(at)}`,
  updatedAt: (at: string) => [`DTSTAMP:${timeOf(at)}`, `LAST-MODIFIED:${timeOf(at)}`],
}

const properties = Object.entries(PROPERTIES) as [ColumnName, (value: unknown) => string | string[]][]

/** A calendar needs a component, also one without tasks. */
const ZONE = [
  ...['BEGIN:VTIMEZONE', 'TZID:UTC', 'BEGIN:STANDARD', 'DTSTART:19700101T000000'],
  ...['TZOFFSETFROM:+0000', 'TZOFFSETTO:+0000', 'END:STANDARD', 'END:VTIMEZONE'],
]

export const icsOpening = [
  ...['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Taskwire//Tasks//EN', 'CALSCALE:GREGORIAN', ...ZONE],
  '',
].join('\r\n')

export const icsClosing = 'END:VCALENDAR\r\n'

/** Turns lines of JSON into components. */
export const icsComponents = (lines: string): string =>
  lines
    .trimEnd()
    .split('\n')
    .map((line) => icsComponent(JSON.parse(line) as ExportedTask))
    .join('')

function icsComponent(task: ExportedTask): string {
  const lines = properties.flatMap(([name, property]) => (task[name] === null ? [] : property(task[name])))
  // Both must be times or both days, and a start is a time.
  if (task.startAt !== null && task.dueOn === null) lines.push(`DTSTART:${timeOf(String(task.startAt))}`)
  return `BEGIN:VTODO\r\n${lines.map(folded).join('')}END:VTODO\r\n`
}

const MAX_OCTETS = 75

/** Breaks a line after at most 75 octets, never within a character (RFC 5545 3.1). */
export function folded(line: string): string {
  // No character has more than three octets for each of its units.
  if (line.length * 3 <= MAX_OCTETS || Buffer.byteLength(line) <= MAX_OCTETS) return `${line}\r\n`
  let text = ''
  let octets = 0
  for (const character of line) {
    const size = Buffer.byteLength(character)
    if (octets + size > MAX_OCTETS) {
      text += '\r\n '
      octets = 1
    }
    text += character
    octets += size
  }
  return `${text}\r\n`
}
