import { type KeysetPage, type KeysetSource, keysetPages } from '../../database/keyset.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import type { Context } from '../../request/context.ts'
import { defineGroupedLoader } from '../../request/loader.ts'
import { requireViewer } from '../../request/viewer.ts'
import { type Connection, connectionOf, type PageArguments, readPage } from '../../schema/lists.ts'
import { typesInScope } from '../event-feed/policy.ts'
import { inVisibleProject } from '../projects/policy.ts'

/** An event, with what its description needs. */
export interface Entry {
  /** Position in the log. */
  position: bigint
  type: string
  projectId: string
  subjectId: string
  actorId: string | null
  at: Date
  changes: Record<string, { from: unknown; to: unknown }>
  /** The task that the event is about, and the other task of a relation in the same project. */
  taskId: string | null
  otherTaskId: string | null
  /** For the event of a task: the task as it was then. */
  task: { key: string; title: string; deletedAt: string | null }
  /** What the list is of. In that of one task, texts do not name the task. */
  of: Of
}

export type Of = 'task' | 'project'

interface Asked {
  of: Of
  id: string
  args: PageArguments
}

const COLUMNS = [
  'position',
  'type',
  'projectId',
  'subjectId',
  'actorId',
  'at',
  'changes',
  'state',
  'aboutId',
  'alsoAboutId',
]
const POSITION = Prisma.sql`"Event"."position"`
const PROJECT = Prisma.sql`"Event"."projectId"`
const PARENT = Prisma.sql`parent."id"`

/** Loads a page of the activity of each task or project. Pages with the same arguments share a statement. */
export const loadActivity = defineGroupedLoader(
  ({ of, args }: Asked) => JSON.stringify([of, args]),
  async (ctx, group): Promise<Connection<Entry>[]> => {
    // Events committed before the request get their positions. A transaction must not wait for that.
    if (ctx.db === ctx.services.db) await ctx.services.tail.newest()
    const [{ of, args }] = group
    const source = sourceOf(ctx, of)
    const ids = group.map(({ id }) => id)
    const pages = await keysetPages(
      ctx.db,
      { ...source, ...readPage(args), row: { columns: COLUMNS, sql: rowSql } },
      { column: PARENT, ids },
    )
    return pages.map((page, index) =>
      connectionOf({}, page, entriesOf(page, of), () => countActivity(ctx, { of, id: ids[index] ?? '' })),
    )
  },
)

/** Counts the whole activity of a task or project. */
const countActivity = defineGroupedLoader(
  ({ of }: Pick<Asked, 'of' | 'id'>) => of,
  async (ctx, group) => {
    const [{ of }] = group
    const { from, where } = sourceOf(ctx, of)
    const rows = await ctx.db.$queryRaw<{ count: number }[]>`
      SELECT (SELECT count(*)::int FROM ${from} WHERE ${where}) AS count
      FROM unnest(${group.map(({ id }) => id)}::uuid[]) WITH ORDINALITY AS parent("id", "index") ORDER BY parent."index"`
    return rows.map(({ count }) => count)
  },
)

/**
 * Lists the events of each task or project `parent`, newest first. Shows the events that the event
 * log shows to the viewer.
 */
function sourceOf(ctx: Context, of: Of): KeysetSource & { where: Prisma.Sql } {
  const viewer = requireViewer(ctx)
  const types = typesInScope(viewer)
  const conditions = [
    of === 'task' ? Prisma.sql`${PROJECT} IS NOT NULL` : OF_PROJECT,
    ...(types ? [Prisma.sql`"Event"."type" = ANY(${[...types]})`] : []),
    // A task may have moved here from a project that the viewer does not see.
    ...(of === 'task' ? [inVisibleProject(viewer, PROJECT)] : []),
  ]
  return {
    name: 'Event',
    from: of === 'task' ? EVENTS_OF_TASK : Prisma.sql`"Event"`,
    where: Prisma.join(conditions, ' AND '),
    id: POSITION,
    idType: 'bigint',
    order: [
      ...(of === 'project' ? [{ name: 'project', expression: PROJECT, type: 'uuid', direction: 'desc' } as const] : []),
      { name: 'position', expression: POSITION, type: 'bigint', direction: 'desc' },
    ],
  }
}

/**
 * Events of a project, as a range of its index. With an equality, PostgreSQL may read the whole log
 * backwards until it has found a page, which takes long for a project where nothing happens.
 */
const OF_PROJECT = Prisma.sql`${POSITION} IS NOT NULL AND (${PROJECT}, ${POSITION}) >= (${PARENT}, 0)
  AND (${PROJECT}, ${POSITION}) <= (${PARENT}, ${2n ** 63n - 1n}::bigint)`

/** One branch for each index. PostgreSQL merges them in order, and stops when the page is full. */
const EVENTS_OF_TASK = Prisma.sql`(${Prisma.join(
  ['subjectId', 'aboutId', 'alsoAboutId'].map(
    (column) =>
      Prisma.sql`SELECT * FROM "Event" WHERE ${Prisma.raw(`"${column}"`)} = ${PARENT} AND "position" IS NOT NULL`,
  ),
  ' UNION ALL ',
)}) AS "Event"`

const rowSql = (page: string) => `json_build_array(${page}."position"::text, ${page}."type", ${page}."projectId",
  ${page}."subjectId", ${page}."actorId", ${page}."at", ${page}."changes", coalesce(${page}."aboutId",
    CASE WHEN ${page}."type" LIKE 'task.%' THEN ${page}."subjectId" END), ${page}."alsoAboutId",
  ${page}."state" ->> 'key', ${page}."state" ->> 'title', ${page}."state" ->> 'deletedAt')`

type Row = [
  position: string,
  type: string,
  projectId: string,
  subjectId: string,
  actorId: string | null,
  at: string,
  changes: Entry['changes'],
  taskId: string | null,
  otherTaskId: string | null,
  key: string | null,
  title: string | null,
  deletedAt: string | null,
]

function entriesOf({ rows }: KeysetPage, of: Of): Entry[] {
  return rows.map(({ row }) => {
    const [position, type, projectId, subjectId, actorId, at, changes, taskId, otherTaskId, key, title, deletedAt] =
      row as Row
    return {
      position: BigInt(position),
      type,
      projectId,
      subjectId,
      actorId,
      at: new Date(at),
      changes,
      taskId,
      otherTaskId,
      task: { key: key ?? 'a task', title: title ?? '', deletedAt },
      of,
    }
  })
}
