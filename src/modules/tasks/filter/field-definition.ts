import type { InputShapeFromTypeParam, InputTypeParam } from '@pothos/core'
import type { z } from 'zod'
import { Prisma } from '../../../generated/prisma/client.ts'
import type { TaskStatus } from '../../../generated/prisma/enums.ts'
import type { builder } from '../../../schema/builder.ts'
import type { TaskState } from './state.ts'

type Types = typeof builder.$inferSchemaTypes

/** One field of the task filter. Its GraphQL type decides the type of its values. */
export interface FilterField<Value> {
  description?: string
  type: InputTypeParam<Types>
  rule: z.ZodType<Value>
  /** Conditions on "Task", all of which must hold. */
  sql(value: Value, scope: FilterScope, siblings: Siblings): Condition | Condition[]
  /** Checks a logged state of a task. Must agree with the SQL. */
  matches(value: Value, task: TaskState, scope: MatchScope): boolean
  /** Ids in the value that must exist and be visible to the viewer. */
  named?(value: Value): NamedIds
  /** Keys of tasks to resolve. An unknown or hidden key is not an error. */
  keys?(value: Value): readonly string[]
  /** Number of conditions that read another table. None when absent. */
  joins?(value: Value): number
  /** True if an index serves this condition for every value, so a plan can be reused. */
  indexed?: boolean
  /** True if this condition leaves fewer rows to sort than a project has. */
  selective?(value: Value): boolean
}

/** Ids by the kind of row they name, each with its path within the value. */
export type NamedIds = Partial<Record<'project' | 'label' | 'parent', { id: string; path: FilterPath }[]>>

export type FilterPath = (string | number)[]

/** Everything a condition may need besides its own value, looked up beforehand. */
export interface FilterScope {
  viewerId: string
  /** The viewer's time zone, in which days end. */
  timeZone: string
  /** Task ids by the id or key given in the filter. */
  taskIds: ReadonlyMap<string, string>
  /** True to list the trash instead of the live tasks. */
  deleted: boolean
  /** Projects a search covers. Null for all projects, or too many to list. */
  searchScope: SearchScope | null
}

export interface SearchScope {
  projectIds: string[]
  /** True if scanning the tasks is cheaper than reading a frequent word from the index. */
  small: boolean
}

/** A scope for one event of the log. */
export interface MatchScope extends FilterScope {
  /** Time of the event. */
  at: Date
  /** Search texts of the filter that find the task. */
  hits: ReadonlySet<string>
}

/** Fields of the same filter whose columns the link tables repeat. */
export interface Siblings {
  status?: TaskStatus[] | null | undefined
}

/** Declares a field. Checks at compile time that its rule gives the values of its GraphQL type. */
export function field<Type extends InputTypeParam<Types>>(
  spec: FilterField<InputShapeFromTypeParam<Types, Type, true>> & { type: Type },
): FilterField<InputShapeFromTypeParam<Types, Type, true>> {
  return spec
}

export type Condition = Prisma.Sql | null | undefined | false

/** Joins conditions with AND. Returns TRUE if there are none. */
export function every(conditions: readonly Condition[]): Prisma.Sql {
  const given = conditions.filter((one): one is Prisma.Sql => one instanceof Prisma.Sql)
  return given.length === 0 ? Prisma.sql`TRUE` : Prisma.join(given, ' AND ')
}

/** Uses `=` for a single value, so that an index keeps its order behind that column. */
export function oneOf(column: Prisma.Sql, values: readonly (string | number)[], type: string): Prisma.Sql {
  return values.length === 1
    ? Prisma.sql`${column} = ${values[0]}::${Prisma.raw(type)}`
    : Prisma.sql`${column} = ANY(${values}::${Prisma.raw(type)}[])`
}

export const taskColumn = (name: string): Prisma.Sql => Prisma.raw(`"Task"."${name}"`)
