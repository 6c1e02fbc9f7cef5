import { queryFromInfo } from '@pothos/plugin-prisma'
import {
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  getNamedType,
  isLeafType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from 'graphql'
import { readsOnlyColumns } from './loaded-columns-plugin.ts'

type Query = Awaited<ReturnType<typeof queryFromInfo>>

/** Queries of fields whose selection is the same in each execution of their document. */
const queries = new WeakMap<FieldNode, Query>()

/**
 * Returns the columns and relations to read for a field, or for what it has at these paths. It is
 * the same frozen object each time for a selection of columns alone: such a selection depends
 * neither on variables nor on the context, and no resolver below asks how it was loaded.
 */
export function selectedQuery(context: object, info: GraphQLResolveInfo, paths?: string[][]): Query {
  const [node, ...others] = info.fieldNodes
  const known = node && queries.get(node)
  if (known) return known
  const query = queryFromInfo({ context, info, ...(paths && { paths }) }) as Query
  const type = getNamedType(info.returnType)
  const { selectionSet } = node ?? {}
  if (node && others.length === 0 && selectionSet && isObjectType(type) && hasColumnsOnly(info, type, selectionSet)) {
    queries.set(node, Object.freeze(query))
  }
  return query
}

function hasColumnsOnly(info: GraphQLResolveInfo, type: GraphQLObjectType, { selections }: SelectionSetNode): boolean {
  return selections.every((selection) => {
    if (selection.directives?.length) return false
    if (selection.kind === Kind.FIELD) return isColumn(info, type, selection)
    const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? info.fragments[selection.name.value] : selection
    const condition = fragment?.typeCondition?.name.value ?? type.name
    return fragment !== undefined && condition === type.name && hasColumnsOnly(info, type, fragment.selectionSet)
  })
}

/** Returns true for a column, and for a field that no query loads if the same is true below it. */
function isColumn(
  info: GraphQLResolveInfo,
  type: GraphQLObjectType,
  { name, arguments: args, selectionSet }: FieldNode,
) {
  const field = type.getFields()[name.value]
  if (!field) return name.value === '__typename'
  if (args?.length) return false
  if (field.extensions.pothosPrismaSelect && !readsOnlyColumns(field.resolve)) return false
  const named = getNamedType(field.type)
  return (
    isLeafType(named) ||
    (isObjectType(named) && selectionSet !== undefined && hasColumnsOnly(info, named, selectionSet))
  )
}
