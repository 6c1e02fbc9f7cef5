/** Apollo Server on Fastify, with Prisma and DataLoader. */
import { readFileSync } from 'node:fs'
import { ApolloServer } from '@apollo/server'
import { unwrapResolverError } from '@apollo/server/errors'
import fastifyApollo, { fastifyApolloDrainPlugin } from '@as-integrations/fastify'
import DataLoader from 'dataloader'
import Fastify from 'fastify'
import { GraphQLScalarType } from 'graphql'
import { ApiError } from './common/errors.ts'
import { checkTask, type ListArguments } from './common/input.ts'
import * as tasks from './common/prisma-tasks.ts'
import { closeOnSignal, settings } from './common/settings.ts'
import { requireViewer, type Viewer } from './common/viewer.ts'

const { prisma } = tasks

interface Context {
  viewer: Viewer | null
  loaders: ReturnType<typeof createLoaders>
}

interface Task {
  id: string
  projectId: string
}

function createLoaders() {
  return {
    project: new DataLoader(async (ids: readonly string[]) => {
      const rows = await prisma.project.findMany({ where: { id: { in: [...ids] } } })
      const byId = new Map(rows.map((row) => [row.id, row]))
      return ids.map((id) => byId.get(id) ?? null)
    }),
    assignees: new DataLoader(async (taskIds: readonly string[]) => {
      const where = { taskId: { in: [...taskIds] } }
      const rows = await prisma.taskAssignee.findMany({ where, include: { user: true }, orderBy: { userId: 'asc' } })
      const byTask = Map.groupBy(rows, ({ taskId }) => taskId)
      return taskIds.map((id) => byTask.get(id)?.map(({ user }) => user) ?? [])
    }),
    labels: new DataLoader(async (taskIds: readonly string[]) => {
      const where = { taskId: { in: [...taskIds] } }
      const rows = await prisma.taskLabel.findMany({
        where,
        include: { label: true },
        orderBy: { label: { name: 'asc' } },
      })
      const byTask = Map.groupBy(rows, ({ taskId }) => taskId)
      return taskIds.map((id) => byTask.get(id)?.map(({ label }) => label) ?? [])
    }),
  }
}

const resolvers = {
  DateTime: new GraphQLScalarType<Date, string>({
    name: 'DateTime',
    serialize: (value) => (value as Date).toISOString(),
    parseValue: (value) => new Date(String(value)),
  }),
  Query: {
    task: (_root: unknown, { id }: { id: string }, { viewer }: Context) => tasks.findTask(requireViewer(viewer), id),
    tasks: (_root: unknown, args: ListArguments, { viewer }: Context) => tasks.listTasks(requireViewer(viewer), args),
  },
  Mutation: {
    createTask(_root: unknown, { input }: { input: tasks.NewTask }, { viewer }: Context) {
      checkTask(input)
      return tasks.createTask(requireViewer(viewer), input)
    },
    updateTask(_root: unknown, { id, input }: { id: string; input: tasks.TaskChange }, { viewer }: Context) {
      checkTask(input)
      return tasks.updateTask(requireViewer(viewer), id, input)
    },
  },
  Task: {
    project: (task: Task, _args: unknown, { loaders }: Context) => loaders.project.load(task.projectId),
    assignees: (task: Task, _args: unknown, { loaders }: Context) => loaders.assignees.load(task.id),
    labels: (task: Task, _args: unknown, { loaders }: Context) => loaders.labels.load(task.id),
  },
}

const app = Fastify()
const apollo = new ApolloServer<Context>({
  typeDefs: readFileSync(new URL('common/schema.graphql', import.meta.url), 'utf8'),
  resolvers,
  plugins: [fastifyApolloDrainPlugin(app)],
  formatError(formatted, error) {
    const original = unwrapResolverError(error)
    return original instanceof ApiError ? { ...formatted, extensions: { code: original.code } } : formatted
  },
})
await apollo.start()
await app.register(fastifyApollo(apollo), {
  context: async (request): Promise<Context> => ({
    viewer: await tasks.findViewer(request.headers.authorization),
    loaders: createLoaders(),
  }),
})
closeOnSignal(async () => {
  await app.close()
  await prisma.$disconnect()
})
await app.listen({ host: settings.host, port: settings.port })
