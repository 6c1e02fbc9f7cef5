import type { Prisma } from '../../generated/prisma/client.ts'

/**
 * Removes a user from the assignees of a project's tasks, with an event for each. Locks the tasks
 * in the order of their ids, as batches do.
 */
export async function unassign(
  tx: Prisma.TransactionClient,
  { projectId, userId }: { projectId: string; userId: string },
): Promise<void> {
  await tx.$executeRaw`SELECT FROM "Task" JOIN "TaskAssignee" AS link ON link."taskId" = "Task"."id"
    WHERE link."userId" = ${userId}::uuid AND "Task"."projectId" = ${projectId}::uuid
    ORDER BY "Task"."id" FOR NO KEY UPDATE OF "Task"`
  await tx.$executeRaw`UPDATE "Task" SET "assigneeIds" = array_remove("assigneeIds", ${userId}::uuid)
    FROM "TaskAssignee" AS link
    WHERE link."taskId" = "Task"."id" AND link."userId" = ${userId}::uuid AND "Task"."projectId" = ${projectId}::uuid`
}

/** Removes a user from the assignees of all tasks, like `unassign`. */
export async function unassignEverywhere(tx: Prisma.TransactionClient, userId: string): Promise<void> {
  await tx.$executeRaw`SELECT FROM "Task" JOIN "TaskAssignee" AS link ON link."taskId" = "Task"."id"
    WHERE link."userId" = ${userId}::uuid ORDER BY "Task"."id" FOR NO KEY UPDATE OF "Task"`
  await tx.$executeRaw`UPDATE "Task" SET "assigneeIds" = array_remove("assigneeIds", ${userId}::uuid)
    FROM "TaskAssignee" AS link WHERE link."taskId" = "Task"."id" AND link."userId" = ${userId}::uuid`
}
