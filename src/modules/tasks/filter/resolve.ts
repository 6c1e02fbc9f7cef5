import type { Context } from '../../../request/context.ts'
import { requireViewer } from '../../../request/viewer.ts'
import { requireLabels } from '../../labels/policy.ts'
import { type NamedId, requireProjects } from '../../projects/policy.ts'
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

/**
 * Combines filters and looks up what they name, with one statement per kind of row. Throws
 * NOT_FOUND for a project, label or parent that is unknown or not visible: an empty list would
 * hide the mistake.
 */
export async function resolveFilter(ctx: Context, ...sources: FilterSource[]): Promise<ResolvedFilter> {
  const viewer = requireViewer(ctx)
  const values = sources.reduce<TaskFilterValues>((all, one) => allOf(all, one.values, one.path), {})
  const stated = sources
    .flatMap((source) => [...nestedFilters(source.values, source.path)])
    .flatMap(([filter, at]) => givenFields(filter).map((one) => ({ ...one, path: [...at, one.name] })))
  const named = (kind: keyof NamedIds): NamedId[] =>
    stated.flatMap(({ field, value, path }) =>
      (field.named?.(value)[kind] ?? []).map((one) => ({ id: one.id, path: [...path, ...one.path] })),
    )
  await requireProjects(ctx, named('project'))
  await requireLabels(ctx, named('label'))
  const parents = named('parent')
  const keys = stated.flatMap(({ field, value }) => field.keys?.(value) ?? [])
  const taskIds = await idsOf(ctx, [...parents.map(({ id }) => id), ...keys])
  await requireVisibleTasks(ctx, parents, taskIds)
  const searches = stated.some(({ name }) => name === 'search')
  const searchScope = searches ? await findSearchScope(ctx, viewer, values.projectId) : null
  return { values, viewerId: viewer.id, taskIds, deleted: values.deleted === true, searchScope }
}
