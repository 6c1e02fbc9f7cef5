import type { Viewer } from '../../../auth/viewer.ts'
import { Prisma } from '../../../generated/prisma/client.ts'
import type { Context } from '../../../request/context.ts'
import { text } from '../../../schema/rules.ts'
import { visibleProjectsSql } from '../../projects/policy.ts'
import { type FilterScope, field, oneOf, type SearchScope } from './field-definition.ts'

const MAX_SEARCH = 200

export const search = field({
  description: `Words in the title or description. All must occur, in any form (run finds running); the last may be the beginning of a word. Symbols of a word count (C++, a_b). Ignores case and accents. At most ${MAX_SEARCH} characters.`,
  type: 'String',
  rule: text(MAX_SEARCH)
    .refine((value) => /[\p{L}\p{N}]/u.test(value), 'must contain a letter or a digit')
    .meta({ examples: ['report'] }),
  joins: () => 1,
  selective: () => true,
  sql: (words, scope) => Prisma.sql`EXISTS (SELECT FROM "TaskSearch" AS text WHERE text."taskId" = "Task"."id"
    AND ${wordsMatch(words, scope)})`,
  matches: (words, _task, { hits }) => hits.has(words),
})

/** Condition on "TaskSearch" AS text. */
export function wordsMatch(words: string, { searchScope }: FilterScope): Prisma.Sql {
  const query = Prisma.sql`search_query(${words})`
  if (!searchScope) return Prisma.sql`text."words" @@ ${query}`
  // The index only serves the bare operator, so IS TRUE keeps the planner from using it.
  if (searchScope.small) return Prisma.sql`(text."words" @@ ${query}) IS TRUE`
  // Every task's words include its project, so the index skips matches in other projects.
  const scope = searchScope.projectIds.map(projectWord).join(' | ')
  return Prisma.sql`text."words" @@ (${query} && ${scope}::tsquery)`
}

/** Must equal the SQL function project_word. */
const projectWord = (projectId: string) => `'=${projectId.replaceAll('-', '')}'`

/** Above this, listing the projects costs more than it saves. */
const MAX_SCOPED_PROJECTS = 100
const FEW_TASKS = 2_000

export async function findSearchScope(
  ctx: Context,
  viewer: Viewer,
  projectId: string | null | undefined,
): Promise<SearchScope | null> {
  if (projectId == null && viewer.role === 'ADMIN') return null
  const projects = await ctx.db.project.findMany({
    where: projectId == null ? { memberships: { some: { userId: viewer.id } } } : { id: projectId },
    select: { id: true, taskCounter: true },
    take: MAX_SCOPED_PROJECTS + 1,
  })
  if (projects.length > MAX_SCOPED_PROJECTS) return null
  const tasks = projects.reduce((sum, project) => sum + project.taskCounter, 0)
  return { projectIds: projects.map(({ id }) => id), small: tasks <= FEW_TASKS }
}

/** Limits a project id column to the projects searched. Returns undefined if there is no limit. */
export function searchedProjects(
  viewer: Viewer,
  { searchScope, values }: FilterScope & { values: { projectId?: string | null | undefined } },
  column: Prisma.Sql,
): Prisma.Sql | undefined {
  // Literal ids let the planner see how many tasks the projects have.
  if (searchScope) return oneOf(column, searchScope.projectIds, 'uuid')
  return values.projectId == null ? visibleProjectsSql(viewer, column) : undefined
}
