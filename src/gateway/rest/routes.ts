import {
  type DocumentNode,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLSchema,
  getNamedType,
  isLeafType,
  Kind,
  type OperationDefinitionNode,
} from 'graphql'
import { type HttpMethod, type RestAlias, type RestOperation, restOperation } from '../operation.ts'
import { type Deprecable, hasDates } from './deprecation.ts'
import { type SofaOverrides, sofaRoutes } from './sofa.ts'
import { rootFields } from './view.ts'

/** A REST route: derived by SOFA from a root field, with our overrides. */
export interface Route {
  method: HttpMethod
  /** Under the base path, with parameters as `{id}`. */
  path: string
  status: number
  kind: 'query' | 'mutation'
  fieldName: string
  /** The field in the REST view. */
  field: GraphQLField<unknown, unknown>
  rest: RestOperation
  /** SOFA's operation: every argument is a variable, every field of the view is selected. */
  document: DocumentNode
  pathParameters: readonly string[]
  args: readonly GraphQLArgument[]
  /** Places among the arguments of path parameters that are not arguments themselves. */
  fills: Readonly<Record<string, readonly string[]>>
  operationId: string
  /** The definition with the deprecation: the field, or the path itself. */
  deprecable: Deprecable
}

/**
 * Derives the route table of a REST view with SOFA: method and path of each root field by its
 * naming convention and its `routes` option, and the operation document. `cache` is a folder that
 * keeps what SOFA derives.
 */
export async function deriveRoutes(view: GraphQLSchema, cache?: string): Promise<Route[]> {
  const routes: Route[] = []
  for (const { method, path, document } of await sofaRoutes(view, sofaOverrides(view), cache)) {
    const route = toRoute(view, method, path, document)
    routes.push(route, ...(route.rest.also ?? []).map((alias) => aliasRoute(route, alias)))
  }
  requireRoutes(view, routes)
  rejectDuplicates(routes)
  return routes
}

function sofaOverrides(view: GraphQLSchema): SofaOverrides {
  return Object.fromEntries(
    rootFields(view).map(({ root, field }) => {
      const { method, path, status } = restOperation(field) ?? {}
      return [
        `${root.name}.${field.name}`,
        {
          ...(method && { method }),
          ...(path && { path: path.replace(PARAMETER, ':$1') }),
          ...(status && { responseStatus: status }),
        },
      ]
    }),
  )
}

function toRoute(view: GraphQLSchema, method: HttpMethod, path: string, document: DocumentNode): Route {
  const operation = document.definitions[0] as OperationDefinitionNode
  const root = operation.selectionSet.selections[0]
  const kind = operation.operation === 'mutation' ? 'mutation' : 'query'
  const type = kind === 'query' ? view.getQueryType() : view.getMutationType()
  const field = root?.kind === Kind.FIELD ? type?.getFields()[root.name.value] : undefined
  const rest = field && restOperation(field)
  if (!field || !rest) throw new Error(`${method} ${path} has no field in the REST view`)
  const pathParameters = parametersOf(path)
  for (const name of [...pathParameters, ...[rest.body ?? []].flat()]) {
    if (!field.args.some((arg) => arg.name === name))
      throw new Error(`${field.name} has no argument "${name}" for ${method} ${path}`)
  }
  const status = rest.status ?? (method === 'DELETE' ? 204 : 200)
  if (isLeafType(getNamedType(field.type)) && !rest.key && status !== 204) {
    throw new Error(
      `${field.name} does not return an object. Name its value in REST: rest: { key: 'count' } sends {"count": …}`,
    )
  }
  return {
    method,
    path,
    status,
    kind,
    fieldName: field.name,
    field,
    rest,
    document,
    pathParameters,
    args: field.args,
    fills: {},
    operationId: field.name,
    deprecable: field,
  }
}

function aliasRoute(route: Route, { method = route.method, path, fills, operationId, deprecated }: RestAlias): Route {
  const pathParameters = parametersOf(path)
  for (const name of pathParameters) {
    if (!fills[name]) throw new Error(`${route.fieldName}: "fills" lacks the parameter "${name}" of ${path}`)
  }
  const { reason, ...deprecation } = deprecated ?? {}
  const deprecable = deprecated ? { deprecationReason: reason, extensions: { deprecation } } : route.deprecable
  if (!hasDates(deprecable)) throw new Error(`${path}: deprecated needs dates like 2027-01-31, with sunset after since`)
  return { ...route, method, path, pathParameters, fills, operationId, deprecable }
}

const PARAMETER = /\{(\w+)\}/g

const parametersOf = (path: string) => [...path.matchAll(PARAMETER)].map((match) => String(match[1]))

/**
 * Throws if SOFA's document lacks a field. It has one entry for two fields with the same method
 * and path.
 */
function requireRoutes(view: GraphQLSchema, routes: readonly Route[]): void {
  const found = new Set(routes.map(({ field }) => field))
  const lost = rootFields(view).filter(({ field }) => !found.has(field))
  if (lost.length === 0) return
  const names = lost.map(({ field }) => field.name).join(', ')
  throw new Error(`${names}: another operation has the same method and path`)
}

function rejectDuplicates(routes: Route[]): void {
  const seen = new Map<string, string>()
  for (const { method, path, fieldName } of routes) {
    const key = `${method} ${path.replace(PARAMETER, '{}')}`
    const other = seen.get(key)
    if (other) throw new Error(`${other} and ${fieldName} both claim ${key}`)
    seen.set(key, fieldName)
  }
}
