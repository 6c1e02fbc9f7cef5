import { readFile } from 'node:fs/promises'
import pg from 'pg'

export interface Scale {
  tasks: number
  projects: number
  users: number
}

/** The scale that the recorded plans belong to. */
export const MILLION: Scale = { tasks: 1_000_000, projects: 1_000, users: 5_000 }
export const TEN_THOUSAND: Scale = { tasks: 10_000, projects: 10, users: 50 }

/** Number of connections that share the work. */
const CONCURRENCY = 2

/**
 * Fills an empty, migrated database (see fill.sql) and analyses it. Needs a superuser: it turns
 * off triggers and foreign keys and drops indexes while it works, and restores all of them.
 */
export async function fill(url: string, { tasks, projects, users }: Scale): Promise<void> {
  const clients = await Promise.all(Array.from({ length: CONCURRENCY }, () => connect(url)))
  const [first] = clients
  if (!first) return
  try {
    const indexes = await dropIndexes(first)
    const sql = (await readFile(new URL('fill.sql', import.meta.url), 'utf8'))
      .replaceAll('{tasks}', String(tasks))
      .replaceAll('{projects}', String(projects))
      .replaceAll('{users}', String(users))
    await first.query(sql)
    await Promise.all(
      clients.map((client, part) =>
        client.query(`INSERT INTO "TaskSearch" ("taskId", "projectId", "live", "createdAt", "words")
          SELECT "id", "projectId", TRUE, "createdAt", task_words("title", "description", "projectId")
          FROM "Task" WHERE "number" % ${CONCURRENCY} = ${part}`),
      ),
    )
    const waiting = [...indexes]
    await Promise.all(
      clients.map(async (client) => {
        for (let sql = waiting.shift(); sql; sql = waiting.shift()) await client.query(sql)
      }),
    )
    await first.query('VACUUM ANALYZE')
  } finally {
    for (const client of clients) await client.end()
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  // Generated data needs no triggers, no foreign key checks and no crash safety.
  await client.query(`SET session_replication_role = replica; SET synchronous_commit = off; SET maintenance_work_mem = '256MB';
    SET TIME ZONE 'UTC'; SELECT setseed(0.5)`)
  return client
}

/**
 * Drops the indexes that back no constraint. Returns the statements that recreate
 * them, slowest first.
 */
async function dropIndexes(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string; sql: string }>(`
    SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS sql FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
    WHERE c.relname IN ('Task', 'TaskAssignee', 'TaskLabel', 'TaskSearch') AND c.relnamespace = current_schema()::regnamespace
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid)
    ORDER BY pg_get_indexdef(i.indexrelid) LIKE '%gin%' DESC`)
  for (const { name } of rows) await client.query(`DROP INDEX ${name}`)
  return rows.map(({ sql }) => sql)
}
