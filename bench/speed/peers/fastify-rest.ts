/** Fastify with a JSON schema for each request and response, and hand-written SQL through `pg`. */
import Fastify, { type FastifyRequest } from 'fastify'
import { ApiError } from './common/errors.ts'
import { pageOptions } from './common/input.ts'
import { closeOnSignal, createPool, settings } from './common/settings.ts'
import { createQueries, type NewTask, type TaskChange } from './common/sql.ts'
import { requireViewer, type Viewer } from './common/viewer.ts'
import * as schemas from './rest-schemas.ts'

const pool = createPool()
const queries = createQueries(pool)
const viewers = new WeakMap<FastifyRequest, Viewer>()

function viewerOf(request: FastifyRequest): Viewer {
  return requireViewer(viewers.get(request) ?? null)
}

interface ListQuery {
  projectId?: string
  status?: string[]
  search?: string
  orderBy?: string
  limit: number
  after?: string
}

const ORDER_FIELDS: Record<string, string> = { createdAt: 'CREATED_AT', priority: 'PRIORITY', dueAt: 'DUE_AT' }

const app = Fastify()

app.setErrorHandler<Error & { validation?: unknown; code?: string; statusCode?: number }>((error, _request, reply) => {
  const code = error instanceof ApiError ? error.code : error.validation ? 'VALIDATION_FAILED' : 'INTERNAL'
  const status = error instanceof ApiError ? error.status : error.validation ? 422 : (error.statusCode ?? 500)
  const detail = status === 500 ? 'Unexpected error.' : error.message
  return reply
    .code(status)
    .type('application/problem+json; charset=utf-8')
    .send({ type: 'about:blank', title: code, status, detail, code })
})

app.register(
  (api, _options, done) => {
    api.addHook('onRequest', async (request) => {
      viewers.set(request, requireViewer(await queries.findViewer(request.headers.authorization)))
    })

    api.get<{ Params: { id: string } }>('/tasks/:id', { schema: { response: { 200: schemas.task } } }, (request) =>
      queries.findTask(viewerOf(request), request.params.id),
    )

    api.get<{ Querystring: ListQuery }>(
      '/tasks',
      { schema: { querystring: schemas.listQuery, response: { 200: schemas.page } } },
      (request) => {
        const { orderBy = 'createdAt:asc', limit, after, ...filter } = request.query
        const [field = '', direction] = orderBy.split(':')
        const order = { field: ORDER_FIELDS[field] ?? '', direction: direction === 'desc' ? 'DESC' : 'ASC' } as const
        return queries.listTasks(viewerOf(request), pageOptions({ filter, orderBy: [order], first: limit, after }))
      },
    )

    api.post<{ Body: NewTask }>(
      '/tasks',
      { schema: { body: schemas.newTask, response: { 201: schemas.task } } },
      async (request, reply) => {
        const task = await queries.createTask(viewerOf(request), request.body)
        return reply.code(201).header('location', `/api/v1/tasks/${task.id}`).send(task)
      },
    )

    api.patch<{ Params: { id: string }; Body: TaskChange }>(
      '/tasks/:id',
      { schema: { body: schemas.taskChange, response: { 200: schemas.task } } },
      (request) => queries.updateTask(viewerOf(request), request.params.id, request.body),
    )
    done()
  },
  { prefix: '/api/v1' },
)

closeOnSignal(async () => {
  await app.close()
  await pool.end()
})
await app.listen({ host: settings.host, port: settings.port })
