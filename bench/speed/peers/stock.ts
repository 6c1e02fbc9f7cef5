/**
 * GraphQL Yoga, Pothos, Prisma and SOFA, the libraries of Taskwire, assembled as their
 * documentation shows.
 */
import { createServer } from 'node:http'
import { createYoga } from 'graphql-yoga'
import { useSofa } from 'sofa-api'
import { ApiError } from './common/errors.ts'
import { findViewer, prisma } from './common/prisma-tasks.ts'
import { closeOnSignal, settings } from './common/settings.ts'
import { type Context, maskError } from './stock-builder.ts'
import { restSchema } from './stock-rest-schema.ts'
import { schema } from './stock-schema.ts'

/** SOFA declares a Response of its own. */
type SofaResponse = ReturnType<NonNullable<Parameters<typeof useSofa>[0]['errorHandler']>>

async function context({ request }: { request: Request }): Promise<Context> {
  return { viewer: await findViewer(request.headers.get('authorization') ?? undefined) }
}

const yoga = createYoga<object, Context>({ schema, logging: false, maskedErrors: { maskError }, context })

const sofa = useSofa({
  basePath: '/api/v1',
  schema: restSchema,
  routes: {
    'Query.task': { path: '/tasks/:id' },
    'Mutation.createTask': { path: '/tasks', responseStatus: 201 },
  },
  context,
  errorHandler([error]) {
    const original = error?.originalError
    const [status, code] = original instanceof ApiError ? [original.status, original.code] : [500, 'INTERNAL']
    const detail = status === 500 ? 'Unexpected error.' : error.message
    const body = JSON.stringify({ type: 'about:blank', title: code, status, detail, code })
    return new Response(body, { status, headers: { 'content-type': 'application/problem+json' } }) as SofaResponse
  },
})

const server = createServer((request, response) =>
  request.url?.startsWith('/api/v1') ? sofa(request, response) : yoga(request, response),
)
closeOnSignal(async () => {
  server.closeAllConnections()
  server.close()
  await prisma.$disconnect()
})
server.listen(settings.port, settings.host)
