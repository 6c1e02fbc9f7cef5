/**
 * Keyset pages. A page costs the same anywhere in a list: it starts after the values of a row,
 * found by index, and not after a number of rows. https://use-the-index-luke.com/no-offset
 */
import { AppError } from '../gateway/errors.ts'
import { Prisma } from '../generated/prisma/client.ts'
import type { Database } from './client.ts'
import { SHARED_MARKER } from './compiled/read-batch.ts'
import { decodePlace, encodePlace, type Place } from './cursor.ts'
import { beyond, type OrderTerm, sorting } from './row-order.ts'
import { UNNAMED_MARKER } from './statement-names.ts'

export interface KeysetArguments {
  /** Number of rows from the start, or behind `after`. Give either this or `last`. */
  first?: number | null
  after?: string | null
  /** Number of rows up to the end, or to `before`. */
  last?: number | null
  before?: string | null
  /**
   * Rows to skip on the side the page starts from. They are read, so only small numbers are cheap.
   */
  offset?: number | null
}

/** Source of the rows of a list. */
export interface KeysetSource {
  /** Names the list in its cursors, which work in no other list. */
  name: string
  /** The FROM clause: a table, a join, or a subquery with an alias. */
  from: Prisma.Sql
  /** Id of a row. */
  id: Prisma.Sql
  /** Default: uuid. */
  idType?: 'uuid' | 'bigint'
  where?: Prisma.Sql
  /**
   * Reads one partition per value, each by the index that begins with the column, and merges their
   * first rows. Without this, a list over some of many partitions reads and sorts all of their
   * rows, or reads the rows of all others.
   */
  partitions?: {
    /** Query of the values, in a column named `value`. */
    values: Prisma.Sql
    /** The column, of type uuid, that is constant in each partition. */
    column: Prisma.Sql
  }
  /** At least one term. The id follows, in the direction of the last term. */
  order: readonly OrderTerm[]
  /** True if the best plan depends on the filter's values, not only on its columns. */
  planDependsOnValues?: boolean
  /** A boolean about the whole list, the same in each row. */
  remark?: Prisma.Sql
}

export interface KeysetSpec extends KeysetArguments, KeysetSource {
  /** An expression to read with each row. */
  row?: RowExpression
}

export interface RowExpression {
  /** Columns of the table `name` that the page must have. */
  columns: readonly string[]
  /** Makes an expression of type json from the alias of the page and SQL for the row's id. */
  sql: (page: string, id: string) => string
}

export interface KeysetPage {
  /** In the order of the list, also when read backwards. */
  rows: KeysetRow[]
  hasNextPage: boolean
  hasPreviousPage: boolean
  /** False if the page has no row. */
  remark: boolean
}

export interface KeysetRow {
  id: string
  /** Encoded when it is read. */
  readonly cursor: string
  /** The value of `KeysetSpec.row`. */
  row: unknown
}

type Queryable = Pick<Database, '$queryRaw'>

/**
 * Returns the ids and cursors of one page, with one statement that reads one extra row. Throws
 * VALIDATION_FAILED for a cursor of another list or order. As the Relay specification allows,
 * hasPreviousPage of a page read forwards only says that rows were skipped, and so does
 * hasNextPage of a page read backwards.
 */
export async function keysetPage(db: Queryable, spec: KeysetSpec): Promise<KeysetPage> {
  const marker = Prisma.raw(spec.planDependsOnValues ? UNNAMED_MARKER : SHARED_MARKER)
  const [answer] = await db.$queryRaw<{ row: string }[]>(Prisma.sql`${marker} ${pageSql(spec)}`)
  return toPage(spec, answer?.row ?? '[]')
}

/**
 * Returns one page for each of several parents, in their order, with one statement. `column` holds
 * the parent's id, of type uuid. The index that the list's order needs begins with it.
 */
export async function keysetPages(
  db: Queryable,
  spec: KeysetSpec,
  { column, ids }: { column: Prisma.Sql; ids: readonly string[] },
): Promise<KeysetPage[]> {
  const ofParent = Prisma.sql`${column} = parent."id"`
  const where = spec.where ? Prisma.sql`${ofParent} AND ${spec.where}` : ofParent
  const answers = await db.$queryRaw<{ row: string }[]>`
    SELECT (${pageSql({ ...spec, where })}) AS "row"
    FROM unnest(${ids}::uuid[]) WITH ORDINALITY AS parent("id", "index") ORDER BY parent."index"`
  return answers.map(({ row }) => toPage(spec, row))
}

