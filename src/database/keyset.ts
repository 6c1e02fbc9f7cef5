/**
 * Pages of ordered rows that cost the same wherever they are: a page starts behind a row's values, found by index, and
 * not behind so many rows. https://use-the-index-luke.com/no-offset
 */
import { AppError } from '../gateway/errors.ts'
import { Prisma } from '../generated/prisma/client.ts'
import type { Database } from './client.ts'
import { decodePlace, encodePlace, type OrderType, type Place } from './cursor.ts'
import { PLANNED_FOR_ITS_VALUES } from './statement-names.ts'

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

/** Where the rows of a list come from. */
export interface KeysetSource {
  /** Names the list in its cursors: they are of no use in another. */
  name: string
  /** What stands behind FROM: a table, a join, a subquery with an alias. */
  from: Prisma.Sql
  /** The id of a row of it, of type uuid. */
  id: Prisma.Sql
  where?: Prisma.Sql
  /**
   * Read as many lists, each by the index that leads with its value, and merge what each has first. Without this a
   * list over some of many partitions reads, and sorts, all rows of those, or those of all others.
   */
  each?: {
    /** A query for the values, in a column `value`. */
    values: Prisma.Sql
    /** Of type uuid: what each list has the same. */
    column: Prisma.Sql
  }
  /** One term or more; the id follows them, in the direction of the last. */
  order: readonly OrderTerm[]
  /** Whether the best way to it depends on the values asked for, and not only on which are asked for. */
  valuesDecide?: boolean
  /** Something to know of the list as a whole: a boolean that is the same in each of its rows. */
  remark?: Prisma.Sql
}

export interface KeysetSpec extends PageArguments, KeysetSource {}

export interface KeysetPage {
  /** In the order of the list, in both directions of reading. */
  rows: { id: string; cursor: string }[]
  hasNextPage: boolean
  hasPreviousPage: boolean
  /** False where there is no row to tell it. */
  remark: boolean
}

type Queryable = Pick<Database, '$queryRaw'>

/**
 * The ids of one page with the cursor of each, in one statement that reads one row more than the page has.
 * VALIDATION_FAILED for a cursor that is not one of ours for this order. hasPreviousPage of a page read forwards is
 * whether something was skipped, as the Relay specification allows; hasNextPage of one read backwards likewise.
 */
export async function keysetPage(db: Queryable, spec: KeysetSpec): Promise<KeysetPage> {
  const { limit, backwards } = readLimit(spec)
  const direction = spec.order.at(-1)?.direction ?? 'asc'
  const terms: OrderTerm[] = [...spec.order, { name: 'id', expression: spec.id, type: 'uuid', direction }]

  const conditions = [spec.where ?? Prisma.sql`TRUE`]
  if (spec.after != null) conditions.push(beyond(terms, readPlace(spec.after, spec, 'after'), false))
  if (spec.before != null) conditions.push(beyond(terms, readPlace(spec.before, spec, 'before'), true))

  const offset = spec.offset ?? 0
  const read = spec.each ? readEach : readOne
  const rows = await db.$queryRaw<Record<string, unknown>[]>(
    read(spec, terms, conditions, backwards, limit + 1, offset),
  )

  const more = rows.length > limit
  const page = rows.slice(0, limit)
  if (backwards) page.reverse()
  const skippedBefore = spec.after != null || (!backwards && offset > 0)
  const skippedAfter = spec.before != null || (backwards && offset > 0)
  return {
    rows: page.map((row) => toRow(row, spec)),
    hasNextPage: backwards ? skippedAfter : more,
    hasPreviousPage: backwards ? more : skippedBefore,
    remark: rows[0]?.remark === true,
  }
}

/** What tells a list, in the order it has, from others. */
type Identity = Pick<KeysetSource, 'name'> & {
  order: readonly Pick<OrderTerm, 'name' | 'type' | 'direction'>[]
}

/** The values of the order terms that the cursor of a page has, if it begins behind or ends before one. */
export function readCursor({ after, before }: PageArguments, list: Identity): string[] | undefined {
  if (after != null) return readPlace(after, list, 'after').values
  return before == null ? undefined : readPlace(before, list, 'before').values
}

function readPlace(cursor: string, list: Identity, argument: 'after' | 'before'): Place {
  const types = list.order.map((term) => term.type)
  return decodePlace(cursor, signatureOf(list), types, argument)
}

function signatureOf({ name, order }: Identity): string {
  return `${name} ${order.map((term) => `${term.name}:${term.direction}`).join(' ')}`
}

type Read = (
  source: KeysetSource,
  terms: readonly OrderTerm[],
  conditions: Prisma.Sql[],
  backwards: boolean,
  limit: number,
  offset: number,
) => Prisma.Sql

const readOne: Read = ({ from, remark, valuesDecide }, terms, conditions, backwards, limit, offset) => Prisma.sql`
  SELECT ${planning(valuesDecide)}${Prisma.join([...terms.map((term, index) => asText(term.expression, index)), remarkSql(remark)])} FROM ${from}
  WHERE ${Prisma.join(conditions, ' AND ')}
  ORDER BY ${sorting(terms, (term) => term.expression, backwards)} LIMIT ${limit} OFFSET ${offset}`

