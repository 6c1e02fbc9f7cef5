import { Prisma } from '../../generated/prisma/client.ts'
import { builder } from '../../schema/builder.ts'
import { findsNodes, Node } from '../../schema/node.ts'
import { LabelType } from '../labels/type.ts'
import { inVisibleProject } from '../projects/policy.ts'
import { UserType } from '../users/schema.ts'
import { description, links, priority, rank, title } from './input.ts'
import { taskKey } from './key-type.ts'
import { loadSubtaskProgress } from './loader.ts'
import { TaskStatusType } from './status-type.ts'
import './logged.ts'

findsNodes({
  name: 'Task',
  scope: 'tasks:read',
  visible: (viewer) => Prisma.sql`"deletedAt" IS NULL AND ${inVisibleProject(viewer, Prisma.sql`"projectId"`)}`,
})

const SubtaskProgress = builder.objectRef<{ total: number; completed: number }>('SubtaskProgress').implement({
  description: 'Counts of direct sub-tasks: all of them, and those COMPLETED.',
  fields: (t) => ({ total: t.exposeInt('total'), completed: t.exposeInt('completed') }),
})

export const TaskType = builder.prismaObject('Task', {
  interfaces: [Node],
  select: { id: true },
  description: 'A task in a project.',
  fields: (t) => ({
    id: t.exposeID('id'),
    key: t.exposeString('key', {
      description: 'Like WEB-42. Accepted wherever an id is. Changes when the task moves.',
      extensions: { rules: taskKey },
    }),
    projectId: t.exposeID('projectId'),
    project: t.relation('project', { access: { scope: 'projects:read' } }),
    number: t.exposeInt('number', { description: 'Counts from 1 in each project.' }),
    title: t.exposeString('title', { extensions: { rules: title } }),
    description: t.exposeString('description', {
      nullable: true,
      description: 'Markdown.',
      extensions: { rules: description },
    }),
    status: t.expose('status', { type: TaskStatusType }),
    priority: t.exposeInt('priority', { description: '1 (lowest) to 5 (highest).', extensions: { rules: priority } }),
    startAt: t.expose('startAt', { type: 'DateTime', nullable: true }),
    dueAt: t.expose('dueAt', { type: 'DateTime', nullable: true }),
    dueOn: t.expose('dueOn', {
      type: 'Date',
      nullable: true,
      description: 'The day it is due, for all-day work. Null if it has `dueAt`.',
    }),
    rank: t.exposeString('rank', {
      description: 'Its place in the order of the project: compare ranks byte by byte. `repositionTask` changes it.',
      extensions: { rules: rank },
    }),
    completedAt: t.expose('completedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Time its status became COMPLETED. Null for any other status.',
    }),
    parentId: t.exposeID('parentId', { nullable: true, description: 'Id of the parent task.' }),
    parent: t.relation('parent', {
      nullable: true,
      description: 'Parent task. May be in the trash: see its deletedAt.',
    }),
    subtaskProgress: t.field({
      type: SubtaskProgress,
      resolve: ({ id }, _args, ctx) => loadSubtaskProgress(ctx, id),
    }),
    assigneeIds: t.exposeIDList('assigneeIds', { extensions: { rules: links } }),
    assignees: t.field({
      type: [UserType],
      extensions: { rules: links },
      select: (_args, _ctx, nested) => ({
        assignees: { select: { user: nested(true) }, orderBy: { userId: 'asc' } },
      }),
      resolve: ({ assignees }) => assignees.map(({ user }) => user),
    }),
    labelIds: t.exposeIDList('labelIds', { extensions: { rules: links } }),
    labels: t.field({
      type: [LabelType],
      description: 'Sorted by name.',
      extensions: { rules: links },
      select: (_args, _ctx, nested) => ({
        labels: { select: { label: nested(true) }, orderBy: { label: { name: 'asc' } } },
      }),
      resolve: ({ labels }) => labels.map(({ label }) => label),
    }),
    creatorId: t.exposeID('creatorId', { nullable: true }),
    creator: t.relation('creator', { nullable: true }),
    deletedAt: t.expose('deletedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Time it was moved to the trash. Null for a live task.',
    }),
    version: t.exposeInt('version', { description: 'Increases by one with each change.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
  }),
})
