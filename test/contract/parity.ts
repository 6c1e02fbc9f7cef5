import type { Answer } from '../access/doors.ts'

/** Answers of different protocols, in forms that can be held against each other. */

const SECRETS = /"(accessToken|refreshToken|secret|prefix|ticket|passwordHash)":"[^"]*"/g
const INSTANT = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g
const ID = /[0-9a-f]{8}-[0-9a-f-]{27}/g
/** The key of a project, also in that of a task. */
const KEY = /"key":"[A-Z][0-9A-Z]*/g
/** What tells the names of a world from those of others. */
const TAG = /\bw\d+\b/g

/** Without what two things never have in common. The same id stands for the same thing. */
export function withoutOwn(data: unknown): unknown {
  const ids: string[] = []
  const nameOf = (id: string) => `id ${ids.includes(id) ? ids.indexOf(id) : ids.push(id) - 1}`
  return JSON.parse(strip(JSON.stringify(data)).replace(ID, nameOf))
}

/** The same of rows, a line each, in any order. */
export function rowsWithoutOwn(rows: string): string[] {
  return rows
    .split('\n')
    .map((row) => strip(row).replace(ID, 'id'))
    .sort()
}

const strip = (text: string) =>
  text.replace(SECRETS, '"$1":"its own"').replace(INSTANT, 'then').replace(KEY, '"key":"KEY').replace(TAG, 'w')

/** A refusal as every protocol has to tell it. */
export function refusalIn({ code, message, issues = [] }: Answer) {
  const told = issues.map((issue) => ({ at: nameOf(issue.path), rule: issue.code, message: issue.message }))
  return {
    code,
    // Of values at fault it names each where the protocol has it; what it says of them is compared with the issues.
    message: code === 'VALIDATION_FAILED' ? undefined : message,
    issues: told.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
  }
}

/** Where an issue is, in words both protocols have: `title`, `priority.gte`, `limit`, `expectedVersion`. */
function nameOf(path: readonly (string | number)[]): string {
  const [place, ...rest] = path
  const within = ['input', 'filter', 'body', 'query', 'path', 'header'].includes(String(place)) ? rest : path
  const steps = within[0] === 'filter' ? within.slice(1) : within
  const [first] = steps
  if (first === 'first' || first === 'last') return 'limit'
  if (first === 'If-Match') return 'expectedVersion'
  if (first === 'orderBy') return 'orderBy'
  // A parameter is named, whichever of its values it is.
  const ofFilter = place === 'filter' || place === 'query'
  return steps
    .filter((step) => !ofFilter || typeof step === 'string')
    .join('.')
    .replace(/\.(in|any)$/, '')
}
