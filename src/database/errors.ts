import { AppError, type Issue } from '../gateway/errors.ts'

/** What PostgreSQL, or the way to it, complained about. */
interface Complaint {
  /** SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html); empty when PostgreSQL was not reached. */
  state: string
  /** Prisma's own code; https://www.prisma.io/docs/orm/reference/error-reference */
  prisma: string
  message: string
  constraint: string
}

/**
 * What a client may hear of a database's complaint: about a value of its own, or that the database is not there.
 * Undefined for anything else, which is our mistake and to be masked. Knows complaints that come through a model call, a raw query,
 * or `pg` alike. Messages never quote the database, whose details show whole rows.
 */
export function toAppError(error: unknown): AppError | undefined {
  if (error instanceof AppError) return error
  const complaint = readComplaint(error)
  return complaint && (aboutValue(complaint, error) ?? aboutAvailability(complaint, error))
}

/**
 * Whether a statement was broken off because it and others waited for each other, for a snapshot that moved on, or for a lock longer than
 * it may; also where that is only the cause of the error.
 */
export function isBrokenOff(error: unknown): boolean {
  const complaint = readComplaint(error)
  if (!complaint) return false
  if (/^(40P01|40001|55P03)$/.test(complaint.state) || complaint.prisma === 'P2034') return true
  return isBrokenOff((error as Error).cause)
}

function aboutValue(complaint: Complaint, cause: unknown): AppError | undefined {
  const { state, prisma, message } = complaint
  const refuse = (text: string, fields: string[] = [], rule = 'invalid') =>
    new AppError('VALIDATION_FAILED', text, { issues: fields.map((field) => issue(field, rule, text)), cause })

  switch (state) {
    case '22021':
      return refuse('Text must not contain the character NUL.')
    case '22P02':
      return refuse(message.includes('type uuid') ? 'This is not an id.' : 'A value is malformed.')
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
      return refuse(`${column} breaks a rule of the database (${rule.replaceAll('_', ' ')}).`, [column], rule)
    }
    case '23505': {
      const fields = constrained(complaint, 'key')
      const text = `${fields.join(' and ') || 'This'} must be unique: there is one like it already.`
      return new AppError('CONFLICT', text, { issues: fields.map((field) => issue(field, 'not_unique', text)), cause })
    }
    case '23001':
      return new AppError('CONFLICT', 'Others still refer to this.', { cause })
    case '23503': {
      if (message.startsWith('update or delete'))
        return new AppError('CONFLICT', 'Others still refer to this.', { cause })
      const fields = constrained(complaint, 'fkey')
      const text = `${fields.join(' and ') || 'A value'} refers to nothing that exists.`
      return new AppError('NOT_FOUND', text, { issues: fields.map((field) => issue(field, 'not_found', text)), cause })
    }
    case '40001':
    case '40P01':
      return new AppError('CONFLICT', 'Another change got in the way. Try again.', { cause })
  }
  if (prisma === 'P2034') return new AppError('CONFLICT', 'Another change got in the way. Try again.', { cause })
  if (prisma === 'P2025') return new AppError('NOT_FOUND', 'What this refers to does not exist.', { cause })
  return undefined
}

/** Connection exceptions, too few resources, an operator's intervention; a lock not to be had; a server that turned read-only. */
const UNAVAILABLE_STATES = /^(08|53|57)|^(55P03|55000|25006)$/

/** Not reached, timed out, connection closed, no pool slot, no transaction in time, too many connections. */
const UNAVAILABLE_PRISMA = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028', 'P2037'])

/** Of `pg` and its pool, which give these errors no code. */
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

function aboutAvailability({ state, prisma, message }: Complaint, cause: unknown): AppError | undefined {
  const unavailable =
    UNAVAILABLE_STATES.test(state) ||
    UNAVAILABLE_PRISMA.has(prisma) ||
    UNAVAILABLE_MESSAGE.test(message) ||
    isSocketTrouble(cause)
  return unavailable
    ? new AppError('UNAVAILABLE', 'The database cannot be reached just now. Try again.', {
        cause,
        headers: { 'Retry-After': '1' },
      })
    : undefined
}

function isSocketTrouble(error: unknown): boolean {
  const { code, syscall, clientVersion } = fieldsOf(error)
  // The embedded database's socket is a file: gone with its thread. Prisma passes such a code on, but not the system call.
  if (code === 'ENOENT') return syscall === 'connect' || clientVersion !== undefined
  return typeof code === 'string' && SOCKET_CODES.has(code)
}

/**
 * Prisma keeps the adapter's error in `meta.driverAdapterError`, and that one the original in `cause`, with the SQLSTATE
 * in `originalCode`; an error of `pg` itself has it in `code`, beside a `severity`.
 */
function readComplaint(error: unknown): Complaint | undefined {
  if (!(error instanceof Error)) return undefined
  const own = fieldsOf(error)
  const adapterError = fieldsOf(own.meta).driverAdapterError ?? error
  const original = fieldsOf(fieldsOf(adapterError).cause)
  const code = own.code ?? own.errorCode
  return {
    state: text(original.originalCode) || ('severity' in own ? text(code) : stateInWords(error.message)),
    prisma: /^P\d{4}$/.test(text(code)) ? text(code) : '',
    // Prisma writes the call above the message.
    message: text(original.originalMessage) || (error.message.split('\n').at(-1) ?? ''),
    constraint: text(fieldsOf(original.constraint).index) || text(own.constraint),
  }
}

/** Of an error without a code of its own for it, Prisma has the SQLSTATE in the message alone: "Code: `57P01`". */
function stateInWords(message: string): string {
  return /\bCode: `?([0-9A-Z]{5})\b/.exec(message)?.[1] ?? ''
}

/** The columns of a constraint, from the name Prisma gives it: Table_columnA_columnB_key. */
function constrained({ constraint }: Complaint, suffix: string): string[] {
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