/** Reads a page and one row more, as a JSON array. */
function pageSql(spec: KeysetSpec): Prisma.Sql {
  return asJson(rowsSql(spec, readLimit(spec).limit + 1), spec)
}

/**
 * Reads this many rows of a page: the order terms and the id as v0, v1 and so on, the remark, and
 * the columns of the expression. The terms are text, or else as they are.
 */
export function rowsSql(spec: KeysetSpec, count: number, column: TermColumn = asText): Prisma.Sql {
  const { backwards } = readLimit(spec)
  const direction = spec.order.at(-1)?.direction ?? 'asc'
  const terms: OrderTerm[] = [
    ...spec.order,
    { name: 'id', expression: spec.id, type: spec.idType ?? 'uuid', direction },
  ]
  const conditions = [spec.where ?? Prisma.sql`TRUE`]
  if (spec.after != null) conditions.push(beyond(terms, readPlace(spec.after, spec, 'after'), false))
  if (spec.before != null) conditions.push(beyond(terms, readPlace(spec.before, spec, 'before'), true))
  const read = spec.partitions ? readPartitions : readOne
  return read(spec, terms, conditions, backwards, count, spec.offset ?? 0, column)
}

function toPage(spec: KeysetSpec, json: string): KeysetPage {
  const { limit, backwards } = readLimit(spec)
  const rows = JSON.parse(json) as PageRow[]
  const more = rows.length > limit
  const page = rows.slice(0, limit)
  if (backwards) page.reverse()
  const offset = spec.offset ?? 0
  const skippedBefore = spec.after != null || (!backwards && offset > 0)
  const skippedAfter = spec.before != null || (backwards && offset > 0)
  return {
    rows: page.map((row) => new Row(row, spec)),
    hasNextPage: backwards ? skippedAfter : more,
    hasPreviousPage: backwards ? more : skippedBefore,
    remark: rows[0]?.[0] === true,
  }
}

/** Identifies a list and its order. */
type Identity = Pick<KeysetSource, 'name' | 'idType'> & {
  order: readonly Pick<OrderTerm, 'name' | 'type' | 'direction'>[]
}

/** Returns the values of the order terms in the page's cursor, or undefined without a cursor. */
export function readCursor({ after, before }: KeysetArguments, list: Identity): string[] | undefined {
  if (after != null) return readPlace(after, list, 'after').values
  return before == null ? undefined : readPlace(before, list, 'before').values
}

function readPlace(cursor: string, list: Identity, argument: 'after' | 'before'): Place {
  const types = list.order.map((term) => term.type)
  return decodePlace(cursor, signatureOf(list), types, argument, list.idType)
}

export function signatureOf({ name, order }: Identity): string {
  return `${name} ${order.map((term) => `${term.name}:${term.direction}`).join(' ')}`
}

type Read = (
  source: KeysetSpec,
  terms: readonly OrderTerm[],
  conditions: Prisma.Sql[],
  backwards: boolean,
  limit: number,
  offset: number,
  column: TermColumn,
) => Prisma.Sql

/** Makes a column of the page from an order term. */
export type TermColumn = (expression: Prisma.Sql, index: number) => Prisma.Sql

const readOne: Read = ({ name, from, row, remark }, terms, conditions, backwards, limit, offset, column) => Prisma.sql`
  SELECT ${Prisma.join([...terms.map((term, index) => column(term.expression, index)), remarkSql(remark), ...columnsOf(name, row)])} FROM ${from}
  WHERE ${Prisma.join(conditions, ' AND ')}
  ORDER BY ${sorting(terms, (term) => term.expression, backwards)} LIMIT ${limit}::bigint OFFSET ${offset}::bigint`

