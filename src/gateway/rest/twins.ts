import type { GraphQLField, GraphQLSchema } from 'graphql'
import type { RestNone, RestOperation, RestStream } from '../operation.ts'

/** Extension that holds a field's description without its twin. */
const OWN = 'ownDescription'

/**
 * Ends the description of each root field with its REST twin, so that readers of one protocol find
 * the other. Changes the schema in place, before it is used.
 */
export function nameTwins(schema: GraphQLSchema, basePath: string): GraphQLSchema {
  for (const root of [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]) {
    for (const field of Object.values(root?.getFields() ?? {})) {
      const twin = twinOf(field, basePath)
      // A schema may be served more than once.
      if (twin === undefined || OWN in field.extensions) continue
      field.extensions = { ...field.extensions, [OWN]: field.description }
      field.description = [field.description, twin].filter(Boolean).join(' ')
    }
  }
  return schema
}

/** Returns a field's description without its twin. */
export function ownDescription(field: GraphQLField<unknown, unknown>): string | null | undefined {
  return (field.extensions[OWN] as string | null | undefined) ?? field.description
}

function twinOf(field: GraphQLField<unknown, unknown>, basePath: string): string | undefined {
  const rest = field.extensions.rest as RestOperation | RestStream | RestNone | undefined
  if (!rest) return undefined
  if ('none' in rest) return `GraphQL only: ${lowerFirst(rest.none)}`
  if ('stream' in rest) return `REST: GET ${basePath}${rest.path} (Server-Sent Events).`
  if (!rest.method || !rest.path) return undefined
  const { method, path } = rest
  const routes = [{ method, path }, ...(rest.also ?? [])]
  return `REST: ${routes.map((one) => `${one.method ?? method} ${basePath}${one.path}`).join(', ')}.`
}

const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1)
