import { v7 as uuidv7 } from 'uuid'
import { lowerAscii } from '../../../auth/email-address.ts'
import { AppError } from '../../../gateway/errors.ts'
import type { Context } from '../../../request/context.ts'
import { grouped } from '../../../schema/rules.ts'

type Db = Context['db']

/** A task that was imported before. */
export interface KnownTask {
  id: string
  source: string
  ref: string
  key: string
  title: string
  description: string | null
  status: string
  priority: number
  startAt: Date | null
  dueAt: Date | null
  dueOn: Date | null
  parentId: string | null
  assigneeIds: string[]
  labelIds: string[]
  deleted: boolean
}

/** Finds tasks by where they come from, and locks them in the order of their ids, as batches do. */
export async function findKnown(
  db: Db,
  projectId: string,
  names: readonly { source: string; ref: string }[],
): Promise<KnownTask[]> {
  if (names.length === 0) return []
  return db.$queryRaw<KnownTask[]>`
    SELECT task."id"::text AS id, task."externalSource" AS source, task."externalId" AS ref, task."key", task."title", task."description",
      task."status"::text AS status, task."priority", task."startAt", task."dueAt", task."dueOn", task."parentId"::text AS "parentId",
      task."assigneeIds"::text[] AS "assigneeIds", task."labelIds"::text[] AS "labelIds", task."deletedAt" IS NOT NULL AS deleted
    FROM jsonb_to_recordset(${JSON.stringify(names)}::jsonb) AS given(source text, ref text)
    JOIN "Task" AS task ON task."projectId" = ${projectId}::uuid AND task."externalSource" = given.source AND task."externalId" = given.ref
    ORDER BY task."id" FOR NO KEY UPDATE OF task`
}

/** Finds members of the project by their address, or by a name that only one of them has. */
export async function findPeople(db: Db, projectId: string, given: readonly string[]): Promise<Map<string, string>> {
  if (given.length === 0) return new Map()
  const members = await db.membership.findMany({
    where: { projectId, user: { OR: [{ email: { in: given.map(lowerAscii) } }, { name: { in: [...given] } }] } },
    select: { userId: true, user: { select: { email: true, name: true } } },
  })
  const byName = new Map<string, string | undefined>()
  for (const { userId, user } of members) byName.set(user.name, byName.has(user.name) ? undefined : userId)
  const byAddress = new Map(members.map(({ userId, user }) => [user.email, userId]))
  return new Map(
    given.flatMap((one) => {
      const id = byAddress.get(lowerAscii(one)) ?? byName.get(one)
      return id === undefined ? [] : [[one, id] as const]
    }),
  )
}

export interface FoundParent {
  id: string
  /** Number of tasks from the root down to it. */
  depth: number
}

/** Finds live tasks of the project by external id or key, for rows that are below them. */
export async function findParents(
  db: Db,
  projectId: string,
  refs: readonly string[],
  source: string | null,
): Promise<Map<string, FoundParent>> {
  if (refs.length === 0) return new Map()
  const rows = await db.$queryRaw<(FoundParent & { ref: string })[]>`
    WITH RECURSIVE found AS (
      SELECT coalesce(task."externalId", task."key") AS ref, task."id" AS top, task."parentId" AS above, 1 AS depth FROM "Task" AS task
        WHERE task."projectId" = ${projectId}::uuid AND task."deletedAt" IS NULL AND ${source}::text IS NOT NULL
          AND task."externalSource" = ${source} AND task."externalId" = ANY(${[...refs]})
      UNION ALL SELECT task."key", task."id", task."parentId", 1 FROM "Task" AS task
        WHERE task."projectId" = ${projectId}::uuid AND task."deletedAt" IS NULL AND ${source}::text IS NULL AND task."key" = ANY(${[...refs]})
      UNION ALL SELECT found.ref, found.top, task."parentId", found.depth + 1 FROM found JOIN "Task" AS task ON task."id" = found.above
        WHERE found.depth <= 12
    ) SELECT ref, top::text AS id, max(depth)::int AS depth FROM found GROUP BY ref, top`
  return new Map(rows.map(({ ref, id, depth }) => [ref, { id, depth }]))
}

const DEFAULT_COLOR = '#6b7280'

/**
 * Returns the ids of labels by name, and creates those that are missing. A dry run gives new labels
 * ids that nothing has. Throws CONFLICT above MAX_LABELS_PER_PROJECT.
 */
export async function ensureLabels(
  ctx: Context,
  projectId: string,
  names: readonly string[],
  { viewerId, dryRun, planned }: { viewerId: string; dryRun: boolean; planned: number },
): Promise<{ ids: Map<string, string>; made: number }> {
  if (names.length === 0) return { ids: new Map(), made: 0 }
  const find = () => ctx.db.$queryRaw<{ name: string; folded: string; id: string | null }[]>`
    SELECT given AS name, fold_name(given) AS folded, label."id"::text AS id FROM unnest(${[...names]}::text[]) AS given
    LEFT JOIN "Label" AS label ON label."projectId" = ${projectId}::uuid AND fold_name(label."name") COLLATE "C" = fold_name(given) COLLATE "C"`
  const found = await find()
  const missing = new Map(found.flatMap(({ id, folded, name }) => (id === null ? [[folded, name] as const] : [])))
  const ids = new Map(found.flatMap(({ name, id }) => (id === null ? [] : [[name, id] as const])))
  if (missing.size === 0) return { ids, made: 0 }
  const maximum = ctx.services.config.MAX_LABELS_PER_PROJECT
  const there = planned + (await ctx.db.label.count({ where: { projectId } }))
  if (there + missing.size > maximum)
    throw new AppError('CONFLICT', `labels: the limit is ${grouped(maximum)} per project (MAX_LABELS_PER_PROJECT)`)
  const made = new Map([...missing].map(([folded, name]) => [folded, { id: uuidv7(), name }]))
  if (!dryRun) {
    await ctx.db.label.createMany({
      data: [...made.values()].map(({ id, name }) => ({
        id,
        projectId,
        name,
        color: DEFAULT_COLOR,
        updatedById: viewerId,
      })),
    })
  }
  for (const { name, folded, id } of found) if (id === null) ids.set(name, made.get(folded)?.id ?? '')
  return { ids, made: dryRun ? made.size : 0 }
}
