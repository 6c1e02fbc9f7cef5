import type { Context } from '../../request/context.ts'
import { requireAdmin } from '../../request/viewer.ts'
import { recordAct } from '../audit/record-service.ts'
import { requireProject } from '../projects/policy.ts'
import { deleteForGood } from '../tasks/purge-service.ts'
import type { ClearTasksValues } from './input.ts'

export interface InstanceStats {
  users: number
  projects: number
  tasks: TaskCounts
  events: number
  databaseBytes: number
  uptimeSeconds: number
}

export interface TaskCounts {
  total: number
  pending: number
  inProgress: number
  completed: number
  cancelled: number
  deleted: number
}

/** Counts what the instance holds. Needs an ADMIN. */
export async function getStats(ctx: Context): Promise<InstanceStats> {
  requireAdmin(ctx)
  // Positions count from 1 without gaps, and old events are deleted from the start.
  const [row] = await ctx.db.$queryRaw<(Omit<InstanceStats, 'tasks' | 'uptimeSeconds'> & TaskCounts)[]>`
    SELECT (SELECT count(*)::float8 FROM "User" WHERE "deletedAt" IS NULL) AS users,
      (SELECT count(*)::float8 FROM "Project") AS projects,
      (SELECT coalesce(max("position") - min("position") + 1, 0) FROM "Event")::float8
        + (SELECT count(*) FROM "Event" WHERE "position" IS NULL) AS events,
      pg_database_size(current_database())::float8 AS "databaseBytes",
      tasks.*
    FROM (SELECT count(*)::float8 AS total,
      count(*) FILTER (WHERE "deletedAt" IS NULL AND "status" = 'PENDING')::float8 AS pending,
      count(*) FILTER (WHERE "deletedAt" IS NULL AND "status" = 'IN_PROGRESS')::float8 AS "inProgress",
      count(*) FILTER (WHERE "deletedAt" IS NULL AND "status" = 'COMPLETED')::float8 AS completed,
      count(*) FILTER (WHERE "deletedAt" IS NULL AND "status" = 'CANCELLED')::float8 AS cancelled,
      count(*) FILTER (WHERE "deletedAt" IS NOT NULL)::float8 AS deleted FROM "Task") AS tasks`
  if (!row) throw new Error('the statistics have no row')
  const { users, projects, events, databaseBytes, ...tasks } = row
  return { users, projects, events, databaseBytes, tasks, uptimeSeconds: Math.floor(process.uptime()) }
}

/** Deletes all tasks, or all of a project, for good. Needs an ADMIN. */
export async function clearTasks(ctx: Context, { projectId }: ClearTasksValues) {
  const viewer = requireAdmin(ctx)
  if (projectId != null) await requireProject(ctx, projectId, 'OWNER', ['projectId'])
  // Before the first of several transactions, so that no deletion is without it.
  await recordAct(ctx.db, ctx, { action: 'tasks.cleared', projectId })
  return deleteForGood(ctx.db, viewer, projectId)
}
