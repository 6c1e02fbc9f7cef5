import { Prisma } from '../../generated/prisma/client.ts'
import { defineLoader } from '../../request/loader.ts'
import { requireViewer } from '../../request/viewer.ts'
import { inVisibleProject } from '../projects/policy.ts'

/** What an id in the log can refer to. */
export type NamedKind = 'user' | 'label' | 'task' | 'project'

interface Reference {
  kind: NamedKind
  id: string
}

/**
 * Loads the name of what an id refers to: the key of a task, the name of anything else. Null if it
 * no longer exists or the viewer cannot see it. All names of an answer share one statement.
 */
export const loadName = defineLoader(async (ctx, references: readonly Reference[]): Promise<(string | null)[]> => {
  const viewer = requireViewer(ctx)
  const idsOf = (kind: NamedKind) => [
    ...new Set(references.flatMap((reference) => (reference.kind === kind ? [reference.id] : []))),
  ]
  const visible = (column: string) => inVisibleProject(viewer, Prisma.raw(`"${column}"`))
  const rows = await ctx.db.$queryRaw<{ key: string; name: string }[]>`
    SELECT 'user ' || "id" AS "key", "name" FROM "User" WHERE "id" = ANY(${idsOf('user')}::uuid[])
    UNION ALL SELECT 'label ' || "id", "name" FROM "Label" WHERE "id" = ANY(${idsOf('label')}::uuid[]) AND ${visible('projectId')}
    UNION ALL SELECT 'task ' || "id", "key" FROM "Task" WHERE "id" = ANY(${idsOf('task')}::uuid[]) AND ${visible('projectId')}
    UNION ALL SELECT 'project ' || "id", "name" FROM "Project" WHERE "id" = ANY(${idsOf('project')}::uuid[]) AND ${visible('id')}`
  const names = new Map(rows.map(({ key, name }) => [key, name]))
  return references.map(({ kind, id }) => names.get(`${kind} ${id}`) ?? null)
})

/** Loads the names of deleted files, while the log has the events of their uploads. */
export const loadFilename = defineLoader(async (ctx, ids: readonly string[]): Promise<(string | null)[]> => {
  const rows = await ctx.db.$queryRaw<{ id: string; filename: string | null }[]>`
    SELECT "subjectId"::text AS id, "changes" -> 'filename' ->> 'to' AS filename FROM "Event"
    WHERE "subjectId" = ANY(${[...new Set(ids)]}::uuid[]) AND "position" IS NOT NULL AND "type" = 'attachment.created'`
  const names = new Map(rows.map(({ id, filename }) => [id, filename]))
  return ids.map((id) => names.get(id) ?? null)
})
