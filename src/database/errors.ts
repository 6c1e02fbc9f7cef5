import { AppError, type Issue } from '../gateway/errors.ts'
import { DatabaseBusyError } from './limits.ts'

/** The parts of an error from PostgreSQL, or from the connection to it. */
interface ErrorParts {
  /**
   * SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html), or empty if
   * PostgreSQL was not reached.
   */
  state: string
  /** Prisma's code (https://www.prisma.io/docs/orm/reference/error-reference), or empty. */
  prisma: string
  message: string
  constraint: string
}

/**
 * Returns the error a client sees for a database error: an invalid value, or an unavailable
 * database. Undefined for anything else: that is a bug, and must be masked. Handles errors of model
 * calls, raw queries and `pg`. Messages never quote the database, whose details show whole rows.
 */
export function toAppError(error: unknown): AppError | undefined {
  if (error instanceof AppError) return error
  const parts = readParts(error)
  return parts && (aboutValue(parts, error) ?? aboutAvailability(parts, error))
}

/**
 * Returns true if a retry can succeed: PostgreSQL aborted the statement because of a deadlock, a
 * serialization failure or a lock time-out. Also looks at the causes of the error.
 */
export function isRetryable(error: unknown): boolean {
  const parts = readParts(error)
  if (!parts) return false
  if (/^(40P01|40001|55P03)$/.test(parts.state) || parts.prisma === 'P2034') return true
  return isRetryable((error as Error).cause)
}

/** Returns true if an update or delete found no row. */
export function isMissingRow(error: unknown): boolean {
  return readParts(error)?.prisma === 'P2025'
}

function aboutValue(parts: ErrorParts, cause: unknown): AppError | undefined {
  const { state, prisma, message } = parts
  const refuse = (text: string, fields: string[] = [], rule = 'invalid') =>
    new AppError('VALIDATION_FAILED', text, { issues: fields.map((field) => issue(field, rule, text)), cause })

  switch (state) {
    case '22021':
      return refuse('Text must not contain the character NUL.')
    case '22P02':
      return refuse(message.includes('type uuid') ? 'The id is not a UUID.' : 'A value has the wrong format.')
    case '22003':
      return refuse('A number is out of range.')
    case '22007':
    case '22008':
    case '22009':
      return refuse('A date or time is out of range.')
    case '22001':
      return refuse('A text is too long.')
    case '23514': {
      // Checks are named Table_column_rule.
      const [, column = 'value', rule = 'rule'] = /"[^"_]+_([^"_]+)_([^"]+)"$/.exec(message) ?? []
      return refuse(`${column} violates a database constraint (${rule.replaceAll('_', ' ')}).`, [column], rule)
    }
    case '23505': {
      const fields = constrained(parts, 'key')
      const text = `${fields.join(' and ') || 'This'} must be unique, and the value is taken.`
      return new AppError('CONFLICT', text, { issues: fields.map((field) => issue(field, 'not_unique', text)), cause })
    }
    case '23001':
      return new AppError('CONFLICT', 'Other objects still refer to this one.', { cause })
    case '23503': {
      if (message.startsWith('update or delete'))
        return new AppError('CONFLICT', 'Other objects still refer to this one.', { cause })
      const fields = constrained(parts, 'fkey')
      const text = `${fields.join(' and ') || 'A value'} refers to an object that does not exist.`
      return new AppError('NOT_FOUND', text, { issues: fields.map((field) => issue(field, 'not_found', text)), cause })
    }
    case '40001':
    case '40P01':
      return new AppError('CONFLICT', 'A concurrent change conflicted with this one. Try again.', { cause })
  }
  if (prisma === 'P2034')
    return new AppError('CONFLICT', 'A concurrent change conflicted with this one. Try again.', { cause })
  if (prisma === 'P2025') return new AppError('NOT_FOUND', 'The object to change does not exist.', { cause })
  return undefined
}

/**
 * Connection exceptions, lack of resources, operator intervention, lock
 * time-outs, read-only servers.
 */
const UNAVAILABLE_STATES = /^(08|53|57)|^(55P03|55000|25006)$/

/**
 * Unreachable, timed out, connection closed, no pool slot, no transaction in time,
 * too many connections.
 */
const UNAVAILABLE_PRISMA = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028', 'P2037'])

/** Messages of `pg` and its pool, which give these errors no code. */
const UNAVAILABLE_MESSAGE =
  /^(timeout exceeded when trying to connect|connection terminated|client has encountered a connection error|cannot use a pool after)/i

const SOCKET_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
])

function aboutAvailability({ state, prisma, message }: ErrorParts, cause: unknown): AppError | undefined {
  const unavailable =
    UNAVAILABLE_STATES.test(state) ||
    UNAVAILABLE_PRISMA.has(prisma) ||
    UNAVAILABLE_MESSAGE.test(message) ||
    isSocketError(cause)
  const text =
    cause instanceof DatabaseBusyError ? cause.message : (LIMIT_MESSAGES[state] ?? 'The database is unavailable.')
  return unavailable
    ? new AppError('UNAVAILABLE', `${text} Try again in a second.`, { cause, headers: { 'Retry-After': '1' } })
    : undefined
}

/** Messages for statements that PostgreSQL gave up because of a limit. */
const LIMIT_MESSAGES: Readonly<Record<string, string>> = {
  '55P03': 'Another change has locked this for longer than DATABASE_LOCK_TIMEOUT.',
  '57014': 'The database took longer than DATABASE_STATEMENT_TIMEOUT.',
}

function isSocketError(error: unknown): boolean {
  const { code, syscall, clientVersion } = fieldsOf(error)
  // The embedded database's socket file disappears with its thread. Prisma passes on the code, but
  // not the system call.
  if (code === 'ENOENT') return syscall === 'connect' || clientVersion !== undefined
  return typeof code === 'string' && SOCKET_CODES.has(code)
}

/**
 * Reads the parts of an error. Prisma keeps the adapter's error in `meta.driverAdapterError`, whose
 * `cause` is the original, with the SQLSTATE in `originalCode`. An error of `pg` itself has the
 * SQLSTATE in `code`, next to a `severity`.
 */
function readParts(error: unknown): ErrorParts | undefined {
  if (!(error instanceof Error)) return undefined
  const own = fieldsOf(error)
  const adapterError = fieldsOf(own.meta).driverAdapterError ?? error
  const original = fieldsOf(fieldsOf(adapterError).cause)
  const code = own.code ?? own.errorCode
  return {
    state: text(original.originalCode) || ('severity' in own ? text(code) : stateFromMessage(error.message)),
    prisma: /^P\d{4}$/.test(text(code)) ? text(code) : '',
    // Prisma puts the call in front of the message.
    message: text(original.originalMessage) || (error.message.split('\n').at(-1) ?? ''),
    constraint: text(fieldsOf(original.constraint).index) || text(own.constraint),
  }
}

/** If Prisma has no code for an error, the SQLSTATE is in its message only: "Code: `57P01`". */
function stateFromMessage(message: string): string {
  return /\bCode: `?([0-9A-Z]{5})\b/.exec(message)?.[1] ?? ''
}

/** Returns the columns of a constraint from its name: Table_columnA_columnB_key. */
function constrained({ constraint }: ErrorParts, suffix: string): string[] {
  if (constraint.endsWith('_pkey')) return ['id']
  const [, ...columns] = constraint.split('_')
  return columns.pop() === suffix ? columns : []
}

function issue(field: string, code: string, message: string): Issue {
  return { path: [field], code, message }
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
