import { type AppError, type Issue, MAX_ISSUES, validationFailed } from './errors.ts'

/** Problems as Standard Schema libraries such as zod report them. */
export interface ValidationFailure {
  readonly issues: readonly {
    readonly message: string
    readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
  }[]
}

/**
 * Returns VALIDATION_FAILED with every problem. Made for the option `validationError` of Pothos's
 * validation plugin. A rule that sets `params: { rule }` names itself in the code of its issue.
 */
export function toValidationError({ issues }: ValidationFailure): AppError {
  return validationFailed(
    issues.slice(0, MAX_ISSUES).map((issue): Issue => {
      const path = (issue.path ?? []).map((step) => {
        const key = typeof step === 'object' ? step.key : step
        return typeof key === 'symbol' ? String(key) : key
      })
      const { code, params } = issue as { code?: unknown; params?: { rule?: unknown } }
      const rule = params?.rule ?? (code === 'custom' ? 'invalid' : code)
      return { path, code: typeof rule === 'string' ? rule : 'invalid', message: issue.message }
    }),
  )
}
