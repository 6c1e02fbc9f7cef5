import { randomUUID } from 'node:crypto'
import type { Prisma } from '../generated/prisma/client.ts'
import type { Database } from './client.ts'

type Sql = Pick<Database, '$queryRaw' | '$executeRaw'>

/** Thrown when another server has taken over the work. */
export class LeaseLostError extends Error {
  constructor() {
    super('another server has taken over')
  }
}

/**
 * The right of one server at a time to do a piece of background work, which survives the server: a
 * row in the database with its holder, the end of the lease, and how far the work has come.
 */
export interface Lease<State extends Prisma.InputJsonObject> {
  /** Takes the lease if it is free, or ours. Returns how far the work has come, or undefined. */
  acquire(): Promise<State | undefined>
  /**
   * Extends the lease and stores how far the work has come. Throws LeaseLostError if another server
   * holds it. In a transaction, nothing of it is committed then, and nobody can take the lease
   * before it ends.
   */
  keep(db: Sql, state: State): Promise<void>
  /** True while nobody else can hold the lease. */
  readonly held: boolean
  /** Frees the lease, so that another server need not wait for its end. */
  release(): Promise<void>
}

export interface LeaseOptions<State> {
  name: string
  /** State of work that has never begun. */
  initial: State
  /** Length of the lease, in milliseconds. */
  lengthMs: number
  /** True if no other process can be at work, whatever the row says. */
  exclusive: boolean
}

/** Creates a lease that is not held yet. */
export function createLease<State extends Prisma.InputJsonObject>(
  db: Sql,
  { name, initial, lengthMs, exclusive }: LeaseOptions<State>,
): Lease<State> {
  const holder = randomUUID()
  /** By `performance.now()`. */
  let heldUntil = 0

  return {
    get held() {
      return exclusive ? heldUntil > 0 : performance.now() < heldUntil
    },
    async acquire() {
      const asked = performance.now()
      const [row] = await db.$queryRaw<{ state: State }[]>`
        INSERT INTO "Worker" ("name", "holder", "heldUntil", "state")
        VALUES (${name}, ${holder}::uuid, clock_timestamp() + ${lengthMs}::int * interval '1 ms', ${JSON.stringify(initial)}::jsonb)
        ON CONFLICT ("name") DO UPDATE SET "holder" = excluded."holder", "heldUntil" = excluded."heldUntil"
        WHERE ${exclusive} OR "Worker"."holder" IS NULL OR "Worker"."holder" = excluded."holder" OR "Worker"."heldUntil" < clock_timestamp()
        RETURNING "state"`
      if (row) heldUntil = asked + lengthMs
      return row?.state
    },
    async keep(tx, state) {
      const asked = performance.now()
      const count = await tx.$executeRaw`
        UPDATE "Worker" SET "heldUntil" = clock_timestamp() + ${lengthMs}::int * interval '1 ms', "state" = ${JSON.stringify(state)}::jsonb
        WHERE "name" = ${name} AND "holder" = ${holder}::uuid`
      if (count === 0) {
        heldUntil = 0
        throw new LeaseLostError()
      }
      heldUntil = asked + lengthMs
    },
    async release() {
      heldUntil = 0
      await db.$executeRaw`UPDATE "Worker" SET "holder" = NULL WHERE "name" = ${name} AND "holder" = ${holder}::uuid`
    },
  }
}
