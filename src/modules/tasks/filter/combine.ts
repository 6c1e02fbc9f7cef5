import { AppError } from '../../../gateway/errors.ts'
import type { FilterPath } from './field-definition.ts'
import { FILTER_FIELDS, type TaskFilterValues } from './fields.ts'
import { sizeProblems } from './rules.ts'

/**
 * Combines two filters into one that both must match. Fields that only one of them gives stay at
 * the top level, where lists look for the best index. `path` is the argument that errors refer to
 * if they cannot be combined.
 */
export function allOf(first: TaskFilterValues, second: TaskFilterValues, path: FilterPath): TaskFilterValues {
  const refuse = (message: string, at: FilterPath = path) =>
    new AppError('VALIDATION_FAILED', `${at.join('.')}: ${message}`, { path: at })
  if (first.deleted != null && second.deleted != null && first.deleted !== second.deleted)
    throw refuse('contradicts the filter it is combined with', [...path, 'deleted'])

  const and = [...(first.and ?? []), ...(second.and ?? [])]
  const combined: TaskFilterValues = { ...first }
  for (const name of COMBINED) {
    if (second[name] == null) continue
    if (first[name] == null) Object.assign(combined, { [name]: second[name] })
    else and.push({ [name]: second[name] })
  }
  const deleted = first.deleted ?? second.deleted
  const all = { ...combined, ...(deleted != null && { deleted }), ...(and.length > 0 && { and }) }
  const [problem] = sizeProblems(all)
  if (problem) throw refuse(`together with the filter it is combined with, ${problem}`)
  return all
}

const COMBINED = [...(Object.keys(FILTER_FIELDS) as (keyof typeof FILTER_FIELDS)[]), 'or', 'not'] as const
