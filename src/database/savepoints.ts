import type { Prisma } from '../generated/prisma/client.ts'
import type { Database } from './client.ts'

const clients = new WeakSet<object>()

/**
 * Returns true if the client belongs to an open transaction, which can only be retried as a whole.
 */
export const usesSavepoints = (db: object): boolean => clients.has(db)

/**
 * Wraps a transaction's client so that `$transaction` opens a savepoint in it. A savepoint that
 * fails rolls back its own changes only. An error outside a savepoint ends the transaction.
 */
export function withSavepoints(tx: Prisma.TransactionClient): Database {
  let count = 0
  const client: Database = new Proxy(tx as Database, {
    get(target, name) {
      if (name !== '$transaction') return Reflect.get(target, name)
      return async <T>(work: (tx: Database) => Promise<T>): Promise<T> => {
        const savepoint = `nested_${++count}`
        await tx.$executeRawUnsafe(`SAVEPOINT ${savepoint}`)
        try {
          const answer = await work(client)
          await tx.$executeRawUnsafe(`RELEASE SAVEPOINT ${savepoint}`)
          return answer
        } catch (error) {
          // If the rollback fails too, the transaction is over. The first error is the cause.
          await tx.$executeRawUnsafe(`ROLLBACK TO SAVEPOINT ${savepoint}`).catch(() => undefined)
          throw error
        }
      }
    },
  })
  clients.add(client)
  return client
}
