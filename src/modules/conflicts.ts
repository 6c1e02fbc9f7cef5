import { toAppError } from '../database/errors.ts'
import { AppError } from '../gateway/errors.ts'

/** Whether a write failed because another row has the same value in this column. */
export function isTaken(error: unknown, column: string): boolean {
  const known = toAppError(error)
  return (
    known?.code === 'CONFLICT' && known.issues.some((issue) => issue.code === 'not_unique' && issue.path[0] === column)
  )
}

/** CONFLICT on the argument that held the value. */
export function taken(path: string[], message: string): AppError {
  return new AppError('CONFLICT', message, { issues: [{ path, code: 'not_unique', message }] })
}

/** PRECONDITION_FAILED for a change that is based on another version than the present one. */
export function versionDiffers(thing: string, present: number, expected: number | null | undefined): AppError {
  // An ETag that names no version at all is asked for as a negative one.
  const based = expected != null && expected >= 0 ? `not ${expected}` : 'and the ETag is of none'
  const message = `The ${thing} is at version ${present}, ${based}: read it again.`
  return new AppError('PRECONDITION_FAILED', message, { path: ['expectedVersion'] })
}
