import { toAppError } from '../database/errors.ts'
import { AppError } from '../gateway/errors.ts'

/** Returns true if a write failed because another row has the same value in this column. */
export function isUniqueViolation(error: unknown, column: string): boolean {
  const known = toAppError(error)
  return (
    known?.code === 'CONFLICT' && known.issues.some((issue) => issue.code === 'not_unique' && issue.path[0] === column)
  )
}

/** Creates a CONFLICT at the argument that holds the value. */
export function uniqueConflict(path: string[], message: string): AppError {
  return new AppError('CONFLICT', message, { issues: [{ path, code: 'not_unique', message }] })
}

/** Creates a PRECONDITION_FAILED for a change based on another version than the current one. */
export function versionConflict(thing: string, present: number, expected: number | null | undefined): AppError {
  // REST passes an ETag without a version as a negative number.
  const based = expected != null && expected >= 0 ? `not ${expected}` : 'and the ETag names no version'
  const message = `The ${thing} is at version ${present}, ${based}. Read it again and retry.`
  return new AppError('PRECONDITION_FAILED', message, { path: ['expectedVersion'] })
}
