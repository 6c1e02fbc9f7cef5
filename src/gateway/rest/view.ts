import { MapperKind, mapSchema, pruneSchema } from '@graphql-tools/utils'
import {
  GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql'
import { restOperation } from '../operation.ts'

/**
 * Returns the part of the schema that REST shows: root fields with a `rest` option, and of each
 * type its leaf fields, embedded fields and the nodes of lists. Subscriptions are streams and not
 * part of it.
 */
export function restView(schema: GraphQLSchema): GraphQLSchema {
  const shown = mapSchema(schema, {
    [MapperKind.SUBSCRIPTION]: () => null,
    [MapperKind.ROOT_FIELD]: (field) => (restOperation(field) ? undefined : null),
    [MapperKind.OBJECT_FIELD]: (field, name, typeName, whole) => {
      const owner = whole.getType(typeName)
      const root = owner === whole.getQueryType() || owner === whole.getMutationType()
      return root || shownByDefault(field, name, owner) ? undefined : null
    },
  })
  const view = pruneSchema(shown)
  requireShown(rootFields(schema), rootFields(view))
  return view
}

type RootField = ReturnType<typeof rootFields>[number]

/** Lists the fields of Query and Mutation. */
export function rootFields(schema: GraphQLSchema) {
  const roots = [schema.getQueryType(), schema.getMutationType()].filter((type) => type != null)
  return roots.flatMap((root) => Object.values(root.getFields()).map((field) => ({ root, field })))
}

/** Throws if a field that declares a route is lost, because nothing of its type is shown. */
function requireShown(declared: readonly RootField[], shown: readonly RootField[]): void {
  const nameOf = ({ root, field }: RootField) => `${root.name}.${field.name}`
  const names = new Set(shown.map(nameOf))
  const lost = declared.find((one) => restOperation(one.field) && !names.has(nameOf(one)))
  if (!lost) return
  throw new Error(
    `${nameOf(lost)} declares rest, and REST would show nothing of ${getNamedType(lost.field.type).name}: set restEmbed: ` +
      'true on one of its fields. A connection needs a field nodes: give the Relay plugin nodesOnConnection: true.',
  )
}

/**
 * Returns true for a field of the default representation. A connection's count costs a query, so
 * it is only sent on request.
 */
function shownByDefault(
  field: { type: GraphQLOutputType; args?: unknown; extensions?: unknown },
  name: string,
  owner: unknown,
): boolean {
  if (isObjectType(owner) && isConnection(owner)) return isEnvelope({ ...field, name })
  const named = getNamedType(field.type)
  return isLeafType(named) || isEmbedded(field)
}

/**
 * Returns true for a field of a list's envelope. The count costs a query and is not one; embedded
 * fields may be absent.
 */
export function isEnvelope(field: { name: string; extensions?: unknown }): boolean {
  return field.name === 'nodes' || field.name === 'pageInfo' || isEmbedded(field)
}

export function isEmbedded(field: { extensions?: unknown }): boolean {
  return (field.extensions as { restEmbed?: boolean } | undefined)?.restEmbed === true
}

/** Returns true for a Relay connection, which REST sends as a list envelope. */
export function isConnection(type: unknown): type is GraphQLObjectType {
  return type instanceof GraphQLObjectType && type.name.endsWith('Connection') && 'nodes' in type.getFields()
}

/** Returns the type without non-null. */
export function nullable<T>(type: T): T {
  return isNonNullType(type) ? (type.ofType as T) : type
}

/** Returns the item type of a list, or undefined if the type is not a list. */
export function listItem<T>(type: T): T | undefined {
  const inner = nullable(type)
  return isListType(inner) ? (inner.ofType as T) : undefined
}
