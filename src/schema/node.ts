import type { ApiScope } from '../auth/scopes.ts'
import type { Viewer } from '../auth/viewer.ts'
import type { Prisma } from '../generated/prisma/client.ts'
import { builder } from './builder.ts'

const typeNames = new WeakMap<object, string>()

/** The interface of types that `node` finds by id. List it in their `interfaces`. */
export const Node = builder.interfaceRef<{ id: string }>('Node').implement({
  description: 'An object with an id that is unique among all objects.',
  resolveType: (row) => typeNames.get(row),
  fields: (t) => ({ id: t.exposeID('id') }),
})

/** How `node` finds the objects of a type. */
export interface NodeType {
  /** Its name in the schema, which is that of the table. */
  name: 'Task' | 'Attachment' | 'Comment' | 'Project' | 'Label' | 'Membership' | 'SavedFilter' | 'User'
  /** An API key needs it. */
  scope: ApiScope
  /** Condition on the table: the rows that the viewer sees. */
  visible: (viewer: Viewer) => Prisma.Sql
}

const declared: NodeType[] = []

export const nodeTypes: readonly NodeType[] = declared

/** Lets `node` find the objects of a type. */
export function findsNodes(type: NodeType): void {
  declared.push(type)
}

/** Marks a row as one of a type. */
export function asNode<Row extends object>(row: Row, name: NodeType['name']): Row {
  typeNames.set(row, name)
  return row
}
