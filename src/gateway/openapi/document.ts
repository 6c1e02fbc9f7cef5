import type { GraphQLSchema } from 'graphql'
import type { ErrorCode } from '../errors.ts'
import { acceptsDeprecated, deprecationOf } from '../rest/deprecation.ts'
import type { ExtraRoute } from '../rest/extra.ts'
import type { Route } from '../rest/routes.ts'
import { returnsDeprecated } from '../rest/selection.ts'
import type { StreamRoute } from '../rest/stream.ts'
import { typeComponents } from './components.ts'
import { exampleOf, withExamples } from './examples.ts'
import { COMMON, headerComponents } from './headers.ts'
import type { JsonSchema } from './json-schema.ts'
import { bytesOperation, type OpenApiInfo, routeOperation, streamOperation, tagOf } from './operations.ts'
import { problemSchema } from './problem.ts'
import { errorAnswers, errorComponents, withDeprecation } from './responses.ts'
import { describeTag, orderTags } from './tags.ts'

interface Source {
  schema: GraphQLSchema
  routes: readonly Route[]
  streams: readonly StreamRoute[]
  extra: readonly Pick<ExtraRoute<never>, 'method' | 'path' | 'openapi'>[]
  basePath: string
  info: OpenApiInfo
}

/**
 * Returns the OpenAPI 3.1 document of the routes. Types come from the schema, limits are those the
 * server enforces.
 */
export function openApiDocument({ schema, routes, streams, extra, basePath, info }: Source): JsonSchema {
  const schemas = withExamples({ ...typeComponents(schema, [...routes, ...streams], info), Problem: problemSchema() })
  const paths: Record<string, Record<string, unknown>> = {}
  const add = (path: string, method: string, operation: JsonSchema) => {
    paths[path] = { ...paths[path], [method.toLowerCase()]: withBodyExample(operation, schemas) }
  }
  for (const route of routes) {
    const operation = routeOperation(route, schema, info)
    add(route.path, route.method, hasDeprecations(route, schema) ? withHeaders(operation) : operation)
    const { content } = route.rest
    if (!content || route.operationId !== route.fieldName) continue
    const bytes = bytesOperation(route, content, schema, info)
    add(content.path, 'GET', deprecationOf(route.deprecable) ? withHeaders(bytes) : bytes)
  }
  for (const stream of streams) {
    const operation = streamOperation(stream, schema, info)
    add(stream.path, 'GET', deprecationOf(stream.field) ? withHeaders(operation) : operation)
  }
  for (const { path, method, openapi } of extra) add(path, method, extraOperation(openapi))
  const tags = new Set([
    ...[...routes, ...streams].map((route) => tagOf(route)),
    ...extra.flatMap(({ openapi }) => (openapi.tags ?? []) as string[]),
  ])
  const responses = errorComponents(paths)
  return {
    openapi: '3.1.1',
    info: {
      title: info.title,
      version: info.version,
      description: info.description,
      ...(info.contact && { contact: info.contact }),
      ...(info.license && { license: info.license }),
    },
    // The document's own server, whose address readers already know.
    servers: [
      {
        url: basePath,
        description: 'The server that serves this document: local, staging or production.',
        'x-internal': false,
      },
    ],
    tags: orderTags(tags, info).map((name) => describeTag(name, info, routes)),
    paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
    components: {
      securitySchemes: info.securitySchemes,
      headers: headerComponents(paths, responses),
      responses,
      schemas,
    },
  }
}

/** Returns true if a route, its input or its answer has deprecated parts. */
function hasDeprecations({ deprecable, args, document }: Route, schema: GraphQLSchema): boolean {
  return deprecationOf(deprecable) !== undefined || args.some(acceptsDeprecated) || returnsDeprecated(schema, document)
}

const withHeaders = (operation: JsonSchema): JsonSchema => ({
  ...operation,
  responses: withDeprecation(operation.responses as JsonSchema),
})

/** Completes a hand-written operation with the errors it names and the headers of every answer. */
function extraOperation({ 'x-errors': codes, ...operation }: JsonSchema): JsonSchema {
  const responses = Object.entries((operation.responses ?? {}) as Record<string, JsonSchema>).map(
    ([status, response]): [string, JsonSchema] => [
      status,
      { ...response, headers: { ...COMMON, ...(response.headers as JsonSchema | undefined) } },
    ],
  )
  return { ...operation, responses: { ...Object.fromEntries(responses), ...errorAnswers(codes as ErrorCode[]) } }
}

/** Types of a file, of which JSON cannot show an example. */
const FORM = 'multipart/form-data'
const BYTES = '*/*'

function withBodyExample(operation: JsonSchema, schemas: Record<string, JsonSchema>): JsonSchema {
  const { requestBody } = operation as { requestBody?: { content: Record<string, { schema: JsonSchema }> } }
  if (!requestBody) return operation
  const content = Object.fromEntries(
    Object.entries(requestBody.content).map(([type, media]) => [
      type,
      type === FORM || type === BYTES ? media : { ...media, example: exampleOf(media.schema, schemas) },
    ]),
  )
  return { ...operation, requestBody: { ...requestBody, content } }
}
