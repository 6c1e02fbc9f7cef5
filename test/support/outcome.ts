import type { Issue } from './clients.ts'

/** A server and the token of its caller; anonymous without a token. */
export interface Caller {
  url: string
  token?: string | undefined
}

/** Result of an operation in one shape for both protocols. */
export interface Outcome {
  // biome-ignore lint/suspicious/noExplicitAny: tests assert the shape they expect
  data: any
  error?: {
    code: string
    /** Sorted names of invalid values in both protocols, such as `title`, `priority.gte`. */
    fields: string[]
    /** The violated rule of each field. */
    rules: Record<string, string>
  }
  /** Request and response, shown when a test fails. */
  exchange: string
}

/** Returns the data of an operation that must succeed. */
export function data(outcome: Outcome): Outcome['data'] {
  if (outcome.error) throw new Error(`expected success, but ${outcome.exchange}`)
  return outcome.data
}

/** Returns the error of an operation that must be refused. */
export function refusal(outcome: Outcome): NonNullable<Outcome['error']> & Pick<Outcome, 'exchange'> {
  if (!outcome.error) throw new Error(`expected a refusal, but ${outcome.exchange}`)
  return { ...outcome.error, exchange: outcome.exchange }
}

/** Converts an error to the common shape. `nameOf` names a value by its path in the protocol. */
export function describeError(code: string, issues: Issue[] = [], nameOf: (path: string[]) => string) {
  const named = issues.map(({ path, code: rule }) => {
    const name = nameOf(path.filter((step) => typeof step === 'string'))
    // The default operator of a condition has no name in REST.
    return [name.replace(/^orderBy\..*/, 'orderBy').replace(/\.(in|any)$/, ''), rule] as const
  })
  return { code, fields: [...new Set(named.map(([name]) => name))].sort(), rules: Object.fromEntries(named) }
}

/** Formats a request for a failing test, truncated for bulk input. */
export function shown(sent: unknown): string {
  const text = JSON.stringify(sent)
  return text.length > 2_000 ? `${text.slice(0, 2_000)}…` : text
}
