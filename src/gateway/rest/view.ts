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
import { isRestNone, type RestOperation, type RestOptions, type RestStream } from '../rest-plugin.ts'

/**
 * The part of the schema that REST shows: root fields that have a `rest` option, and of each type its leaf fields,
 * what a field's own declaration embeds, and the nodes of lists. Subscriptions are streams and have no place in it.
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
  return pruneSchema(shown)
}

/** Whether REST answers with this field unless told otherwise. A connection's count costs a query: only on request. */
function shownByDefault(
  field: { type: GraphQLOutputType; args?: unknown; extensions?: unknown },
  name: string,
  owner: unknown,
): boolean {
  if (isObjectType(owner) && isConnection(owner)) return isEnvelope({ ...field, name })
  const named = getNamedType(field.type)
  return isLeafType(named) || isEmbedded(field)
}

/** What the envelope of a list has besides its count, which costs a query: what a field's own declaration adds may be absent. */
export function isEnvelope(field: { name: string; extensions?: unknown }): boolean {
  return field.name === 'nodes' || field.name === 'pageInfo' || isEmbedded(field)
}

export function isEmbedded(field: { extensions?: unknown }): boolean {
  return (field.extensions as { restEmbed?: boolean } | undefined)?.restEmbed === true
}

/** A Relay connection: what REST answers as a list envelope. */
export function isConnection(type: unknown): type is GraphQLObjectType {
  return type instanceof GraphQLObjectType && type.name.endsWith('Connection') && 'nodes' in type.getFields()
}

/** The REST declaration of a Query or Mutation field; undefined when it is GraphQL only. */
export function restOperation(field: { extensions?: unknown }): RestOperation | undefined {
  const rest = (field.extensions as { rest?: RestOptions | RestStream } | undefined)?.rest
  return rest === undefined || isRestNone(rest) || 'stream' in rest ? undefined : rest
}

/** The SSE declaration of a Subscription field. */
export function restStream(field: { extensions?: unknown }): RestStream | undefined {
  const rest = (field.extensions as { rest?: RestOptions | RestStream } | undefined)?.rest
  return rest !== undefined && 'stream' in rest ? rest : undefined
}

/** The argument of a Subscription that says where to begin, and decides nothing else. */
export function resumeArgument(field: { extensions?: unknown }): string | undefined {
  return (field.extensions as { resume?: string } | undefined)?.resume
}

/** The type within non-null. */
export function nullable<T>(type: T): T {
  return isNonNullType(type) ? (type.ofType as T) : type
}

/** The item type of a list (within non-null), undefined for what is no list. */
export function listItem<T>(type: T): T | undefined {
  const inner = nullable(type)
  return isListType(inner) ? (inner.ofType as T) : undefined
}
