import {
  type FieldNode,
  GraphQLError,
  type GraphQLField,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getDirectiveValues,
  isNonNullType,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql'
import { toClientError } from './client-error.ts'
import { unauthenticated } from './errors.ts'
import type { GatewayContext } from './gateway-context.ts'
import type { EngineResult } from './live/outcome.ts'
import { requiresPrincipal } from './operation.ts'
import type { PreparedOperation } from './prepared-operation.ts'
import type { Variables } from './variables.ts'

/**
 * Throws UNAUTHENTICATED if nobody is signed in and the operation of this root field is not public.
 */
export function requirePrincipal(field: { extensions?: unknown }, context: GatewayContext): void {
  if (context.principal === null && requiresPrincipal(field)) throw unauthenticated(context.credentialProblem)
}

/**
 * Refuses an operation of a signed-out caller before its variables are read: one UNAUTHENTICATED
 * error per root field that is not public. Returns undefined if every root field is public or the
 * request is authenticated.
 */
export function refuseSignedOut(
  schema: GraphQLSchema,
  prepared: PreparedOperation,
  variables: Variables,
  context: GatewayContext,
): EngineResult | undefined {
  if (context.principal !== null) return undefined
  const type = schema.getRootType(prepared.operation.operation)
  if (!type) return undefined
  const selected = rootNodes(prepared, variables)
  const closed = selected.filter(({ name }) => requiresPrincipal(type.getFields()[name.value] ?? {}))
  if (closed.length === 0) return undefined
  const errors = closed.map((node) => {
    const path = [keyOf(node)]
    return toClientError(
      new GraphQLError('', { nodes: node, path, originalError: unauthenticated(context.credentialProblem) }),
      context,
    )
  })
  return { data: emptyData(type, selected), errors }
}

/**
 * Returns what execution would: null for each root field if the schema allows it, else null
 * as a whole.
 */
function emptyData(type: GraphQLObjectType, selected: readonly FieldNode[]): Record<string, null> | null {
  const nullable = selected.every(({ name }) => {
    const field = type.getFields()[name.value]
    return field && !isNonNullType(field.type)
  })
  return nullable ? Object.fromEntries(selected.map((node) => [keyOf(node), null])) : null
}

const keyOf = ({ alias, name }: FieldNode) => (alias ?? name).value

/** Returns the definitions of the selected root fields. */
export function rootFields(
  schema: GraphQLSchema,
  prepared: PreparedOperation,
  variables: Variables,
): GraphQLField<unknown, unknown>[] {
  const fields = schema.getRootType(prepared.operation.operation)?.getFields() ?? {}
  return rootNodes(prepared, variables).flatMap(({ name }) => fields[name.value] ?? [])
}

/** Returns the selected root fields, one for each key of the answer. */
export function rootNodes({ document, operation }: PreparedOperation, variables: Variables): FieldNode[] {
  const found = new Map<string, FieldNode>()
  const visited = new Set<string>()
  const collect = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      if (isSkipped(selection, variables)) continue
      if (selection.kind === Kind.FIELD) {
        if (!found.has(keyOf(selection))) found.set(keyOf(selection), selection)
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        collect(selection.selectionSet)
      } else if (!visited.has(selection.name.value)) {
        visited.add(selection.name.value)
        const fragment = document.definitions.find(
          (one) => one.kind === Kind.FRAGMENT_DEFINITION && one.name.value === selection.name.value,
        )
        if (fragment?.kind === Kind.FRAGMENT_DEFINITION) collect(fragment.selectionSet)
      }
    }
  }
  collect(operation.selectionSet)
  return [...found.values()]
}

/** Evaluates `@skip` and `@include`. A condition that is not a Boolean leaves nothing out. */
function isSkipped(selection: SelectionNode, variables: Variables): boolean {
  try {
    const skip = getDirectiveValues(GraphQLSkipDirective, selection, variables)
    const include = getDirectiveValues(GraphQLIncludeDirective, selection, variables)
    return skip?.if === true || include?.if === false
  } catch {
    return false
  }
}
