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
import { createSofa, createSofaRouter } from 'sofa-api'
import type { RestAlias, RestOperation } from '../rest-plugin.ts'
import { type Deprecable, hasDates } from './deprecation.ts'
import { restOperation } from './view.ts'

export type HttpMethod = NonNullable<RestOperation['method']>

/** One REST route: what SOFA derives from a root field of the view, with our overrides. */
export interface Route {
  method: HttpMethod
  /** Under the base path, parameters as `{id}`. */
  path: string
  status: number
  kind: 'query' | 'mutation'
  fieldName: string
  /** The field of the view. */
  field: GraphQLField<unknown, unknown>
  rest: RestOperation
  /** SOFA's operation: every argument a variable, every field of the view selected. */
  document: DocumentNode
  pathParameters: readonly string[]
  args: readonly GraphQLArgument[]
  /** Where among the arguments path parameters belong that are not arguments by name. */
  fills: Readonly<Record<string, readonly string[]>>
  operationId: string
  /** What tells whether it is deprecated: its field, or the path for itself. */
  deprecable: Deprecable
}

/** What a SOFA handler is given and what we need of it: nothing but the document it would run. */
interface SofaRoute {
  method: string
  path: string
  handler: (request: object, context: object) => Promise<unknown>
}

/**
 * The route table of a REST view. SOFA derives method, path and operation of each root field; its handlers are only
 * asked once, here, which document they would run: inputs, execution and answers are ours (see handler.ts).
 */
export async function deriveRoutes(view: GraphQLSchema): Promise<Route[]> {
  let captured: DocumentNode | undefined
  const sofa = createSofa({
    schema: view,
    basePath: '/',
    routes: sofaOverrides(view),
    // SOFA types it as graphql-js's own function; it is called with one object, of which only the document matters here.
    execute: (async ({ document }: { document: DocumentNode }) => {
      captured = document
      return { data: {} }
    }) as unknown as NonNullable<Parameters<typeof createSofa>[0]['execute']>,
  })
  // The table is there, but not in the router's type.
  const router = createSofaRouter(sofa) as unknown as { __routes: SofaRoute[] }
  const routes: Route[] = []
  for (const { method, path, handler } of router.__routes) {
    // SOFA mounts these whatever the schema: they call addresses that callers choose. Never reachable here.
    if (path.startsWith('/webhook')) continue
    captured = undefined
    await handler({ url: path, params: {}, body: null }, {})
    if (!captured) throw new Error(`SOFA derived no operation for ${method} ${path}`)
    const route = toRoute(view, method as HttpMethod, path, captured)
    routes.push(route, ...(route.rest.also ?? []).map((alias) => aliasRoute(route, alias)))
  }
  refuseClashes(routes)
  return routes
}

function sofaOverrides(view: GraphQLSchema) {
  const roots = [view.getQueryType(), view.getMutationType()].filter((type) => type != null)
  return Object.fromEntries(
    roots.flatMap((root) =>
      Object.values(root.getFields()).map((field) => {
        const { method, path, status } = restOperation(field) ?? {}
        return [
          `${root.name}.${field.name}`,
          { ...(method && { method }), ...(path && { path }), ...(status && { responseStatus: status }) },
        ]
      }),
    ),
  )
}

function toRoute(view: GraphQLSchema, method: HttpMethod, sofaPath: string, document: DocumentNode): Route {
  const operation = document.definitions[0] as OperationDefinitionNode
  const root = operation.selectionSet.selections[0]
  const kind = operation.operation === 'mutation' ? 'mutation' : 'query'
  const type = kind === 'query' ? view.getQueryType() : view.getMutationType()
  const field = root?.kind === Kind.FIELD ? type?.getFields()[root.name.value] : undefined
  const rest = field && restOperation(field)
  if (!field || !rest) throw new Error(`${method} ${sofaPath} has no field in the REST view`)
  const path = sofaPath.replace(/:(\w+)/g, '{$1}')
  const pathParameters = parametersOf(path)
  for (const name of [...pathParameters, ...[rest.body ?? []].flat()]) {
    if (!field.args.some((arg) => arg.name === name))
      throw new Error(`${field.name} has no argument "${name}" for ${method} ${path}`)
  }
  if (isLeafType(getNamedType(field.type)) && !rest.key && rest.status !== 204) {
    throw new Error(`${field.name} answers no object: its rest option needs a key`)
  }
  const status = rest.status ?? (method === 'DELETE' ? 204 : 200)
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

function aliasRoute(route: Route, { path, fills, operationId, deprecated }: RestAlias): Route {
  const pathParameters = parametersOf(path)
  for (const name of pathParameters) {
    if (!fills[name]) throw new Error(`${route.fieldName} does not say what "${name}" of ${path} fills`)
  }
  const { reason, ...deprecation } = deprecated ?? {}
  const deprecable = deprecated ? { deprecationReason: reason, extensions: { deprecation } } : route.deprecable
  if (!hasDates(deprecable)) throw new Error(`${path} is deprecated without days like 2027-01-31, or gone before it is`)
  return { ...route, path, pathParameters, fills, operationId, deprecable }
}

const parametersOf = (path: string) => [...path.matchAll(/\{(\w+)\}/g)].map((match) => String(match[1]))

function refuseClashes(routes: Route[]): void {
  const seen = new Map<string, string>()
  for (const { method, path, fieldName } of routes) {
    const key = `${method} ${path.replace(/\{\w+\}/g, '{}')}`
    const other = seen.get(key)
    if (other) throw new Error(`${other} and ${fieldName} both claim ${key}`)
    seen.set(key, fieldName)
  }
}
