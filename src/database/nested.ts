import type { Prisma } from '../generated/prisma/client.ts'
import type { Database } from './client.ts'

/**
 * A transaction's client that can be handed to whoever opens transactions: those are savepoints in it, so that one that is taken back
 * takes back nothing else, and one that fails leaves the rest usable.
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
          await tx.$executeRawUnsafe(`ROLLBACK TO SAVEPOINT ${savepoint}`)
          throw error
        }
      }
    },
  })
  return client
}
