/**
 * The error class and the closed set of codes that this server sends, in every protocol. REST
 * sends them as `application/problem+json` (RFC 9457), GraphQL as `errors[].extensions`.
 */

/**
 * HTTP status and title of each code. Only REST uses the status: in GraphQL, one field's error is
 * not the status of the answer.
 */
export const ERROR_CODES = {
  BAD_REQUEST: { status: 400, title: 'Bad request' },
  UNAUTHENTICATED: { status: 401, title: 'Not signed in' },
  FORBIDDEN: { status: 403, title: 'Not allowed' },
  NOT_FOUND: { status: 404, title: 'Not found' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'Method not allowed' },
  NOT_ACCEPTABLE: { status: 406, title: 'Not acceptable' },
  CONFLICT: { status: 409, title: 'Conflict' },
  CURSOR_EXPIRED: { status: 410, title: 'Cursor expired' },
  PRECONDITION_FAILED: { status: 412, title: 'Precondition failed' },
  PAYLOAD_TOO_LARGE: { status: 413, title: 'Payload too large' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'Unsupported media type' },
  RANGE_NOT_SATISFIABLE: { status: 416, title: 'Range not satisfiable' },
  EXPECTATION_FAILED: { status: 417, title: 'Expectation failed' },
  VALIDATION_FAILED: { status: 422, title: 'Validation failed' },
  IDEMPOTENCY_KEY_REUSED: { status: 422, title: 'Idempotency key reused' },
  RATE_LIMITED: { status: 429, title: 'Too many requests' },
  QUERY_TOO_COMPLEX: { status: 400, title: 'Query too complex' },
  // Apollo's clients expect 200, and then send the document.
  PERSISTED_QUERY_NOT_FOUND: { status: 200, title: 'Persisted query not found' },
  PERSISTED_QUERY_NOT_SUPPORTED: { status: 200, title: 'Persisted queries not supported' },
  UNAVAILABLE: { status: 503, title: 'Unavailable' },
  INTERNAL: { status: 500, title: 'Internal error' },
  NOT_IMPLEMENTED: { status: 501, title: 'Not implemented' },
} as const satisfies Record<string, { status: number; title: string }>

/** A code that an application has added with `addErrorCodes`. */
export type AddedErrorCode = string & { readonly [ADDED]: true }
declare const ADDED: unique symbol

export type ErrorCode = keyof typeof ERROR_CODES | AddedErrorCode

interface ErrorKind {
  status: number
  title: string
}

/** All codes of this process. */
const kinds = new Map<string, ErrorKind>(Object.entries(ERROR_CODES))

/**
 * Adds codes of an application, each with the status and title that REST sends. Returns them by
 * name. Call it before the schema is built. Throws if a code exists with another status.
 */
export function addErrorCodes<Name extends string>(
  added: Readonly<Record<Name, ErrorKind>>,
): Readonly<Record<Name, AddedErrorCode>> {
  for (const [code, kind] of Object.entries<ErrorKind>(added)) {
    if (!/^[A-Z][A-Z0-9_]*$/.test(code)) throw new Error(`The error code "${code}" must be like OUT_OF_STOCK`)
    if (!(kind.status >= 400 && kind.status <= 599)) throw new Error(`${code} needs a status from 400 to 599`)
    if ((kinds.get(code)?.status ?? kind.status) !== kind.status) throw new Error(`The error code ${code} exists`)
    kinds.set(code, kind)
  }
  return Object.fromEntries(Object.keys(added).map((code) => [code, code])) as Record<Name, AddedErrorCode>
}

/** Returns the HTTP status and the title of a code. */
export function kindOfError(code: ErrorCode): ErrorKind {
  return kinds.get(code) ?? ERROR_CODES.INTERNAL
}

/** Returns every code, those of the application included. */
export const errorCodes = (): string[] => [...kinds.keys()]

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && kinds.has(value)
}

/**
 * One problem with one value. `path` starts at an argument (`["input","title"]`) or, in REST, at
 * `body`, `query`, `path` or `header`.
 */
export interface Issue {
  path: (string | number)[]
  /** The rule that was broken, like `too_big`, `invalid_type`, `unknown_field`. */
  code: string
  message: string
}

export interface AppErrorOptions {
  /** The invalid argument; shorthand for a single issue. */
  path?: (string | number)[]
  issues?: Issue[]
  /** Headers of the HTTP answer, like `Allow` with a 405. */
  headers?: Record<string, string>
  cause?: unknown
}

/**
 * Maximum number of issues reported at once. Nobody reads more, and a long list of invalid values
 * would make the answer many times larger than the request.
 */
export const MAX_ISSUES = 100

/** Maximum length of a message, and of a text inside quotes if the message is longer. */
const MAX_MESSAGE = 2_000
const MAX_QUOTED = 100
/** Maximum length of the message of an issue, and of a name in its path. */
const MAX_ISSUE_MESSAGE = 500
const MAX_STEP = 100

/**
 * Shortens a message that quotes a client. What was sent may be large, and an error would send it
 * back several times.
 */
export function shorten(message: string, max = MAX_MESSAGE): string {
  if (message.length <= max) return message
  // Enough to see the end of one long quoted text only if it is not the whole message.
  const start = message.slice(0, max * 10)
  const text = start.replace(/"([^"]{0,100})[^"]*(?:"|$)/g, (whole, quoted: string) =>
    whole.length > MAX_QUOTED + 2 ? `"${quoted}…"` : whole,
  )
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`
}

/** Returns at most the number of issues that is reported, each of a bounded length. */
function shortIssues(issues: readonly Issue[]): readonly Issue[] {
  const isShort = ({ path, message }: Issue) =>
    message.length <= MAX_ISSUE_MESSAGE && path.every((step) => typeof step === 'number' || step.length <= MAX_STEP)
  if (issues.length <= MAX_ISSUES && issues.every(isShort)) return issues
  return issues.slice(0, MAX_ISSUES).map(({ path, code, message }) => ({
    path: path.map((step) => (typeof step === 'number' ? step : shorten(step, MAX_STEP))),
    code,
    message: shorten(message, MAX_ISSUE_MESSAGE),
  }))
}

/** An error that clients may see unchanged. Any other error is masked as INTERNAL and logged. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly issues: readonly Issue[]
  readonly headers: Readonly<Record<string, string>>

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(shorten(message), { cause: options.cause })
    if (!kinds.has(code)) throw new TypeError(`There is no error code ${code}. Add your own with addErrorCodes.`)
    this.name = 'AppError'
    this.code = code
    this.headers = options.headers ?? {}
    const { path, issues = path ? [{ path, code: code.toLowerCase(), message }] : [] } = options
    this.issues = shortIssues(issues)
  }

  get status(): number {
    return kindOfError(this.code).status
  }
}

/** UNAUTHENTICATED. `problem` says what is wrong with the credential, if one was sent. */
export function unauthenticated(problem?: string | null): AppError {
  return new AppError('UNAUTHENTICATED', problem ?? 'Sign in first: send an access token or an API key.')
}

/**
 * Creates VALIDATION_FAILED with every problem. The message repeats them for clients that show
 * nothing else.
 */
export function validationFailed(issues: Issue[]): AppError {
  const reported = shortIssues(issues)
  const message = reported.map((issue) => `${issue.path.join('.') || 'value'}: ${issue.message}`).join('; ')
  return new AppError('VALIDATION_FAILED', message, { issues: [...reported] })
}
