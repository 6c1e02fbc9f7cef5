/** Fastify and Mercurius with JIT, loaders, and hand-written SQL through `pg`. */
import { readFileSync } from 'node:fs'
import Fastify from 'fastify'
import { GraphQLScalarType } from 'graphql'
import mercurius from 'mercurius'
import type { TaskRow } from './common/columns.ts'
import { ApiError } from './common/errors.ts'
import { checkTask, type ListArguments, pageOptions } from './common/input.ts'
import { closeOnSignal, createPool, settings } from './common/settings.ts'
import { createQueries, type NewTask, type TaskChange } from './common/sql.ts'
import { requireViewer, type Viewer } from './common/viewer.ts'

interface Context {
  viewer: Viewer | null
}

declare module 'mercurius' {
  interface MercuriusContext extends Context {}
}

const pool = createPool()
const queries = createQueries(pool)

const DateTime = new GraphQLScalarType<Date, string>({
  name: 'DateTime',
  serialize: (value) => (value as Date).toISOString(),
  parseValue(value) {
    const date = new Date(String(value))
    if (Number.isNaN(date.getTime())) throw new ApiError('VALIDATION_FAILED', `${value} is not a time`)
    return date
  },
})

const resolvers = {
  DateTime,
  Query: {
    task: (_root: unknown, { id }: { id: string }, { viewer }: Context) => queries.findTask(requireViewer(viewer), id),
    tasks: (_root: unknown, args: ListArguments, { viewer }: Context) =>
      queries.listTasks(requireViewer(viewer), pageOptions(args)),
  },
  Mutation: {
    createTask(_root: unknown, { input }: { input: NewTask }, { viewer }: Context) {
      checkTask(input)
      return queries.createTask(requireViewer(viewer), input)
    },
    updateTask(_root: unknown, { id, input }: { id: string; input: TaskChange }, { viewer }: Context) {
      checkTask(input)
      return queries.updateTask(requireViewer(viewer), id, input)
    },
  },
}

const PROJECTS = 'SELECT "id", "key", "name" FROM "Project" WHERE "id" = ANY ($1)'
const ASSIGNEES = `
  SELECT a."taskId", u."id", u."name" FROM "TaskAssignee" a JOIN "User" u ON u."id" = a."userId"
  WHERE a."taskId" = ANY ($1) ORDER BY a."userId"`
const LABELS = `
  SELECT x."taskId", l."id", l."name", l."color" FROM "TaskLabel" x JOIN "Label" l ON l."id" = x."labelId"
  WHERE x."taskId" = ANY ($1) ORDER BY l."name"`

type Loads = { obj: TaskRow }[]

async function ofTasks(name: string, text: string, loads: Loads): Promise<object[][]> {
  const rows = await queries.rows<{ taskId: string }>(name, text, [loads.map(({ obj }) => obj.id)])
  const byTask = Map.groupBy(rows, (row) => row.taskId)
  return loads.map(({ obj }) => byTask.get(obj.id) ?? [])
}

// The tasks of a page are distinct, so caching them would only cost time.
const opts = { cache: false }
const loaders = {
  Task: {
    project: {
      async loader(loads: Loads) {
        const ids = [...new Set(loads.map(({ obj }) => obj.projectId))]
        const rows = await queries.rows<{ id: string }>('projects', PROJECTS, [ids])
        const byId = new Map(rows.map((row) => [row.id, row]))
        return loads.map(({ obj }) => byId.get(obj.projectId))
      },
      opts,
    },
    assignees: { loader: (loads: Loads) => ofTasks('assignees', ASSIGNEES, loads), opts },
    labels: { loader: (loads: Loads) => ofTasks('labels', LABELS, loads), opts },
  },
}

const app = Fastify()
await app.register(mercurius, {
  schema: readFileSync(new URL('common/schema.graphql', import.meta.url), 'utf8'),
  resolvers,
  loaders,
  jit: 1,
  context: async (request): Promise<Context> => ({ viewer: await queries.findViewer(request.headers.authorization) }),
  errorFormatter(result, context) {
    const { response, statusCode } = mercurius.defaultErrorFormatter(result, context)
    const errors = result.errors?.map((error) => {
      const { message, path, locations, originalError } = error
      const code = originalError instanceof ApiError ? originalError.code : 'INTERNAL'
      return { message, path, locations, extensions: { code } }
    })
    return { statusCode, response: { ...response, errors } as typeof response }
  },
})
closeOnSignal(async () => {
  await app.close()
  await pool.end()
})
await app.listen({ host: settings.host, port: settings.port })
