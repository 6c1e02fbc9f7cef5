import type { GraphQLSchema } from 'graphql'
import type { Engine } from '../engine.ts'
import type { ErrorCode } from '../errors.ts'
import { deprecationOf, takesDeprecated } from './deprecation.ts'
import type { ExtraRoute } from './extra.ts'
import type { JsonSchema } from './json-schema.ts'
import { COMMON, errorAnswers, errorComponents, headerComponents, PROBLEM, withDeprecation } from './openapi-answers.ts'
import { typeComponents } from './openapi-components.ts'
import { exampleOf, withExamples } from './openapi-examples.ts'
import { type OpenApiInfo, routeOperation, streamOperation, tagOf } from './openapi-operation.ts'
import type { Route } from './routes.ts'
import { givesDeprecated } from './selection.ts'
import type { StreamRoute } from './stream.ts'

interface Source {
  engine: Engine
  routes: readonly Route[]
  streams: readonly StreamRoute[]
  extra: readonly Pick<ExtraRoute<never>, 'method' | 'path' | 'openapi'>[]
  basePath: string
  info: OpenApiInfo
}

/** The OpenAPI 3.1 document of the routes: the types are the schema's, the limits those the server enforces. */
export function openApiDocument({ engine, routes, streams, extra, basePath, info }: Source): JsonSchema {
  const { schema } = engine
  const schemas = withExamples({ ...typeComponents(schema, [...routes, ...streams], info), Problem: PROBLEM })
  const paths: Record<string, Record<string, unknown>> = {}
  const add = (path: string, method: string, operation: JsonSchema) => {
    paths[path] = { ...paths[path], [method.toLowerCase()]: withBodyExample(operation, schemas) }
  }
  for (const route of routes) {
    const operation = routeOperation(route, schema, info)
    add(route.path, route.method, tellsDeprecations(route, schema) ? withHeaders(operation) : operation)
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
      license: { name: 'MIT', identifier: 'MIT' },
    },
    // Whoever reads the document where it is served has the server before them.
    servers: [
      {
        url: basePath,
        description: 'This server: local, staging or production, wherever the document was read.',
        'x-internal': false,
      },
    ],
    tags: [...tags].sort().map((name) => ({ name, ...(info.tags?.[name] && { description: info.tags[name] }) })),
    paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
    components: {
      securitySchemes: info.securitySchemes,
      headers: headerComponents(paths, responses),
      responses,
      schemas,
    },
  }
}

/** Whether answers of a route may tell that it is deprecated, or something of what it takes and gives. */
function tellsDeprecations({ deprecable, args, document }: Route, schema: GraphQLSchema): boolean {
  return deprecationOf(deprecable) !== undefined || args.some(takesDeprecated) || givesDeprecated(schema, document)
}

const withHeaders = (operation: JsonSchema): JsonSchema => ({
  ...operation,
  responses: withDeprecation(operation.responses as JsonSchema),
})

/** A hand-written operation with the errors it names, and what every answer carries, put in. */
function extraOperation({ 'x-errors': codes, ...operation }: JsonSchema): JsonSchema {
  const responses = Object.entries((operation.responses ?? {}) as Record<string, JsonSchema>).map(
    ([status, response]): [string, JsonSchema] => [
      status,
      { ...response, headers: { ...COMMON, ...(response.headers as JsonSchema | undefined) } },
    ],
  )
  return { ...operation, responses: { ...Object.fromEntries(responses), ...errorAnswers(codes as ErrorCode[]) } }
}

function withBodyExample(operation: JsonSchema, schemas: Record<string, JsonSchema>): JsonSchema {
  const { requestBody } = operation as { requestBody?: { content: Record<string, { schema: JsonSchema }> } }
  if (!requestBody) return operation
  const content = Object.fromEntries(
    Object.entries(requestBody.content).map(([type, media]) => [
      type,
      { ...media, example: exampleOf(media.schema, schemas) },
    ]),
  )
  return { ...operation, requestBody: { ...requestBody, content } }
}
