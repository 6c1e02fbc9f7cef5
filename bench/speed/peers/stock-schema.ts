import { queryFromInfo } from '@pothos/plugin-prisma'
import { TaskStatus } from '../../../src/generated/prisma/enums.ts'
import { checkTask } from './common/input.ts'
import * as tasks from './common/prisma-tasks.ts'
import { requireViewer } from './common/viewer.ts'
import { createBuilder } from './stock-builder.ts'

const builder = createBuilder()

const Status = builder.enumType(TaskStatus, { name: 'TaskStatus' })
const OrderField = builder.enumType('TaskOrderField', { values: ['CREATED_AT', 'PRIORITY', 'DUE_AT'] as const })
const Direction = builder.enumType('OrderDirection', { values: ['ASC', 'DESC'] as const })

builder.prismaObject('Project', {
  fields: (t) => ({ id: t.exposeID('id'), key: t.exposeString('key'), name: t.exposeString('name') }),
})

const UserType = builder.prismaObject('User', {
  fields: (t) => ({ id: t.exposeID('id'), name: t.exposeString('name') }),
})

const LabelType = builder.prismaObject('Label', {
  fields: (t) => ({ id: t.exposeID('id'), name: t.exposeString('name'), color: t.exposeString('color') }),
})

const TaskType = builder.prismaObject('Task', {
  fields: (t) => ({
    id: t.exposeID('id'),
    key: t.exposeString('key'),
    number: t.exposeInt('number'),
    title: t.exposeString('title'),
    description: t.exposeString('description', { nullable: true }),
    status: t.expose('status', { type: Status }),
    priority: t.exposeInt('priority'),
    dueAt: t.expose('dueAt', { type: 'DateTime', nullable: true }),
    completedAt: t.expose('completedAt', { type: 'DateTime', nullable: true }),
    projectId: t.exposeID('projectId'),
    project: t.relation('project'),
    parentId: t.exposeID('parentId', { nullable: true }),
    assigneeIds: t.exposeIDList('assigneeIds'),
    assignees: t.field({
      type: [UserType],
      select: (_args, _context, nested) => ({
        assignees: { select: { user: nested(true) }, orderBy: { userId: 'asc' } },
      }),
      resolve: ({ assignees }) => assignees.map(({ user }) => user),
    }),
    labelIds: t.exposeIDList('labelIds'),
    labels: t.field({
      type: [LabelType],
      select: (_args, _context, nested) => ({
        labels: { select: { label: nested(true) }, orderBy: { label: { name: 'asc' } } },
      }),
      resolve: ({ labels }) => labels.map(({ label }) => label),
    }),
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

const TaskConnection = builder.objectRef<Page>('TaskConnection').implement({
  fields: (t) => ({
    nodes: t.expose('nodes', { type: [TaskType] }),
    pageInfo: t.expose('pageInfo', { type: PageInfo }),
  }),
})

const TaskFilter = builder.inputType('TaskFilter', {
  fields: (t) => ({ projectId: t.id(), status: t.field({ type: [Status] }), search: t.string() }),
})

const TaskOrder = builder.inputType('TaskOrder', {
  fields: (t) => ({
    field: t.field({ type: OrderField, required: true }),
    direction: t.field({ type: Direction, required: true, defaultValue: 'ASC' }),
  }),
})

const CreateTaskInput = builder.inputType('CreateTaskInput', {
  fields: (t) => ({
    projectId: t.id({ required: true }),
    title: t.string({ required: true }),
    description: t.string(),
    status: t.field({ type: Status }),
    priority: t.int(),
    dueAt: t.field({ type: 'DateTime' }),
    parentId: t.id(),
    assigneeIds: t.idList(),
    labelIds: t.idList(),
  }),
})

const UpdateTaskInput = builder.inputType('UpdateTaskInput', {
  fields: (t) => ({
    title: t.string(),
    description: t.string(),
    status: t.field({ type: Status }),
    priority: t.int(),
    dueAt: t.field({ type: 'DateTime' }),
  }),
})

builder.queryType({
  fields: (t) => ({
    task: t.prismaField({
      type: 'Task',
      nullable: true,
      args: { id: t.arg.id({ required: true }) },
      resolve: (query, _root, { id }, { viewer }) => tasks.findTask(requireViewer(viewer), id, query),
    }),
    tasks: t.field({
      type: TaskConnection,
      args: {
        filter: t.arg({ type: TaskFilter }),
        orderBy: t.arg({ type: [TaskOrder] }),
        first: t.arg.int(),
        after: t.arg.string(),
      },
      resolve: (_root, args, context, info) =>
        tasks.listTasks(requireViewer(context.viewer), args, queryFromInfo({ context, info, path: ['nodes'] })),
    }),
  }),
})

builder.mutationType({
  fields: (t) => ({
    createTask: t.prismaField({
      type: 'Task',
      args: { input: t.arg({ type: CreateTaskInput, required: true }) },
      resolve(query, _root, { input }, { viewer }) {
        checkTask(input)
        return tasks.createTask(requireViewer(viewer), input, query)
      },
    }),
    updateTask: t.prismaField({
      type: 'Task',
      args: { id: t.arg.id({ required: true }), input: t.arg({ type: UpdateTaskInput, required: true }) },
      resolve(query, _root, { id, input }, { viewer }) {
        checkTask(input)
        const { title, ...rest } = input
        return tasks.updateTask(requireViewer(viewer), id, { ...rest, title: title ?? undefined }, query)
      },
    }),
  }),
})

export const schema = builder.toSchema()
