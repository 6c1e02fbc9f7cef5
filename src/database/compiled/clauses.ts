/** Compiles parts of Prisma's arguments, like "where" and "select", to parts of one SQL statement. */
import type { ColumnTypes } from './column-types.ts'
import { type Column, type Model, modelNamed, type Relation } from './models.ts'
import { Uncovered } from './uncovered.ts'
import { columnReader, hasType, isOperators, isValue } from './values.ts'

export type Args = Readonly<Record<string, unknown>>

/** Makes the object that Prisma would return from a row. */
export type Decode = (row: unknown[]) => Record<string, unknown>

export interface Selected {
  /** A JSON array of the columns and relations. */
  sql: string
  decode: Decode
}

/** Rows that a statement joins, each by its relation's name. */
interface Joins {
  sql: string
  aliases: Map<string, string>
}

export class Clauses {
  readonly #types: ColumnTypes
  readonly values: unknown[] = []
  readonly valueTypes: string[] = []
  #aliases = 0

  constructor(types: ColumnTypes) {
    this.#types = types
  }

  alias(): string {
    return `t${this.#aliases++}`
  }

  value(value: unknown, type: string): string {
    this.valueTypes.push(type)
    return `$${this.values.push(value)}::${type}`
  }

  /** `joins` collects the rows to join, which the statement must support. */
  select(model: Model, alias: string, { select, include, omit = {} }: Args, joins?: Joins): Selected {
    const omitted = omit as Record<string, unknown>
    const chosen = (select ?? include ?? {}) as Record<string, unknown>
    for (const [name, value] of Object.entries(chosen)) {
      const known = model.relations.has(name) || (select && model.columns.has(name))
      if (value && !known) throw new Uncovered(`${model.name}.${name}`)
    }
    // In the order of the model, so that the order of a client's fields makes no other statement.
    const columns = [...model.columns.keys()].filter((name) => (select ? chosen[name] : !omitted[name]))
    const parts: string[] = []
    const readers: ((row: unknown[], object: Record<string, unknown>) => void)[] = []
    for (const name of columns) {
      const column = columnOf(model, name)
      // JSON numbers lose digits of large integers.
      const index = parts.push(`${alias}."${name}"${column.type === 'BigInt' ? '::text' : ''}`) - 1
      readers.push(columnReader(column, index))
    }
    for (const [name, relation] of model.relations) {
      const nested = chosen[name]
      if (!nested) continue
      const args = nested === true ? {} : (nested as Args)
      const isJoined = joins && relation.own && relation.isRequired && args.where === undefined
      const { sql, decode } = isJoined
        ? this.#joined(name, relation, alias, args, joins)
        : this.#related(relation, alias, args)
      const index = parts.push(sql) - 1
      readers.push((row, object) => {
        object[name] = decode(row[index])
      })
    }
    if (parts.length === 0 || parts.length > MAX_ARGUMENTS) throw new Uncovered(`${parts.length} columns`)
    return {
      sql: `json_build_array(${parts.join(', ')})`,
      decode(row) {
        const object: Record<string, unknown> = {}
        for (const read of readers) read(row, object)
        return object
      },
    }
  }

