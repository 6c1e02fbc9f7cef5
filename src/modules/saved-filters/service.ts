import { actAs } from '../../database/actor.ts'
import { Prisma, type SavedFilter } from '../../generated/prisma/client.ts'
import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'
import { byTime, type Connection, loadPage } from '../../schema/lists.ts'
import { type Quota, withinQuota } from '../../schema/quota.ts'
import { isId } from '../../schema/rules.ts'
import { expectsRow, updateVersioned, type Version } from '../../schema/versioned.ts'
import { requireProject } from '../projects/policy.ts'
import type { TaskFilterValues } from '../tasks/filter/fields.ts'
import { resolveFilter } from '../tasks/filter/resolve.ts'
import { taskFilterRules } from '../tasks/filter/rules.ts'
import type { CreateSavedFilterValues, ListSavedFiltersValues, UpdateSavedFilterValues } from './input.ts'
import { requireSavedFilter, savedFilterNotFound, visibleSavedFilters, visibleSavedFiltersSql } from './policy.ts'

type SavedFilterQuery = Pick<Prisma.SavedFilterFindManyArgs, 'select' | 'include'>

/** Lists the saved filters the viewer can see, oldest first: all of them, or those of a project. */
export async function listSavedFilters(
  ctx: Context,
  args: ListSavedFiltersValues,
  query: SavedFilterQuery,
): Promise<Connection<SavedFilter>> {
  const { projectId } = args
  if (projectId != null) await requireProject(ctx, projectId, 'VIEWER', ['projectId'])
  const ofProject = Prisma.sql`"projectId" = ${projectId}::uuid`
  return loadPage<SavedFilter>(ctx.db, args, {
    table: 'SavedFilter',
    where: projectId == null ? visibleSavedFiltersSql(requireViewer(ctx)) : ofProject,
    order: [byTime('createdAt', 'asc', 'SavedFilter')],
    model: 'savedFilter',
    query,
  })
}

/** Returns a saved filter. Throws NOT_FOUND for one the viewer cannot see. */
export async function getSavedFilter(ctx: Context, id: string, query: SavedFilterQuery) {
  const found = await findVisible(ctx, id, query)
  if (!found) throw savedFilterNotFound(id)
  return found
}

/** Reads a saved filter to list tasks with. `path` is the argument that holds its id. */
export async function readSavedFilter(ctx: Context, id: string, path: string[]): Promise<TaskFilterValues> {
  const found = await findVisible(ctx, id, { select: { filter: true } })
  if (!found) throw savedFilterNotFound(id, path)
  return taskFilterRules.parse(found.filter)
}

/** Saves a filter. Sharing it with a project needs EDITOR there. */
export async function createSavedFilter(ctx: Context, input: CreateSavedFilterValues, query: SavedFilterQuery) {
  const viewer = requireViewer(ctx)
  const { name, filter, projectId } = input
  await resolveFilter(ctx, { values: filter, path: ['input', 'filter'] })
  if (projectId != null) await requireProject(ctx, projectId, 'EDITOR', ['input', 'projectId'])
  const data = { ownerId: viewer.id, projectId, name, filter: toJson(filter), updatedById: viewer.id }
  return withinQuota(ctx, quotaOf(viewer.id), (tx) => tx.savedFilter.create({ ...query, data }))
}

const quotaOf = (ownerId: string): Quota => ({
  setting: 'MAX_SAVED_FILTERS_PER_USER',
  of: { table: 'User', id: ownerId },
  explain: 'saved filters per user: delete one first',
  count: (tx) => tx.savedFilter.count({ where: { ownerId } }),
})

/** Changes a saved filter; a projectId shares it with that project, null makes it private. */
export async function updateSavedFilter(
  ctx: Context,
  id: string,
  { name, filter, projectId }: UpdateSavedFilterValues,
  version: Version,
  query: SavedFilterQuery,
) {
  await requireSavedFilter(ctx, id, projectId === null)
  if (filter) await resolveFilter(ctx, { values: filter, path: ['input', 'filter'] })
  if (projectId != null) await requireProject(ctx, projectId, 'EDITOR', ['input', 'projectId'])
  const data = {
    name: name ?? undefined,
    filter: filter ? toJson(filter) : undefined,
    projectId,
    updatedById: requireViewer(ctx).id,
  }
  return updateVersioned(expected(ctx, id, version), (where) => ctx.db.savedFilter.update({ ...query, where, data }))
}

/** Deletes a saved filter. */
export async function deleteSavedFilter(ctx: Context, id: string, version: Version, query: SavedFilterQuery) {
  await requireSavedFilter(ctx, id, true)
  const viewer = requireViewer(ctx)
  return updateVersioned(expected(ctx, id, version), (where) =>
    ctx.db.$transaction(async (tx) => {
      await actAs(tx, viewer)
      return tx.savedFilter.delete({ ...query, where })
    }),
  )
}

async function findVisible<Query extends SavedFilterQuery>(ctx: Context, id: string, query: Query) {
  if (!isId(id)) return null
  return ctx.db.savedFilter.findFirst({ ...query, where: { id, ...visibleSavedFilters(requireViewer(ctx)) } })
}

const expected = expectsRow('saved filter', (db) => db.savedFilter, savedFilterNotFound)

/** Converts times to text and drops absent conditions, as `taskFilterRules` reads them back. */
const toJson = (filter: TaskFilterValues): Prisma.InputJsonObject => JSON.parse(JSON.stringify(filter))
