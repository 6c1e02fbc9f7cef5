import type { Viewer } from '../../auth/viewer.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import { inVisibleProject, visibleProjects } from '../projects/policy.ts'

/**
 * Filters the notifications a viewer can see: their own, and of those about a task only while they
 * see the task. An ADMIN does not see those of others either.
 */
export function visibleNotifications(viewer: Viewer): Prisma.NotificationWhereInput {
  return {
    recipientId: viewer.id,
    inProduct: true,
    OR: [{ taskId: null }, { task: { deletedAt: null, project: visibleProjects(viewer) } }],
  }
}

/** Returns the same filter as SQL. */
export function visibleNotificationsSql(viewer: Viewer): Prisma.Sql {
  return Prisma.sql`"Notification"."recipientId" = ${viewer.id}::uuid AND "Notification"."inProduct"
    AND ("Notification"."taskId" IS NULL OR EXISTS (SELECT FROM "Task" AS seen WHERE seen."id" = "Notification"."taskId"
      AND seen."deletedAt" IS NULL AND ${inVisibleProject(viewer, Prisma.sql`seen."projectId"`)}))`
}