const readPartitions: Read = (source, terms, conditions, backwards, limit, offset, column) => {
  const { name, from, row, partitions, remark } = source
  if (!partitions) throw new Error('the source has no lists to merge')
  const columns = terms.map((term, index) => Prisma.sql`${term.expression} AS ${Prisma.raw(`k${index}`)}`)
  const keys = terms.map((_, index) => Prisma.raw(`item.k${index}`))
  return Prisma.sql`
    SELECT ${Prisma.join([...keys.map(column), Prisma.sql`item.remark`, ...columnsOf('item', row)])} FROM (${partitions.values}) AS list("value")
    CROSS JOIN LATERAL (
      SELECT ${Prisma.join([...columns, remarkSql(remark), ...columnsOf(name, row)])} FROM ${from}
      WHERE ${partitions.column} = list."value" AND ${Prisma.join(conditions, ' AND ')}
      ORDER BY ${sorting(terms, (term) => term.expression, backwards)} LIMIT ${limit + offset}::bigint
    ) AS item
    ORDER BY ${sorting(terms, (_, index) => keys[index] ?? Prisma.empty, backwards)} LIMIT ${limit}::bigint OFFSET ${offset}::bigint`
}

/** The remark, the expression, the order terms and the id of a row. */
type PageRow = [remark: boolean, row: unknown, ...terms: (string | null)[]]

/**
 * Reads the page as one JSON array, which costs less than a row for each of its rows. A subquery
 * with a limit keeps its order, and the expression is evaluated for the rows of the page only.
 */
function asJson(page: Prisma.Sql, { order, row }: KeysetSpec): Prisma.Sql {
  const id = `page.v${order.length}`
  const columns = [
    'page.remark',
    row?.sql('page', `${id}::uuid`) ?? 'NULL',
    ...order.map((_, index) => `page.v${index}`),
    id,
  ]
  return Prisma.sql`SELECT coalesce(json_agg(json_build_array(${Prisma.raw(columns.join(', '))})), '[]')::text AS "row" FROM (${page}) AS page`
}

const columnsOf = (table: string, row: RowExpression | undefined) =>
  (row?.columns ?? []).map((column) => Prisma.raw(`"${table}"."${column}"`))

function planning(planDependsOnValues: boolean | undefined): Prisma.Sql {
  return planDependsOnValues ? Prisma.raw(`${UNNAMED_MARKER} `) : Prisma.empty
}

/** Must not have a column's name: ORDER BY would sort by this text and not use the index. */
function asText(expression: Prisma.Sql, index: number): Prisma.Sql {
  return Prisma.sql`(${expression})::text AS ${Prisma.raw(`v${index}`)}`
}

function remarkSql(remark: Prisma.Sql | undefined): Prisma.Sql {
  return Prisma.sql`${remark ?? Prisma.sql`FALSE`} AS remark`
}

/** Counts the rows of a list. Reads them all. */
export async function countRows(
  db: Queryable,
  { from, where, planDependsOnValues }: Pick<KeysetSource, 'from' | 'where' | 'planDependsOnValues'>,
): Promise<number> {
  const [row] = await db.$queryRaw<{ count: bigint }[]>`
    SELECT ${planning(planDependsOnValues)}count(*) AS count FROM ${from} WHERE ${where ?? Prisma.sql`TRUE`}`
  return Number(row?.count ?? 0)
}

function readLimit({ first, last }: KeysetArguments): { limit: number; backwards: boolean } {
  if (first != null && last != null) {
    throw new AppError('VALIDATION_FAILED', 'Give first or last, not both.', { path: ['last'] })
  }
  const limit = first ?? last
  if (limit == null) throw new Error('a page needs first or last')
  return { limit, backwards: last != null }
}

/** Its accessor must be one for all rows: see RequestContext. */
class Row implements KeysetRow {
  readonly id: string
  readonly row: unknown
  readonly #list: Identity
  readonly #terms: readonly (string | null)[]

  constructor([, row, ...terms]: PageRow, list: Identity) {
    this.id = String(terms.pop())
    this.row = row
    this.#list = list
    this.#terms = terms
    const missing = terms.findIndex((value) => typeof value !== 'string')
    if (missing >= 0) throw new Error(`the order term ${list.order[missing]?.name} is NULL in row ${this.id}`)
  }

  get cursor(): string {
    return encodePlace(signatureOf(this.#list), { values: this.#terms as string[], id: this.id })
  }
}
