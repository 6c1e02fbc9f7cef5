import type { Answer } from '../access/doors.ts'

/** Normalizes responses of both protocols so that they can be compared. */

const SECRETS = /"(accessToken|refreshToken|secret|prefix|ticket|passwordHash)":"[^"]*"/g
const INSTANT = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g
const ID = /[0-9a-f]{8}-[0-9a-f-]{27}/g
/** The project key, also as part of a task key. */
const KEY = /"key":"[A-Z][0-9A-Z]*/g
/** The tag that makes the names in a world unique. */
const TAG = /\bw\d+\b/g

/** Replaces values that are unique to each entity. Equal ids get equal placeholders. */
export function withoutOwn(data: unknown): unknown {
  const ids: string[] = []
  const nameOf = (id: string) => `id ${ids.includes(id) ? ids.indexOf(id) : ids.push(id) - 1}`
  return JSON.parse(strip(JSON.stringify(data)).replace(ID, nameOf))
}

/** Replaces unique values in rows, one per line, and sorts them. */
export function rowsWithoutOwn(rows: string): string[] {
  return rows
    .split('\n')
    .map((row) => strip(row).replace(ID, 'id'))
    .sort()
}

const strip = (text: string) =>
  text.replace(SECRETS, '"$1":"its own"').replace(INSTANT, 'then').replace(KEY, '"key":"KEY').replace(TAG, 'w')

/** Returns an error in the form that both protocols must share. */
export function refusalIn({ code, message, issues = [] }: Answer) {
  const reported = issues.map((issue) => ({ at: nameOf(issue.path), rule: issue.code, message: issue.message }))
  return {
    code,
    // A validation message names protocol-specific paths, so only its issues are compared.
    message: code === 'VALIDATION_FAILED' ? undefined : message,
    issues: reported.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
  }
}

/** Returns an issue path in shared terms: `title`, `priority.gte`, `limit`, `expectedVersion`. */
function nameOf(path: readonly (string | number)[]): string {
  const [place, ...rest] = path
  const within = ['input', 'filter', 'body', 'query', 'path', 'header'].includes(String(place)) ? rest : path
  const steps = place === 'query' && within[0] === 'filter' ? within.slice(1) : within
  const [first] = steps
  if (first === 'first' || first === 'last') return 'limit'
  if (first === 'If-Match') return 'expectedVersion'
  if (first === 'orderBy') return 'orderBy'
  // Name the parameter without the index of its value.
  const ofFilter = place === 'filter' || place === 'query'
  return steps
    .filter((step) => !ofFilter || typeof step === 'string')
    .join('.')
    .replace(/\.(in|any)$/, '')
}