const readEach: Read = ({ from, each, remark, valuesDecide }, terms, conditions, backwards, limit, offset) => {
  if (!each) throw new Error('there are no lists to merge')
  const columns = terms.map((term, index) => Prisma.sql`${term.expression} AS ${Prisma.raw(`k${index}`)}`)
  const keys = terms.map((_, index) => Prisma.raw(`item.k${index}`))
  return Prisma.sql`
    SELECT ${planning(valuesDecide)}${Prisma.join([...keys.map(asText), Prisma.sql`item.remark`])} FROM (${each.values}) AS list("value")
    CROSS JOIN LATERAL (
      SELECT ${Prisma.join([...columns, remarkSql(remark)])} FROM ${from}
      WHERE ${each.column} = list."value" AND ${Prisma.join(conditions, ' AND ')}
      ORDER BY ${sorting(terms, (term) => term.expression, backwards)} LIMIT ${limit + offset}
    ) AS item
    ORDER BY ${sorting(terms, (_, index) => keys[index] ?? Prisma.empty, backwards)} LIMIT ${limit} OFFSET ${offset}`
}

function planning(valuesDecide: boolean | undefined): Prisma.Sql {
  return valuesDecide ? Prisma.raw(`${PLANNED_FOR_ITS_VALUES} `) : Prisma.empty
}

function sorting(
  terms: readonly OrderTerm[],
  expressionOf: (term: OrderTerm, index: number) => Prisma.Sql,
  backwards: boolean,
): Prisma.Sql {
  return Prisma.join(
    terms.map((term, index) => Prisma.sql`${expressionOf(term, index)} ${directionSql(term, backwards)}`),
  )
}

/** Not named like a column: ORDER BY would take the name for this text instead of the column, and leave the index. */
function asText(expression: Prisma.Sql, index: number): Prisma.Sql {
  return Prisma.sql`(${expression})::text AS ${Prisma.raw(`v${index}`)}`
}

function remarkSql(remark: Prisma.Sql | undefined): Prisma.Sql {
  return Prisma.sql`${remark ?? Prisma.sql`FALSE`} AS remark`
}

/** How many rows of a list satisfy its condition. Reads them all. */
export async function countRows(
  db: Queryable,
  { from, where, valuesDecide }: Pick<KeysetSource, 'from' | 'where' | 'valuesDecide'>,
): Promise<number> {
  const [row] = await db.$queryRaw<{ count: bigint }[]>`
    SELECT ${planning(valuesDecide)}count(*) AS count FROM ${from} WHERE ${where ?? Prisma.sql`TRUE`}`
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

interface Side {
  direction: Direction
  expression: Prisma.Sql
  value: Prisma.Sql
  operator: string
}

/** The rows strictly behind a place in the order of the list, or strictly before it. */
function beyond(terms: readonly OrderTerm[], place: Place, before: boolean): Prisma.Sql {
  const texts = [...place.values, place.id]
  return compareSides(
    terms.map((term, index) => ({
      direction: term.direction,
      expression: term.expression,
      value: Prisma.sql`${texts[index]}::${typeSql(term.type)}`,
      operator: (term.direction === 'asc') === before ? '<' : '>',
    })),
  )
}

function compareSides(sides: readonly Side[]): Prisma.Sql {
  const [head, ...rest] = sides
  if (head === undefined) throw new Error('a list needs an order')
  if (sides.every((side) => side.direction === head.direction)) return compareRows(sides)
  // No row comparison has two directions. The bound on the first term repeats what follows from the rest: it is what an index can use.
  return Prisma.sql`(${head.expression} ${Prisma.raw(`${head.operator}=`)} ${head.value} AND (${compareRows([head])}
    OR (${head.expression} = ${head.value} AND ${compareSides(rest)})))`
}

function compareRows(sides: readonly Side[]): Prisma.Sql {
  const expressions = Prisma.join(sides.map((side) => side.expression))
  const values = Prisma.join(sides.map((side) => side.value))
  return Prisma.sql`(${expressions}) ${Prisma.raw(sides[0]?.operator ?? '>')} (${values})`
}

function directionSql(term: OrderTerm, backwards: boolean): Prisma.Sql {
  return (term.direction === 'asc') === backwards ? Prisma.sql`DESC` : Prisma.sql`ASC`
}

/** Never of a client's making: the code names types. */
function typeSql(type: OrderType): Prisma.Sql {
  return Prisma.raw(typeof type === 'object' ? `"${type.enum}"` : type)
}

function toRow(row: Record<string, unknown>, list: Identity): KeysetPage['rows'][number] {
  const { order } = list
  const id = String(row[`v${order.length}`])
  const values = order.map((term, index) => {
    const value = row[`v${index}`]
    if (typeof value !== 'string') throw new Error(`the order term ${term.name} is NULL in row ${id}`)
    return value
  })
  return { id, cursor: encodePlace(signatureOf(list), { values, id }) }
}
