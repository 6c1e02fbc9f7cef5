import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { type Send, send } from './client.ts'

/**
 * Bugs that the checks must find. They are planted around the server: in what passes between it and
 * its clients, as a faulty proxy would, or in its database, behind the back of its triggers.
 */
export interface Bug {
  /** Matches what the check says about it. */
  finding: RegExp
  /** Wraps what the clients send, given the owner's token. */
  between?(send: Send, owner: string): Send
  /** SQL that is run again and again. */
  sql?: string
  everyMs?: number
  /** Followers of the log miss some events. */
  dropsEvents?: boolean
}

const STALE_MS = 2_000

/** Answers with what was the answer a moment ago. */
const cached =
  (path: RegExp) =>
  (real: Send): Send => {
    const answers = new Map<string, Awaited<ReturnType<Send>>>()
    return async (server, sent) => {
      if (sent.method !== 'GET' || !path.test(sent.path)) return real(server, sent)
      const known = answers.get(sent.path)
      const start = performance.now()
      if (known && start - known.end < STALE_MS) return { ...known, start, end: performance.now() }
      const answered = await real(server, sent)
      if (answered.status === 200) answers.set(sent.path, answered)
      return answered
    }
  }

const UNLOGGED = 'SET session_replication_role TO replica'

export const BUGS: Readonly<Record<string, Bug>> = {
  'unchecked-version': {
    finding: /no order explains/,
    between:
      (real) =>
      (server, { headers, ...sent }) => {
        const { 'if-match': _, ...others } = headers ?? {}
        return real(server, { ...sent, headers: others })
      },
  },
  'lost-write': {
    finding: /no order explains|is lost|never was like this/,
    everyMs: 300,
    sql: `${UNLOGGED}; UPDATE "Task" SET "title" = last.changes->'title'->>'from', "version" = "Task"."version" - 1
      FROM (SELECT "subjectId", "version", "changes" FROM "Event" WHERE "type" = 'task.updated' AND "changes" ? 'title'
        ORDER BY "seq" DESC LIMIT 1) AS last
      WHERE "Task"."id" = last."subjectId" AND "Task"."version" = last."version"`,
  },
  'repeated-key': { finding: /the Idempotency-Key of/, everyMs: 5, sql: 'DELETE FROM "IdempotencyRecord"' },
  'missing-event': {
    finding: /the log has a gap|is lost|at the wrong place/,
    everyMs: 500,
    sql: `${UNLOGGED}; DELETE FROM "Event" WHERE "seq" = (SELECT max("seq") FROM "Event" WHERE "type" = 'task.updated')`,
  },
  'doubled-event': {
    finding: /at the wrong place in the log/,
    everyMs: 500,
    sql: `INSERT INTO "Event" ("type", "projectId", "subjectId", "actorId", "version", "changes", "state")
      SELECT "type", "projectId", "subjectId", "actorId", "version", "changes", "state" FROM "Event"
      WHERE "type" = 'task.updated' ORDER BY "seq" DESC LIMIT 1`,
  },
  'stale-read': { finding: /no order explains that read/, between: cached(/^\/tasks\/[^?]+$/) },
  'stale-list': { finding: /the list from/, between: cached(/^\/tasks\?.*fields=/) },
  'outlived-membership': {
    finding: /a member who was removed/,
    between: (real, owner) => async (server, sent) => {
      const answered = await real(server, sent)
      if (answered.status !== 404 || sent.token === owner) return answered
      return real(server, { ...sent, token: owner })
    },
  },
  'dropped-event': { finding: /follower \d+ has/, dropsEvents: true },
}

/** Returns the way to the server with a bug in it. */
export const throughBug = (bug: Bug | undefined, owner: string): Send => bug?.between?.(send, owner) ?? send

/** Runs the SQL of a bug until it is stopped. */
export function plantInDatabase({ sql, everyMs = 1_000 }: Bug, url: string): () => Promise<void> {
  let stopped = false
  const running = (async () => {
    if (!sql) return
    while (!stopped) {
      const client = new pg.Client({ connectionString: url })
      client.on('error', () => {})
      try {
        await client.connect()
        while (!stopped) {
          await client.query(sql)
          await wait(everyMs)
        }
      } catch {
        // The database is failing over.
        await wait(200)
      } finally {
        await client.end().catch(() => {})
      }
    }
  })()
  return () => {
    stopped = true
    return running
  }
}
