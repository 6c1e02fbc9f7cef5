import type { Context } from '../../../request/context.ts'
import { requireViewer } from '../../../request/viewer.ts'
import { requireLabels } from '../../labels/policy.ts'
import { type NamedId, requireProjects } from '../../projects/policy.ts'
import { timeZoneOf } from '../../users/time-zone-service.ts'
import { idsOf } from '../key-type.ts'
import { requireVisibleTasks } from '../policy.ts'
import { allOf } from './combine.ts'
import type { FilterPath, FilterScope, NamedIds } from './field-definition.ts'
import { givenFields, nestedFilters, type TaskFilterValues } from './fields.ts'
import { findSearchScope } from './words.ts'

/** A filter with everything its SQL and its matcher need to know. */
export interface ResolvedFilter extends FilterScope {
  values: TaskFilterValues
}

/** A filter and the argument it came from, to which errors refer. */
export interface FilterSource {
  values: TaskFilterValues
  path: FilterPath
}

/** A filter for a list that shows only visible tasks. */
export interface ListFilter {
  filter: ResolvedFilter
  /**
   * Throws NOT_FOUND if the filter names a project that is unknown or not visible. Call it if the
   * list is empty: a task in it proves that the project is visible.
   */
  requireProject: () => Promise<void>
}

/**
 * Combines filters and looks up what they name, with one statement per kind of row. Throws
 * NOT_FOUND for a project, label or parent that is unknown or not visible: an empty list would
 * hide the mistake.
 */
export async function resolveFilter(ctx: Context, ...sources: FilterSource[]): Promise<ResolvedFilter> {
  const { filter, requireProject } = await resolveListFilter(ctx, ...sources)
  await requireProject()
  return filter
}

/** Like `resolveFilter`, but leaves the look-up of a project that is all it names to the caller. */
export async function resolveListFilter(ctx: Context, ...sources: FilterSource[]): Promise<ListFilter> {
  const viewer = requireViewer(ctx)
  const [first, ...further] = sources
  const values = further.reduce((all, one) => allOf(all, one.values, one.path), first?.values ?? {})
  const stated = sources
    .flatMap((source) => [...nestedFilters(source.values, source.path)])
    .flatMap(([filter, at]) => givenFields(filter).map((one) => ({ ...one, path: [...at, one.name] })))
  const named = (kind: keyof NamedIds): NamedId[] =>
    stated.flatMap(({ field, value, path }) =>
      (field.named?.(value)[kind] ?? []).map((one) => ({ id: one.id, path: [...path, ...one.path] })),
    )
  const [projects, labels, parents] = [named('project'), named('label'), named('parent')]
  const isOnlyName = projects.length + labels.length + parents.length === 1 && values.projectId != null
  const requireProject = () => requireProjects(ctx, projects)
  const canWait = isOnlyName && values.search == null
  if (!canWait) await requireProject()
  await requireLabels(ctx, labels)
  const keys = stated.flatMap(({ field, value }) => field.keys?.(value) ?? [])
  const taskIds = await idsOf(ctx, [...parents.map(({ id }) => id), ...keys])
  await requireVisibleTasks(ctx, parents, taskIds)
  const searches = stated.some(({ name }) => name === 'search')
  const searchScope = searches ? await findSearchScope(ctx, viewer, values.projectId) : null
  const timeZone = stated.some(({ name }) => name === 'overdue') ? await timeZoneOf(ctx, viewer.id) : 'UTC'
  const filter = { values, viewerId: viewer.id, timeZone, taskIds, deleted: values.deleted === true, searchScope }
  return { filter, requireProject: canWait ? requireProject : async () => {} }
}
