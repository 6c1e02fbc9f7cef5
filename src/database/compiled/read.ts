/**
 * Compiles the arguments of Prisma's findMany, findFirst and findUnique to one SQL statement, with
 * exactly the selected columns and all relations in it. Each row is one JSON array.
 */
import { type Args, Clauses, type Decode } from './clauses.ts'
import type { ColumnTypes } from './column-types.ts'
import { type Model, modelNamed } from './models.ts'
import { Uncovered } from './uncovered.ts'
import { isOperators, isValue } from './values.ts'

export interface CompiledRead {
  /** Selects one column, the row as JSON text. */
  text: string
  values: unknown[]
  /** SQL types of the values. */
  types: string[]
  /** Makes the object that Prisma would return from a parsed row. */
  decode: Decode
}

export function compileRead(model: string, args: Args, types: ColumnTypes): CompiledRead {
  return read(new Clauses(types), modelNamed(model), args)
}

/** Compiles a read of the row with a unique key. Conditions of other columns may come with it. */
export function compileUnique(model: string, args: Args, types: ColumnTypes): CompiledRead {
  const where = (args.where ?? {}) as Args
  const isGiven = (key: readonly string[]) =>
    key.length === 1 ? isValue(where[key[0] ?? '']) : isOperators(where[key.join('_')])
  if (!modelNamed(model).uniqueKeys.some(isGiven)) throw new Uncovered('no unique key')
  return compileRead(model, { ...args, take: 1 }, types)
}

/** An expression for a row as a JSON array, for use in another statement. */
export interface CompiledRow {
  /** The columns that `ofRow` reads. */
  columns: readonly string[]
  /** Makes the expression from the alias of a row with these columns. */
  ofRow: (alias: string) => string
  /** Makes the expression, NULL for a missing row, from SQL for its id. */
  byId: (id: string) => string
  decode: Decode
}

/** Compiles a selection to an expression of another statement. */
export function compileRow(model: string, { select, include }: Args, types: ColumnTypes): CompiledRow {
  const clauses = new Clauses(types)
  const alias = clauses.alias()
  const selected = clauses.select(modelNamed(model), alias, { select, include })
  if (clauses.values.length > 0) throw new Uncovered('values in a selection')
  const { sql, decode } = selected
  return {
    columns: [...new Set([...sql.matchAll(/\bt0\."(\w+)"/g)].flatMap(([, name]) => name ?? []))],
    ofRow: (row) => sql.replaceAll(/\bt0\./g, `${row}.`),
    byId: (id) => `(SELECT ${sql} FROM "${model}" AS ${alias} WHERE ${alias}."id" = ${id})`,
    decode,
  }
}

function read(clauses: Clauses, model: Model, args: Args): CompiledRead {
  const { where, select, include, omit, orderBy, take, skip, ...others } = args
  for (const name of Object.keys(others)) if (others[name] !== undefined) throw new Uncovered(name)
  const alias = clauses.alias()
  const selected = clauses.select(model, alias, { select, include, omit })
  const condition = clauses.where(model, alias, where)
  const order = clauses.orderBy(model, alias, orderBy)
  const text = [
    `SELECT ${selected.sql}::text AS "row" FROM "${model.name}" AS ${alias}`,
    condition && `WHERE ${condition}`,
    order && `ORDER BY ${order}`,
    // One row is the limit of a statement of its own; other limits share one.
    take === undefined ? '' : `LIMIT ${take === 1 ? take : clauses.value(count(take), 'bigint')}`,
    skip === undefined ? '' : `OFFSET ${clauses.value(count(skip), 'bigint')}`,
  ]
  return {
    text: text.filter(Boolean).join(' '),
    values: clauses.values,
    types: clauses.valueTypes,
    decode: selected.decode,
  }
}

function count(value: unknown): number {
  if (!Number.isInteger(value) || (value as number) < 0) throw new Uncovered('a negative count')
  return value as number
}
