/**
 * Pages of ordered rows that cost the same wherever they are: a page starts behind a row's values, found by index, and
 * not behind so many rows. https://use-the-index-luke.com/no-offset
 */
import { AppError } from '../gateway/errors.ts'
import { Prisma } from '../generated/prisma/client.ts'
import type { Database } from './client.ts'
import { decodePlace, encodePlace, type OrderType, type Place } from './cursor.ts'

export type Direction = 'asc' | 'desc'

export interface OrderTerm {
  /** What a cursor calls it. */
  name: string
  /** Never NULL: coalesce to 'infinity' or '-infinity' to put such rows last. Exactly the indexed expression. */
  expression: Prisma.Sql
  type: OrderType
  direction: Direction
}

export interface PageArguments {
  /** Rows from the start (behind `after`) on; or `last` rows up to the end (before `before`). One of the two. */
  first?: number | null
  after?: string | null
  last?: number | null
  before?: string | null
  /** Rows to leave out at the side the page starts from; reads them, so for small numbers only. */
  offset?: number | null
}

export interface KeysetSpec extends PageArguments {
  table: string
  where?: Prisma.Sql
  /** One or two terms; the id follows them, in the direction of the last. */
  order: readonly OrderTerm[]
}

export interface KeysetPage {
  /** In the order of the list, in both directions of reading. */
  rows: { id: string; cursor: string }[]
  hasNextPage: boolean
  hasPreviousPage: boolean
}

type Queryable = Pick<Database, '$queryRaw'>

const ID: Omit<OrderTerm, 'direction'> = { name: 'id', expression: Prisma.sql`"id"`, type: 'uuid' }

/** Not called "id": ORDER BY would take that name for this text instead of the column, and leave the index. */
const ROW_ID = Prisma.sql`"id"::text AS row_id`

/**
 * The ids of one page with the cursor of each, in one statement that reads one row more than the page has.
 * VALIDATION_FAILED for a cursor that is not one of ours for this order. hasPreviousPage of a page read forwards is
 * whether something was skipped, as the Relay specification allows; hasNextPage of one read backwards likewise.
 */
export async function keysetPage(db: Queryable, spec: KeysetSpec): Promise<KeysetPage> {
  const { limit, backwards } = readLimit(spec)
  const terms = [...spec.order, { ...ID, direction: spec.order.at(-1)?.direction ?? 'asc' }]
  const order = `${spec.table} ${spec.order.map((term) => `${term.name}:${term.direction}`).join(' ')}`
  const types = spec.order.map((term) => term.type)

  const conditions = [spec.where ?? Prisma.sql`TRUE`]
  if (spec.after != null) conditions.push(beyond(terms, decodePlace(spec.after, order, types, 'after'), false))
  if (spec.before != null) conditions.push(beyond(terms, decodePlace(spec.before, order, types, 'before'), true))

  const values = spec.order.map((term, index) => Prisma.sql`(${term.expression})::text AS ${Prisma.raw(`v${index}`)}`)
  const sorting = terms.map((term) => Prisma.sql`${term.expression} ${directionSql(term, backwards)}`)
  const rows = await db.$queryRaw<Record<string, string>[]>`
    SELECT ${Prisma.join([ROW_ID, ...values])} FROM ${tableSql(spec.table)}
    WHERE ${Prisma.join(conditions, ' AND ')}
    ORDER BY ${Prisma.join(sorting)} LIMIT ${limit + 1} OFFSET ${spec.offset ?? 0}`

  const more = rows.length > limit
  const page = rows.slice(0, limit)
  if (backwards) page.reverse()
  const skippedBefore = spec.after != null || (!backwards && Boolean(spec.offset))
  const skippedAfter = spec.before != null || (backwards && Boolean(spec.offset))
  return {
    rows: page.map((row) => toRow(row, order, spec.order)),
    hasNextPage: backwards ? skippedAfter : more,
    hasPreviousPage: backwards ? more : skippedBefore,
  }
}

/** How many rows of a table satisfy a condition. Reads them all. */
export async function countRows(db: Queryable, table: string, where: Prisma.Sql = Prisma.sql`TRUE`): Promise<number> {
  const [row] = await db.$queryRaw<{ count: bigint }[]>`SELECT count(*) AS count FROM ${tableSql(table)} WHERE ${where}`
  return Number(row?.count ?? 0)
}

function readLimit({ first, last }: PageArguments): { limit: number; backwards: boolean } {
  if (first != null && last != null) {
    throw new AppError('VALIDATION_FAILED', 'Give first or last, not both.', { path: ['last'] })
  }
  const limit = first ?? last
  if (limit == null) throw new Error('a page needs first or last')
  return { limit, backwards: last != null }
}

/** The rows strictly behind a place in the order of the list, or strictly before it. */
function beyond(terms: readonly OrderTerm[], place: Place, before: boolean): Prisma.Sql {
  const texts = [...place.values, place.id]
  const sides = terms.map((term, index) => ({
    direction: term.direction,
    expression: term.expression,
    value: Prisma.sql`${texts[index]}::${typeSql(term.type)}`,
    operator: (term.direction === 'asc') === before ? '<' : '>',
  }))
  const [head, ...rest] = sides
  if (head === undefined) throw new Error('a list needs an order')
  if (sides.every((side) => side.direction === head.direction)) return compareRows(sides)
  // No row comparison has two directions. The bound on the first term repeats what follows from the rest: it is what an index can use.
  return Prisma.sql`(${head.expression} ${Prisma.raw(`${head.operator}=`)} ${head.value} AND (${compareRows([head])}
    OR (${head.expression} = ${head.value} AND ${compareRows(rest)})))`
}

function compareRows(sides: { expression: Prisma.Sql; value: Prisma.Sql; operator: string }[]): Prisma.Sql {
  const expressions = Prisma.join(sides.map((side) => side.expression))
  const values = Prisma.join(sides.map((side) => side.value))
  return Prisma.sql`(${expressions}) ${Prisma.raw(sides[0]?.operator ?? '>')} (${values})`
}

function directionSql(term: OrderTerm, backwards: boolean): Prisma.Sql {
  return (term.direction === 'asc') === backwards ? Prisma.sql`DESC` : Prisma.sql`ASC`
}

/** Never of a client's making: the code names tables and types. */
function tableSql(table: string): Prisma.Sql {
  return Prisma.raw(`"${table}"`)
}

function typeSql(type: OrderType): Prisma.Sql {
  return Prisma.raw(typeof type === 'object' ? `"${type.enum}"` : type)
}

function toRow(row: Record<string, string>, order: string, terms: readonly OrderTerm[]): KeysetPage['rows'][number] {
  const id = row.row_id ?? ''
  const values = terms.map((term, index) => {
    const value = row[`v${index}`]
    if (value == null) throw new Error(`the order term ${term.name} is NULL in row ${id}`)
    return value
  })
  return { id, cursor: encodePlace(order, { values, id }) }
}
