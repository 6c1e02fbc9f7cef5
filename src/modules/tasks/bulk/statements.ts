import { Prisma } from '../../../generated/prisma/client.ts'
import type { changedTask, newTask } from '../service.ts'

/**
 * Statements that write many tasks at once. All rows are one JSON parameter: with a parameter per
 * value, sending them takes several times as long as writing them.
 */

/** Types of the columns a client may set. */
const COLUMNS = {
  title: 'text',
  description: 'text',
  status: '"TaskStatus"',
  priority: 'smallint',
  startAt: 'timestamptz',
  dueAt: 'timestamptz',
  dueOn: 'date',
  parentId: 'uuid',
  assigneeIds: 'uuid[]',
  labelIds: 'uuid[]',
} as const

const columnValue = (source: string, name: string, type: string) =>
  type.endsWith('[]')
    ? `ARRAY(SELECT jsonb_array_elements_text(${source} -> '${name}'))::${type}`
    : `(${source} ->> '${name}')::${type}`

type NewTask = { id: string } & ReturnType<typeof newTask>

/** Columns that only an import sets. */
const IMPORTED = { completedAt: 'timestamptz', externalSource: 'text', externalId: 'text' } as const

export type ImportedTask = NewTask & {
  completedAt: Date | null
  externalSource: string | null
  externalId: string | null
}

/** Inserts tasks of an import: see insertTasks. */
export const insertImported = (tasks: readonly ImportedTask[]): Prisma.Sql => insertRows(tasks, IMPORTED)

/** Inserts tasks in the given order, which also numbers them. */
export const insertTasks = (tasks: readonly NewTask[]): Prisma.Sql => insertRows(tasks, {})

function insertRows(tasks: readonly NewTask[], more: Readonly<Record<string, string>>): Prisma.Sql {
  const columns = { id: 'uuid', projectId: 'uuid', creatorId: 'uuid', updatedById: 'uuid', ...COLUMNS, ...more }
  const names = Object.keys(columns).map((name) => Prisma.raw(`"${name}"`))
  const values = Object.entries(columns).map(([name, type]) => Prisma.raw(columnValue('given', name, type)))
  return Prisma.sql`INSERT INTO "Task" (${Prisma.join(names)}) SELECT ${Prisma.join(values)}
    FROM jsonb_array_elements(${JSON.stringify(tasks)}::jsonb) WITH ORDINALITY AS item(given, place) ORDER BY place`
}

interface Change {
  id: string
  patch: Partial<ReturnType<typeof changedTask>>
}

/** Updates each task by its own patch. Columns absent from the patch keep their value. */
export function updateTasks(viewerId: string, changes: readonly Change[]): Prisma.Sql {
  const set = Object.entries(COLUMNS).map(([name, type]) =>
    Prisma.raw(
      `"${name}" = CASE WHEN given.patch ? '${name}' THEN ${columnValue('given.patch', name, type)} ELSE task."${name}" END`,
    ),
  )
  return Prisma.sql`UPDATE "Task" AS task SET ${Prisma.join(set)}, "updatedById" = ${viewerId}::uuid
    FROM (SELECT (value ->> 'id')::uuid AS id, value -> 'patch' AS patch
      FROM jsonb_array_elements(${JSON.stringify(changes)}::jsonb)) AS given
    WHERE task."id" = given.id`
}
