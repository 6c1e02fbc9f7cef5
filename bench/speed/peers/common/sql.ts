/**
 * The hand-written SQL of the peers that use `pg` directly. Each statement is prepared once per
 * connection.
 */
import type pg from 'pg'
import { v7 as uuid } from 'uuid'
import { COLUMNS, type TaskRow } from './columns.ts'
import { ApiError, notFound } from './errors.ts'
import { listStatement, type PageOptions, toPage } from './list-sql.ts'
import { readToken, type Viewer } from './viewer.ts'

export interface NewTask {
  projectId: string
  title: string
  description?: string | null
  status?: string | null
  priority?: number | null
  dueAt?: Date | null
  parentId?: string | null
  assigneeIds?: string[] | null
  labelIds?: string[] | null
}

export interface TaskChange {
  title?: string | null
  description?: string | null
  status?: string | null
  priority?: number | null
  dueAt?: Date | null
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

const FIND_VIEWER = `
  SELECT u."id", u."role" = 'ADMIN' AS "isAdmin" FROM "Session" s JOIN "User" u ON u."id" = s."userId"
  WHERE s."id" = $1 AND s."userId" = $2 AND s."revokedAt" IS NULL AND s."expiresAt" > now() AND u."disabledAt" IS NULL`

const FIND_TASK = `
  SELECT ${COLUMNS} FROM "Task" t WHERE t."id" = $1 AND t."deletedAt" IS NULL
    AND ($3 OR EXISTS (SELECT FROM "Membership" m WHERE m."projectId" = t."projectId" AND m."userId" = $2))`

const FIND_ROLE = `
  SELECT CASE WHEN $3 THEN 'OWNER' ELSE m."role" END AS "role"
  FROM "Project" p LEFT JOIN "Membership" m ON m."projectId" = p."id" AND m."userId" = $2 WHERE p."id" = $1`

/**
 * Inserts nothing if the viewer may not write, or if an assignee or label does not belong to the
 * project.
 */
const CREATE_TASK = `
  INSERT INTO "Task" AS t ("id", "projectId", "title", "description", "status", "priority", "dueAt", "parentId",
    "assigneeIds", "labelIds", "creatorId", "updatedById")
  SELECT $1, $2, $3, $4, $5::"TaskStatus", $6, $7, $8, $9::uuid[], $10::uuid[], $11, $11
  WHERE ($12 OR EXISTS (SELECT FROM "Membership" m WHERE m."projectId" = $2 AND m."userId" = $11 AND m."role" IN ('EDITOR', 'OWNER')))
    AND (SELECT count(*) FROM "Membership" m WHERE m."projectId" = $2 AND m."userId" = ANY ($9::uuid[])) = cardinality($9::uuid[])
    AND (SELECT count(*) FROM "Label" l WHERE l."projectId" = $2 AND l."id" = ANY ($10::uuid[])) = cardinality($10::uuid[])
  RETURNING ${COLUMNS}`

const UPDATE_TASK = `
  UPDATE "Task" AS t SET "title" = COALESCE($2, t."title"), "status" = COALESCE($3::"TaskStatus", t."status"),
    "priority" = COALESCE($4, t."priority"), "description" = CASE WHEN $5 THEN $6 ELSE t."description" END,
    "dueAt" = CASE WHEN $7 THEN $8 ELSE t."dueAt" END, "updatedById" = $9
  WHERE t."id" = $1 AND t."deletedAt" IS NULL AND ($10 OR EXISTS (
    SELECT FROM "Membership" m WHERE m."projectId" = t."projectId" AND m."userId" = $9 AND m."role" IN ('EDITOR', 'OWNER')))
  RETURNING ${COLUMNS}`

export function createQueries(pool: pg.Pool) {
  async function rows<Row extends pg.QueryResultRow>(name: string, text: string, values: unknown[]): Promise<Row[]> {
    return (await pool.query<Row>({ name, text, values })).rows
  }

  async function findTask(viewer: Viewer, id: string): Promise<TaskRow> {
    if (!UUID.test(id)) throw notFound('Task', id)
    const [task] = await rows<TaskRow>('task', FIND_TASK, [id, viewer.id, viewer.isAdmin])
    if (!task) throw notFound('Task', id)
    return task
  }

  /** Throws unless the viewer has a role that may write. */
  async function requireEditor(viewer: Viewer, projectId: string): Promise<void> {
    const [found] = await rows<{ role: string | null }>('role', FIND_ROLE, [projectId, viewer.id, viewer.isAdmin])
    if (!found?.role) throw notFound('Project', projectId)
    if (found.role === 'EDITOR' || found.role === 'OWNER') return
    throw new ApiError('FORBIDDEN', `You need the EDITOR role in this project. Your role is ${found.role}.`)
  }

  return {
    rows,
    findTask,

    async findViewer(authorization: string | undefined): Promise<Viewer | null> {
      const claims = readToken(authorization)
      if (!claims) return null
      const [viewer] = await rows<Viewer>('viewer', FIND_VIEWER, [claims.sid, claims.sub])
      return viewer ?? null
    },

    async listTasks(viewer: Viewer, options: PageOptions) {
      const found = (await pool.query<TaskRow>(listStatement(viewer, options))).rows
      // Rows prove that the viewer sees the project. Only an empty list needs the check.
      if (found.length === 0 && options.projectId) {
        const [project] = await rows<{ role: string | null }>('role', FIND_ROLE, [
          options.projectId,
          viewer.id,
          viewer.isAdmin,
        ])
        if (!project?.role) throw notFound('Project', options.projectId)
      }
      return toPage(found, options)
    },

    async createTask(viewer: Viewer, input: NewTask): Promise<TaskRow> {
      const { projectId, title, description, status, priority, dueAt, parentId } = input
      const [task] = await rows<TaskRow>('create', CREATE_TASK, [
        uuid(),
        projectId,
        title,
        description ?? null,
        status ?? 'PENDING',
        priority ?? 1,
        dueAt ?? null,
        parentId ?? null,
        [...new Set(input.assigneeIds ?? [])],
        [...new Set(input.labelIds ?? [])],
        viewer.id,
        viewer.isAdmin,
      ])
      if (task) return task
      await requireEditor(viewer, projectId)
      throw new ApiError('VALIDATION_FAILED', 'An assignee or a label does not belong to the project.')
    },

    async updateTask(viewer: Viewer, id: string, change: TaskChange): Promise<TaskRow> {
      if (!UUID.test(id)) throw notFound('Task', id)
      const [task] = await rows<TaskRow>('update', UPDATE_TASK, [
        id,
        change.title ?? null,
        change.status ?? null,
        change.priority ?? null,
        change.description !== undefined,
        change.description ?? null,
        change.dueAt !== undefined,
        change.dueAt ?? null,
        viewer.id,
        viewer.isAdmin,
      ])
      if (task) return task
      const { projectId } = await findTask(viewer, id)
      await requireEditor(viewer, projectId)
      throw notFound('Task', id)
    },
  }
}
