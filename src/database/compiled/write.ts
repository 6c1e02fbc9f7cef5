/**
 * Compiles the arguments of Prisma's create, update and delete of one row to one SQL statement that
 * returns exactly the selected columns. Relations are not covered: a statement does not see what
 * its own triggers wrote.
 */
import { v7 as uuid } from 'uuid'
import { type Args, Clauses, columnOf, type Decode } from './clauses.ts'
import type { ColumnTypes } from './column-types.ts'
import { type Column, type Model, modelNamed } from './models.ts'
import { Uncovered } from './uncovered.ts'
import { storable } from './values.ts'

export interface CompiledWrite {
  /** "INSERT …", "UPDATE … SET …" or "DELETE …", up to where FROM would follow. */
  change: string
  /** "WHERE …", or empty. */
  condition: string
  /** Expression for the changed row as JSON text. */
  row: string
  /** Id of the row, in lower case. */
  id: string
  values: unknown[]
  /** SQL types of the values. */
  types: string[]
  /** Makes the object that Prisma would return from the parsed row. */
  decode: Decode
}

export function compileCreate(model: string, { data, ...selection }: Args, types: ColumnTypes): CompiledWrite {
  const write = new Write(model, selection, types)
  const row = write.newRow((data ?? {}) as Args)
  const columns = [...row.keys()].map((name) => `"${name}"`)
  const values = [...row].map(([name, value]) => write.value(name, value))
  const { table, alias } = write
  return write.compiled(
    `INSERT INTO ${table} AS ${alias} (${columns.join(', ')}) SELECT ${values.join(', ')}`,
    row.get('id'),
  )
}

export function compileUpdate(model: string, { where, data, ...selection }: Args, types: ColumnTypes): CompiledWrite {
  const write = new Write(model, selection, types)
  const changes = Object.entries((data ?? {}) as Args).flatMap(([name, value]) =>
    value === undefined ? [] : [`"${name}" = ${write.value(name, value)}`],
  )
  if (changes.length === 0) throw new Uncovered('no change')
  return write.compiled(`UPDATE ${write.table} AS ${write.alias} SET ${changes.join(', ')}`, ...write.found(where))
}

export function compileDelete(model: string, { where, ...selection }: Args, types: ColumnTypes): CompiledWrite {
  const write = new Write(model, selection, types)
  return write.compiled(`DELETE FROM ${write.table} AS ${write.alias}`, ...write.found(where))
}

/** Returns the statement for one row. Selects one column, the row as JSON text. */
export const oneText = ({ change, condition, row }: CompiledWrite) => `${change} ${condition} RETURNING ${row} AS "row"`

class Write {
  readonly alias: string
  readonly table: string
  readonly #model: Model
  readonly #clauses: Clauses
  readonly #types: ReadonlyMap<string, string>
  readonly #row: string
  readonly #decode: Decode

  constructor(model: string, { select, include, omit, ...others }: Args, types: ColumnTypes) {
    for (const name of Object.keys(others)) if (others[name] !== undefined) throw new Uncovered(name)
    this.#model = modelNamed(model)
    this.#clauses = new Clauses(types)
    this.#types = types.get(model) ?? new Map()
    this.alias = this.#clauses.alias()
    this.table = `"${model}"`
    const chosen = Object.entries({ ...(select as object), ...(include as object) })
    if (chosen.some(([name, value]) => value && this.#model.relations.has(name))) throw new Uncovered('a relation')
    const selected = this.#clauses.select(this.#model, this.alias, { select, include, omit })
    this.#row = `${selected.sql}::text`
    this.#decode = selected.decode
  }

  value(name: string, value: unknown): string {
    const column = columnOf(this.#model, name)
    const type = this.#types.get(name)
    if (!type) throw new Uncovered(name)
    return this.#clauses.value(storable(column, value), type)
  }

  /** Returns the columns of a new row, with the defaults that Prisma sets, not PostgreSQL. */
  newRow(data: Args): Map<string, unknown> {
    for (const name of Object.keys(data)) if (data[name] !== undefined) columnOf(this.#model, name)
    const row = new Map<string, unknown>()
    for (const column of this.#model.columns.values()) {
      const value = data[column.name] ?? (data[column.name] === null ? null : this.#default(column))
      if (value !== undefined) row.set(column.name, value)
      else if (!column.hasDefault && (column.isRequired || column.isList)) throw new Uncovered(`no ${column.name}`)
    }
    return row
  }

  #default({ name, type, hasDefault }: Column): unknown {
    if (!hasDefault) return undefined
    if (type === 'DateTime') return new Date()
    return this.#types.get(name) === 'uuid' ? uuid() : undefined
  }

  /** Returns the id and the condition that find an existing row. */
  found(where: unknown): [id: unknown, condition: string] {
    const conditions = (where ?? {}) as Args
    return [conditions.id, `WHERE ${this.#clauses.where(this.#model, this.alias, conditions)}`]
  }

  compiled(change: string, id: unknown, condition = ''): CompiledWrite {
    if (typeof id !== 'string') throw new Uncovered('no id')
    const { values, valueTypes: types } = this.#clauses
    return { change, condition, row: this.#row, id: id.toLowerCase(), values, types, decode: this.#decode }
  }
}
