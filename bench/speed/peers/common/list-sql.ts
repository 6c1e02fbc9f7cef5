/** The SQL of task lists: keyset pages, each order by its index. */
import type { QueryConfig } from 'pg'
import { COLUMNS, type TaskRow } from './columns.ts'
import { ApiError } from './errors.ts'
import type { Viewer } from './viewer.ts'

export interface PageOptions {
  projectId?: string | null
  status?: readonly string[] | null
  search?: string | null
  order: keyof typeof ORDERS
  descending: boolean
  first: number
  after?: string | null
}

const ORDERS = {
  CREATED_AT: { asc: 't."createdAt"', desc: 't."createdAt"', type: 'timestamptz' },
  PRIORITY: { asc: 't."priority"', desc: 't."priority"', type: 'integer' },
  // Tasks without a date come last in both directions.
  DUE_AT: {
    asc: `COALESCE(t."dueAt", (t."dueOn" + time '23:59:59.999') AT TIME ZONE 'UTC', 'infinity'::timestamptz)`,
    desc: `COALESCE(t."dueAt", (t."dueOn" + time '23:59:59.999') AT TIME ZONE 'UTC', '-infinity'::timestamptz)`,
    type: 'timestamptz',
  },
} as const

export function isOrder(name: string): name is keyof typeof ORDERS {
  return Object.hasOwn(ORDERS, name)
}

/** Returns the statement of a page with one more row, which tells whether there is a next page. */
export function listStatement(viewer: Viewer, options: PageOptions): QueryConfig {
  const { projectId, status, search, descending, first, after } = options
  const order = ORDERS[options.order]
  const expression = descending ? order.desc : order.asc
  const values: unknown[] = []
  const value = (one: unknown) => `$${values.push(one)}`
  const conditions = ['t."deletedAt" IS NULL']
  if (projectId) {
    const project = value(projectId)
    conditions.push(`t."projectId" = ${project}`)
    if (!viewer.isAdmin)
      conditions.push(
        `EXISTS (SELECT FROM "Membership" m WHERE m."projectId" = ${project} AND m."userId" = ${value(viewer.id)})`,
      )
  } else if (!viewer.isAdmin) {
    const column = search ? 's."projectId"' : 't."projectId"'
    conditions.push(`${column} IN (SELECT m."projectId" FROM "Membership" m WHERE m."userId" = ${value(viewer.id)})`)
  }
  if (status?.length === 1) conditions.push(`t."status" = ${value(status[0])}::"TaskStatus"`)
  else if (status) conditions.push(`t."status" = ANY (${value(status)}::"TaskStatus"[])`)
  if (search) {
    const words = value(search)
    const text = `
      SELECT ${COLUMNS}, '' AS place FROM "TaskSearch" s JOIN "Task" t ON t."id" = s."taskId"
      WHERE s."words" @@ search_query(${words}) AND s."live" AND ${conditions.join(' AND ')}
      ORDER BY ts_rank(s."words", search_query(${words}), 1) + (s."words" @@ literal_query(${words}))::int DESC, t."id" DESC LIMIT ${value(first + 1)}`
    // Without a name, PostgreSQL plans for these words, and parses them once. One plan for all
    // words is much slower.
    return { text, values }
  }
  if (after) {
    const [place, id] = readCursor(after)
    const operator = descending ? '<' : '>'
    conditions.push(`(${expression}, t."id") ${operator} (${value(place)}::${order.type}, ${value(id)}::uuid)`)
  }
  const direction = descending ? 'DESC' : 'ASC'
  const text = `
    SELECT ${COLUMNS}, (${expression})::text AS place FROM "Task" t WHERE ${conditions.join(' AND ')}
    ORDER BY ${expression} ${direction}, t."id" ${direction} LIMIT ${value(first + 1)}`
  return { name: nameOf(text), text, values }
}

/** One name for each text, so that a connection prepares it once. */
const names = new Map<string, string>()
function nameOf(text: string): string {
  const name = names.get(text) ?? `list${names.size}`
  names.set(text, name)
  return name
}

export function toPage(rows: TaskRow[], { first, after }: PageOptions) {
  const nodes = rows.slice(0, first)
  return {
    nodes,
    pageInfo: {
      hasNextPage: rows.length > first,
      hasPreviousPage: after != null,
      startCursor: cursorOf(nodes[0]),
      endCursor: cursorOf(nodes.at(-1)),
    },
  }
}

function cursorOf(row: TaskRow | undefined): string | null {
  return row ? Buffer.from(JSON.stringify([row.place, row.id])).toString('base64url') : null
}

function readCursor(cursor: string): [string, string] {
  try {
    const [place, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    return [String(place), String(id)]
  } catch {
    throw new ApiError('VALIDATION_FAILED', 'The cursor is invalid. Use one that a list returned.')
  }
}
