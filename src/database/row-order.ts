/** Sorts rows by several terms, and compares them with a place in that order. */
import { Prisma } from '../generated/prisma/client.ts'
import type { OrderType, Place } from './cursor.ts'

export type Direction = 'asc' | 'desc'

export interface OrderTerm {
  /** Its name in cursors. */
  name: string
  /**
   * Must equal the indexed expression and never be NULL. Coalesce to 'infinity' or '-infinity' to
   * put such rows last.
   */
  expression: Prisma.Sql
  type: OrderType
  direction: Direction
}

/** Returns the ORDER BY of a list. */
export function sorting(
  terms: readonly OrderTerm[],
  expressionOf: (term: OrderTerm, index: number) => Prisma.Sql,
  backwards: boolean,
): Prisma.Sql {
  return Prisma.join(
    terms.map((term, index) => Prisma.sql`${expressionOf(term, index)} ${directionSql(term, backwards)}`),
  )
}

interface Side {
  direction: Direction
  expression: Prisma.Sql
  value: Prisma.Sql
  operator: string
}

/** Returns the condition for rows strictly behind a place in the list, or strictly before it. */
export function beyond(terms: readonly OrderTerm[], place: Place, before: boolean): Prisma.Sql {
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
  // A row comparison has one direction. The bound on the first term is redundant, but an index can
  // use it.
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

/** Safe as raw SQL: types come from code, never from clients. */
function typeSql(type: OrderType): Prisma.Sql {
  return Prisma.raw(typeof type === 'object' ? `"${type.enum}"` : type)
}
