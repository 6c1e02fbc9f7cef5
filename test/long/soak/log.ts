import { openDatabase } from '../../../src/database/client.ts'
import { type LoggedEvent, readLog } from '../../../src/events/log.ts'
import type { World } from '../../support/world.ts'

/**
 * Reads the whole event log from the database. Stop the servers first if the database is embedded.
 */
export async function readWholeLog({ settings }: Pick<World, 'settings'>): Promise<LoggedEvent[]> {
  const handle = await openDatabase({
    dataDir: settings.DATA_DIR ?? '',
    ...(settings.DATABASE_URL && { url: settings.DATABASE_URL }),
  })
  try {
    const log: LoggedEvent[] = []
    for (let events: LoggedEvent[] = []; ; ) {
      events = await readLog(handle.db, { after: log.at(-1)?.position ?? 0n, limit: 5_000 })
      if (events.length === 0) return log
      log.push(...events)
    }
  } finally {
    await handle.close()
  }
}
