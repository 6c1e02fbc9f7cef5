import type { Prisma } from '../generated/prisma/client.ts'
import type { Database } from './client.ts'

const nested = new WeakSet<object>()

/** Whether a client works within a transaction that somebody else opened, and may have to begin again as a whole. */
export const isNested = (db: object): boolean => nested.has(db)

/**
 * A transaction's client that can be handed to whoever opens transactions: those are savepoints in it, so that one that is taken back
 * takes back nothing else, and one that fails leaves the rest usable. What fails outside of one ends the transaction.
 */
export function nestable(tx: Prisma.TransactionClient): Database {
  let made = 0
  const client: Database = new Proxy(tx as Database, {
    get(target, name) {
      if (name !== '$transaction') return Reflect.get(target, name)
      return async <T>(work: (tx: Database) => Promise<T>): Promise<T> => {
        const savepoint = `nested_${++made}`
        await tx.$executeRawUnsafe(`SAVEPOINT ${savepoint}`)
        try {
          const answer = await work(client)
          await tx.$executeRawUnsafe(`RELEASE SAVEPOINT ${savepoint}`)
          return answer
        } catch (error) {
          // Where not even this can be done the transaction is over, and it is the first error that says why.
          await tx.$executeRawUnsafe(`ROLLBACK TO SAVEPOINT ${savepoint}`).catch(() => undefined)
          throw error
        }
      }
    },
  })
  nested.add(client)
  return client
}
