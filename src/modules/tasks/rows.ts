import type { Prisma } from '../../generated/prisma/client.ts'

/** Columns and relations to read, from the GraphQL selection. */
export type TaskQuery = Pick<Prisma.TaskFindManyArgs, 'select' | 'include'>

/** A row of "Task" with all its columns. */
export type TaskRow = Prisma.TaskGetPayload<Record<never, never>>
