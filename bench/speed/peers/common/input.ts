/** The rules for values that the GraphQL schema cannot express. */
import { ApiError } from './errors.ts'
import { isOrder, type PageOptions } from './list-sql.ts'

export interface ListArguments {
  filter?: { projectId?: string | null; status?: string[] | null; search?: string | null } | null
  orderBy?: { field: string; direction: 'ASC' | 'DESC' }[] | null
  first?: number | null
  after?: string | null
}

interface TaskValues {
  title?: string | null
  description?: string | null
  priority?: number | null
}

const MAX_PAGE = 100

export function pageOptions({ filter, orderBy, first, after }: ListArguments): PageOptions {
  const { field, direction } = orderBy?.[0] ?? { field: 'CREATED_AT', direction: 'ASC' }
  if (!isOrder(field)) throw new ApiError('VALIDATION_FAILED', `orderBy: unknown field ${field}`)
  const limit = first ?? 20
  if (limit < 1 || limit > MAX_PAGE) throw new ApiError('VALIDATION_FAILED', `first: must be 1 to ${MAX_PAGE}`)
  return { ...filter, order: field, descending: direction === 'DESC', first: limit, after: after ?? null }
}

export function checkTask({ title, description, priority }: TaskValues): void {
  if (title != null && (title.trim() === '' || title.length > 200)) invalid('title: must have 1 to 200 characters')
  if (description != null && description.length > 2000) invalid('description: must have at most 2000 characters')
  if (priority != null && (priority < 1 || priority > 5)) invalid('priority: must be 1 to 5')
}

function invalid(message: string): never {
  throw new ApiError('VALIDATION_FAILED', message)
}
