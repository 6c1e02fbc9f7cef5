/** The people who send requests, and the rows they can name in them. */
import { createAccessTokens } from '../../src/auth/tokens.ts'
import { withClient } from './data.ts'
import { JWT_SECRET } from './servers.ts'

const CALLERS = 200
/** Seconds. Longer than any run. */
const TOKEN_LIFETIME = 86_400

export interface Caller {
  token: string
  projects: CallersProject[]
  /** The projects in which the caller may write. */
  writable: CallersProject[]
  /** The projects that the caller may only read. */
  readable: CallersProject[]
}

export interface CallersProject {
  id: string
  role: string
  taskIds: string[]
  labelIds: string[]
  memberIds: string[]
}

interface Row extends CallersProject {
  userId: string
  sessionId: string
}

export interface World {
  callers: Caller[]
  /** A task that the first caller cannot see. */
  hiddenTaskId: string
}

export async function readWorld(databaseUrl: string): Promise<World> {
  const rows = await withClient(databaseUrl, async (client) => (await client.query<Row>(QUERY, [CALLERS])).rows)
  const tokens = createAccessTokens({ secrets: [JWT_SECRET], lifetime: TOKEN_LIFETIME })
  const callers = [...Map.groupBy(rows, (row) => row.userId)].map(([userId, projects]): Caller => {
    const token = tokens.sign({ userId, sessionId: projects[0]?.sessionId ?? '' })
    const mayWrite = ({ role }: CallersProject) => role === 'OWNER' || role === 'EDITOR'
    return {
      token,
      projects,
      writable: projects.filter(mayWrite),
      readable: projects.filter((project) => !mayWrite(project)),
    }
  })
  const own = new Set(callers[0]?.projects.map(({ id }) => id))
  const hiddenTaskId = rows.find(({ id }) => !own.has(id))?.taskIds[0]
  if (hiddenTaskId === undefined) throw new Error('the first caller sees every project')
  return { callers, hiddenTaskId }
}

const QUERY = `
  SELECT s."userId", s."id" AS "sessionId", m."projectId" AS "id", m."role",
    ARRAY(SELECT t."id" FROM "Task" t WHERE t."projectId" = m."projectId" ORDER BY t."number") AS "taskIds",
    ARRAY(SELECT l."id" FROM "Label" l WHERE l."projectId" = m."projectId" ORDER BY l."id") AS "labelIds",
    ARRAY(SELECT o."userId" FROM "Membership" o WHERE o."projectId" = m."projectId" ORDER BY o."userId") AS "memberIds"
  FROM (SELECT "id", "userId" FROM "Session" ORDER BY "id" LIMIT $1) AS s
    JOIN "Membership" m ON m."userId" = s."userId" ORDER BY s."id", m."projectId"`
