import { toAppError } from '../../database/errors.ts'
import { AppError, type Issue } from '../../gateway/errors.ts'
import { isTreeRule, treeIssue } from './tree-rules.ts'

/** Returns NOT_FOUND if something linked to does not exist, otherwise VALIDATION_FAILED. */
export function linkError(issues: Issue[]): AppError {
  const message = issues
    .map((issue) => (issue.code === 'not_found' ? issue.message : `${issue.path.join('.')}: ${issue.message}`))
    .join('; ')
  return new AppError(linkErrorCode(issues), message, { issues })
}

export const linkErrorCode = (issues: readonly Issue[]) =>
  issues.some((issue) => issue.code === 'not_found') ? 'NOT_FOUND' : 'VALIDATION_FAILED'

export const NOT_A_MEMBER = { code: 'not_a_member', message: 'is not a member of the project' }

/**
 * Converts a database error about links to one at the field of the input. Returns any
 * other error unchanged.
 */
export function explainLinks(error: unknown, path: Issue['path'] = ['input']): unknown {
  const known = toAppError(error)
  const [issue] = known?.issues ?? []
  if (!known || !issue) return error
  const [column] = issue.path
  if (column === 'parentId' && isTreeRule(issue.code))
    return linkError([{ ...treeIssue(issue.code), path: [...path, 'parentId'] }])
  if (column === 'labelIds' || column === 'labelId')
    return linkError([{ path: [...path, 'labelIds'], code: 'not_found', message: 'A label no longer exists.' }])
  if (column === 'userId') return linkError([{ path: [...path, 'assigneeIds'], ...NOT_A_MEMBER }])
  return error
}