  /** Reads a row that is known to exist in the FROM clause. */
  #joined(name: string, relation: Relation, outer: string, { select, include, omit, ...others }: Args, joins: Joins) {
    for (const other of Object.keys(others)) if (others[other] !== undefined) throw new Uncovered(other)
    const alias = this.alias()
    joins.aliases.set(name, alias)
    joins.sql += ` JOIN "${relation.model}" AS ${alias} ON ${alias}."id" = ${outer}."${relation.key}"`
    const { sql, decode } = this.select(modelNamed(relation.model), alias, { select, include, omit })
    return { sql, decode: (value: unknown): unknown => decode(value as unknown[]) }
  }

  #related(relation: Relation, outer: string, args: Args): { sql: string; decode: (value: unknown) => unknown } {
    const { where, select, include, omit, orderBy, ...others } = args
    for (const name of Object.keys(others)) if (others[name] !== undefined) throw new Uncovered(name)
    const model = modelNamed(relation.model)
    const alias = this.alias()
    const joins: Joins | undefined = relation.isList ? { sql: '', aliases: new Map() } : undefined
    const selected = this.select(model, alias, { select, include, omit }, joins)
    const joined = relation.own
      ? `${alias}."id" = ${outer}."${relation.key}"`
      : `${alias}."${relation.key}" = ${outer}."id"`
    const condition = this.where(model, alias, where)
    const from = `FROM "${model.name}" AS ${alias}${joins?.sql ?? ''} WHERE ${condition ? `${joined} AND ${condition}` : joined}`
    if (!relation.isList) {
      return {
        sql: `(SELECT ${selected.sql} ${from})`,
        decode: (value) => (value === null ? null : selected.decode(value as unknown[])),
      }
    }
    const order = this.orderBy(model, alias, orderBy, joins)
    return {
      sql: `(SELECT json_agg(${selected.sql}${order && ` ORDER BY ${order}`}) ${from})`,
      decode: (value) => (value === null ? [] : (value as unknown[][]).map(selected.decode)),
    }
  }

  /** Returns the condition, or an empty text for one that always holds. */
  where(model: Model, alias: string, where: unknown): string {
    return all(this.#conditions(model, `${alias}.`, `${alias}."id"`, (where ?? {}) as Args))
  }

  /**
   * `prefix` names the row in front of its columns; null if it is not joined because its id is
   * known from a foreign key.
   */
  #conditions(model: Model, prefix: string | null, id: string, where: Args): string[] {
    return Object.entries(where).flatMap(([name, condition]) => {
      if (condition === undefined) return []
      if (name === 'AND') return listOf(condition).flatMap((one) => this.#conditions(model, prefix, id, one))
      if (name === 'OR') return [any(listOf(condition).map((one) => all(this.#conditions(model, prefix, id, one))))]
      const relation = model.relations.get(name)
      if (relation) return this.#relationCondition(relation, prefix, id, condition)
      // A unique key of several columns: {userId_projectId: {userId, projectId}}.
      if (!model.columns.has(name) && name.includes('_')) {
        const parts = condition as Args
        if (!name.split('_').every((part) => isValue(parts[part]))) throw new Uncovered(`an incomplete ${name}`)
        return this.#conditions(model, prefix, id, parts)
      }
      const { name: column, type: prismaType } = columnOf(model, name)
      if (prefix === null) throw new Uncovered(name)
      const type = this.#types.get(model.name)?.get(column)
      if (!type || type.endsWith('[]') || type.startsWith('json')) throw new Uncovered(`${model.name}.${column}`)
      return this.#columnCondition(`${prefix}"${column}"`, { type, prismaType }, condition)
    })
  }

  #columnCondition(column: string, types: { type: string; prismaType: string }, condition: unknown): string[] {
    const { type, prismaType } = types
    const compared = (comparison: string, value: unknown) => {
      if (!hasType(value, prismaType)) throw new Uncovered(`a value that is no ${prismaType}`)
      return `${column} ${comparison} ${this.value(value, type)}`
    }
    if (condition === null) return [`${column} IS NULL`]
    if (!isOperators(condition)) return [compared('=', condition)]
    return Object.entries(condition).flatMap(([operator, value]) => {
      if (value === undefined) return []
      if (operator === 'in' && Array.isArray(value) && value.every((one) => hasType(one, prismaType))) {
        return [`${column} = ANY(${this.value(value, `${type}[]`)})`]
      }
      if (operator === 'not' && value === null) return [`${column} IS NOT NULL`]
      const comparison = COMPARISONS[operator]
      if (!comparison) throw new Uncovered(operator)
      return [compared(comparison, value)]
    })
  }

  #relationCondition(relation: Relation, prefix: string | null, id: string, condition: unknown): string[] {
    const model = modelNamed(relation.model)
    if (relation.own) {
      if (prefix === null || condition === null) throw new Uncovered('a condition on a foreign key')
      const key = `${prefix}"${relation.key}"`
      // The foreign key says that the row exists, so conditions on its own relations need no join.
      if (relation.isRequired && Object.keys(condition as Args).every((name) => model.relations.has(name))) {
        return this.#conditions(model, null, key, condition as Args)
      }
      if (Object.values(condition as Args).every((value) => value === undefined))
        throw new Uncovered('a relation that may be missing')
      const alias = this.alias()
      return [exists(model, alias, [`${alias}."id" = ${key}`, this.where(model, alias, condition)])]
    }
    const { some, ...others } = condition as Args
    if (!relation.isList || !isOperators(some) || Object.keys(others).length > 0) throw new Uncovered('not "some"')
    const alias = this.alias()
    return [exists(model, alias, [`${alias}."${relation.key}" = ${id}`, this.where(model, alias, some)])]
  }

  orderBy(model: Model, alias: string, orderBy: unknown, joins?: Joins): string {
    const terms = (orderBy === undefined ? [] : [orderBy].flat()).flatMap((one) => Object.entries(one as Args))
    return terms
      .map(([name, direction]) => {
        if (direction === 'asc' || direction === 'desc') {
          return `${alias}."${columnOf(model, name).name}" ${direction === 'asc' ? 'ASC' : 'DESC'}`
        }
        const relation = model.relations.get(name)
        const [[inner = '', way = ''] = [], ...more] = Object.entries((direction ?? {}) as Record<string, string>)
        if (!relation?.own || more.length > 0 || !/^(asc|desc)$/.test(way)) throw new Uncovered('this order')
        const other = modelNamed(relation.model)
        const known = joins?.aliases.get(name)
        if (known) return `${known}."${columnOf(other, inner).name}" ${way.toUpperCase()}`
        const joined = this.alias()
        const column = `${joined}."${columnOf(other, inner).name}"`
        return `(SELECT ${column} FROM "${other.name}" AS ${joined} WHERE ${joined}."id" = ${alias}."${relation.key}") ${way.toUpperCase()}`
      })
      .join(', ')
  }
}

/** PostgreSQL passes at most this many arguments to a function. */
const MAX_ARGUMENTS = 100

const COMPARISONS: Record<string, string> = { equals: '=', not: '<>', gt: '>', gte: '>=', lt: '<', lte: '<=' }

export function columnOf(model: Model, name: string): Column {
  const column = model.columns.get(name)
  if (!column) throw new Uncovered(`${model.name}.${name}`)
  return column
}

function listOf(condition: unknown): Args[] {
  const conditions = [condition].flat()
  if (!conditions.every(isOperators)) throw new Uncovered('a condition that is no object')
  return conditions
}

const all = (conditions: readonly string[]) => conditions.filter(Boolean).join(' AND ')

function any(alternatives: readonly string[]): string {
  // Prisma has rules of its own for alternatives without a condition.
  if (alternatives.length === 0 || alternatives.includes('')) throw new Uncovered('an empty alternative')
  return `(${alternatives.map((one) => `(${one})`).join(' OR ')})`
}

const exists = (model: Model, alias: string, conditions: readonly string[]) =>
  `EXISTS (SELECT FROM "${model.name}" AS ${alias} WHERE ${all(conditions)})`
