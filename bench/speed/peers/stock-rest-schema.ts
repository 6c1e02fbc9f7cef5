/**
 * The schema that SOFA serves as REST. Its fields are flat, because SOFA turns each argument into a
 * parameter.
 */
import { TaskStatus } from '../../../src/generated/prisma/enums.ts'
import { checkTask } from './common/input.ts'
import * as tasks from './common/prisma-tasks.ts'
import { requireViewer } from './common/viewer.ts'
import { createBuilder } from './stock-builder.ts'

const builder = createBuilder()

const Status = builder.enumType(TaskStatus, { name: 'TaskStatus' })
const ORDER_FIELDS: Record<string, string> = { createdAt: 'CREATED_AT', priority: 'PRIORITY', dueAt: 'DUE_AT' }

const TaskType = builder.prismaObject('Task', {
  fields: (t) => ({
    id: t.exposeID('id'),
    key: t.exposeString('key'),
    projectId: t.exposeID('projectId'),
    number: t.exposeInt('number'),
    title: t.exposeString('title'),
    description: t.exposeString('description', { nullable: true }),
    status: t.expose('status', { type: Status }),
    priority: t.exposeInt('priority'),
    dueAt: t.expose('dueAt', { type: 'DateTime', nullable: true }),
    completedAt: t.expose('completedAt', { type: 'DateTime', nullable: true }),
    parentId: t.exposeID('parentId', { nullable: true }),
    assigneeIds: t.exposeIDList('assigneeIds'),
    labelIds: t.exposeIDList('labelIds'),
    creatorId: t.exposeID('creatorId', { nullable: true }),
    deletedAt: t.expose('deletedAt', { type: 'DateTime', nullable: true }),
    version: t.exposeInt('version'),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
  }),
})

type Page = Awaited<ReturnType<typeof tasks.listTasks>>

const PageInfo = builder.objectRef<Page['pageInfo']>('PageInfo').implement({
  fields: (t) => ({
    hasNextPage: t.exposeBoolean('hasNextPage'),
    hasPreviousPage: t.exposeBoolean('hasPreviousPage'),
    startCursor: t.exposeString('startCursor', { nullable: true }),
    endCursor: t.exposeString('endCursor', { nullable: true }),
  }),
})

const TaskList = builder.objectRef<Page>('TaskList').implement({
  fields: (t) => ({
    nodes: t.expose('nodes', { type: [TaskType] }),
    pageInfo: t.expose('pageInfo', { type: PageInfo }),
  }),
})

builder.queryType({
  fields: (t) => ({
    task: t.prismaField({
      type: 'Task',
      args: { id: t.arg.id({ required: true }) },
      resolve: (query, _root, { id }, { viewer }) => tasks.findTask(requireViewer(viewer), id, query),
    }),
    tasks: t.field({
      type: TaskList,
      args: {
        projectId: t.arg.id(),
        status: t.arg({ type: [Status] }),
        search: t.arg.string(),
        orderBy: t.arg.string(),
        limit: t.arg.int(),
        after: t.arg.string(),
      },
      resolve(_root, { orderBy, limit, after, ...filter }, { viewer }) {
        const [field = '', direction] = (orderBy ?? 'createdAt:asc').split(':')
        const order = { field: ORDER_FIELDS[field] ?? field, direction: direction === 'desc' ? 'DESC' : 'ASC' } as const
        return tasks.listTasks(requireViewer(viewer), { filter, orderBy: [order], first: limit, after })
      },
    }),
  }),
})

builder.mutationType({
  fields: (t) => ({
    createTask: t.prismaField({
      type: 'Task',
      args: {
        projectId: t.arg.id({ required: true }),
        title: t.arg.string({ required: true }),
        description: t.arg.string(),
        status: t.arg({ type: Status }),
        priority: t.arg.int(),
        dueAt: t.arg({ type: 'DateTime' }),
        parentId: t.arg.id(),
        assigneeIds: t.arg.idList(),
        labelIds: t.arg.idList(),
      },
      resolve(query, _root, input, { viewer }) {
        checkTask(input)
        return tasks.createTask(requireViewer(viewer), input, query)
      },
    }),
  }),
})

export const restSchema = builder.toSchema()
