import type { Issue } from './clients.ts'

/** Who calls which server; without a token nobody does. */
export interface Caller {
  url: string
  token?: string | undefined
}

/** What an operation answered, in one form whichever protocol carried it. */
export interface Outcome {
  // biome-ignore lint/suspicious/noExplicitAny: a test says with its expectations what it takes an answer for
  data: any
  error?: {
    code: string
    /** The values at fault, sorted, as both protocols can name them: `title`, `priority.gte`, `limit`, `expectedVersion`. */
    fields: string[]
    /** The broken rule of each of them. */
    rules: Record<string, string>
  }
  /** What was asked and answered, for a failing test to show. */
  exchange: string
}

/** The data of an operation that is expected to succeed. */
export function data(outcome: Outcome): Outcome['data'] {
  if (outcome.error) throw new Error(`expected success, but ${outcome.exchange}`)
  return outcome.data
}

/** The error of an operation that is expected to be refused. */
export function refusal(outcome: Outcome): NonNullable<Outcome['error']> & Pick<Outcome, 'exchange'> {
  if (!outcome.error) throw new Error(`expected a refusal, but ${outcome.exchange}`)
  return { ...outcome.error, exchange: outcome.exchange }
}

/** An error in the one form; `nameOf` makes a name of the steps to a value, the protocol's way. */
export function describeError(code: string, issues: Issue[] = [], nameOf: (path: string[]) => string) {
  const named = issues.map(({ path, code: rule }) => {
    const name = nameOf(path.filter((step) => typeof step === 'string'))
    // What has one operator without a name may leave it out.
    return [name.replace(/^orderBy\..*/, 'orderBy').replace(/\.(in|any)$/, ''), rule] as const
  })
  return { code, fields: [...new Set(named.map(([name]) => name))].sort(), rules: Object.fromEntries(named) }
}

/** What was sent, as a failing test shows it: the beginning of a thousand tasks tells as much as all of them. */
export function shown(sent: unknown): string {
  const text = JSON.stringify(sent)
  return text.length > 2_000 ? `${text.slice(0, 2_000)}…` : text
}
