import type { Viewer } from '../../auth/viewer.ts'
import type { KeysetSource } from '../../database/keyset.ts'
import type { OrderTerm } from '../../database/row-order.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import { visibleNotificationsSql } from '../notifications/policy.ts'
import { inVisibleProject } from '../projects/policy.ts'

type Table = Prisma.ModelName
type Column<T extends Table> = Extract<keyof Prisma.TypeMap['model'][T]['payload']['scalars'], string>

/** Records of one type in the export of a person's data. */
export interface RecordKind {
  type: string
  source: (viewer: Viewer) => KeysetSource
  columns: readonly string[]
  /** Further fields, as SQL of the alias of the row. */
  more: Readonly<Record<string, (row: string) => string>>
}

interface Declaration<T extends Table> {
  table: T
  /** The columns to export. Never a secret, not even its hash. */
  columns: readonly Column<T>[]
  /** Must leave out what the viewer no longer sees, as in a project that they left. */
  where: (viewer: Viewer) => Prisma.Sql
  from?: Prisma.Sql
  /** Default: createdAt, then id. An index begins with the person's id and goes on with these. */
  order?: OrderTerm[]
  id?: Prisma.Sql
  more?: RecordKind['more']
}

function records<T extends Table>(type: string, declared: Declaration<T>): RecordKind {
  const { table, columns, where, more = {} } = declared
  const column = (name: string) => Prisma.raw(`"${table}"."${name}"`)
  const createdAt = {
    name: 'createdAt',
    expression: column('createdAt'),
    type: 'timestamptz',
    direction: 'asc',
  } as const
  const { from = Prisma.raw(`"${table}"`), order = [createdAt], id = column('id') } = declared
  return { type, columns, more, source: (viewer) => ({ name: table, from, id, order, where: where(viewer) }) }
}

/** The key of a task that a row belongs to. */
const taskKey = (row: string) => `(SELECT "key" FROM "Task" WHERE "id" = ${row}."taskId")`

const TASK_PROJECT = Prisma.sql`"Task"."projectId"`

const TASK_COLUMNS = [
  'id',
  'key',
  'projectId',
  'title',
  'description',
  'status',
  'priority',
  'startAt',
  'dueAt',
  'dueOn',
  'completedAt',
  'parentId',
  'creatorId',
  'assigneeIds',
  'labelIds',
  'deletedAt',
  'createdAt',
  'updatedAt',
] as const

const owned = ({ id }: Viewer) => Prisma.sql`"Project"."id" IN (
  SELECT "projectId" FROM "Membership" WHERE "userId" = ${id}::uuid AND "role" = 'OWNER')`

/** Assigned tasks, in the trash or not: by the index of the assignments. Not those in `createdTask`. */
const assignedTasks = (live: boolean) =>
  records('assignedTask', {
    table: 'Task',
    columns: TASK_COLUMNS,
    from: Prisma.sql`"TaskAssignee" AS link JOIN "Task" ON "Task"."id" = link."taskId"`,
    where: (viewer) => Prisma.sql`link."userId" = ${viewer.id}::uuid AND link."live" = ${live}
      AND "Task"."creatorId" IS DISTINCT FROM ${viewer.id}::uuid AND ${inVisibleProject(viewer, TASK_PROJECT)}`,
    order: [{ name: 'createdAt', expression: Prisma.sql`link."createdAt"`, type: 'timestamptz', direction: 'asc' }],
    id: Prisma.sql`link."taskId"`,
  })

/**
 * All that a person owns or wrote and still sees, in the order of the export. A noun whose rows belong to people
 * has an entry here.
 */
export const RECORDS: readonly RecordKind[] = [
  records('profile', {
    table: 'User',
    columns: ['id', 'email', 'name', 'role', 'inboxId', 'createdAt', 'updatedAt'],
    where: ({ id }) => Prisma.sql`"User"."id" = ${id}::uuid`,
  }),
  records('session', {
    table: 'Session',
    columns: ['id', 'userAgent', 'createdAt', 'lastUsedAt', 'expiresAt', 'revokedAt'],
    where: ({ id }) => Prisma.sql`"userId" = ${id}::uuid`,
  }),
  records('apiKey', {
    table: 'ApiKey',
    columns: ['id', 'name', 'scopes', 'createdAt', 'lastUsedAt', 'expiresAt', 'revokedAt'],
    where: ({ id }) => Prisma.sql`"userId" = ${id}::uuid`,
  }),
  records('savedFilter', {
    table: 'SavedFilter',
    columns: ['id', 'name', 'projectId', 'filter', 'createdAt', 'updatedAt'],
    where: ({ id }) => Prisma.sql`"ownerId" = ${id}::uuid`,
  }),
  records('membership', {
    table: 'Membership',
    columns: ['id', 'projectId', 'role', 'createdAt', 'updatedAt'],
    where: ({ id }) => Prisma.sql`"userId" = ${id}::uuid`,
    more: { projectKey: (row) => `(SELECT "key" FROM "Project" WHERE "id" = ${row}."projectId")` },
  }),
  records('project', {
    table: 'Project',
    columns: ['id', 'key', 'name', 'description', 'archivedAt', 'createdAt', 'updatedAt'],
    where: owned,
  }),
  records('createdTask', {
    table: 'Task',
    columns: TASK_COLUMNS,
    where: (viewer) =>
      Prisma.sql`"Task"."creatorId" = ${viewer.id}::uuid AND ${inVisibleProject(viewer, TASK_PROJECT)}`,
  }),
  assignedTasks(true),
  assignedTasks(false),
  records('comment', {
    table: 'Comment',
    columns: ['id', 'taskId', 'projectId', 'body', 'editedAt', 'createdAt', 'updatedAt'],
    where: (viewer) =>
      Prisma.sql`"Comment"."authorId" = ${viewer.id}::uuid AND ${inVisibleProject(viewer, Prisma.sql`"Comment"."projectId"`)}`,
    more: { taskKey },
  }),
  records('attachment', {
    table: 'Attachment',
    columns: ['id', 'taskId', 'projectId', 'filename', 'contentType', 'size', 'sha256', 'createdAt'],
    where: (viewer) =>
      Prisma.sql`"Attachment"."uploaderId" = ${viewer.id}::uuid AND ${inVisibleProject(viewer, Prisma.sql`"Attachment"."projectId"`)}`,
    more: { taskKey },
  }),
  records('notification', {
    table: 'Notification',
    columns: ['id', 'kind', 'taskId', 'commentId', 'message', 'dueAt', 'readAt', 'createdAt'],
    where: visibleNotificationsSql,
    more: { taskKey },
  }),
  records('notificationPreferences', {
    table: 'NotificationSettings',
    columns: ['pushUrl', 'notShown', 'notEmailed', 'notPushed'],
    where: ({ id }) => Prisma.sql`"userId" = ${id}::uuid`,
    order: [],
    id: Prisma.sql`"NotificationSettings"."userId"`,
  }),
]
