import { builder } from '../../builder.ts'
import { TaskStatus } from '../../generated/prisma/enums.ts'
import { type Connection, connectionType } from '../../pagination.ts'
import { LabelType } from '../labels/type.ts'
import { UserType } from '../users/schema.ts'
import { description, links, priority, title } from './input.ts'
import { taskKey } from './keys.ts'
import { MOST_RANKED } from './search.ts'

export const TaskStatusType = builder.enumType(TaskStatus, { name: 'TaskStatus', description: 'How far a task is.' })

const SubtaskProgress = builder.objectRef<{ total: number; completed: number }>('SubtaskProgress').implement({
  description: 'How many sub-tasks a task has, directly below it, and how many of them are COMPLETED.',
  fields: (t) => ({ total: t.exposeInt('total'), completed: t.exposeInt('completed') }),
})

export const TaskType = builder.prismaObject('Task', {
  description: 'Something to be done in a project.',
  fields: (t) => ({
    id: t.exposeID('id'),
    key: t.exposeString('key', {
      description: 'Like WEB-42; accepted wherever the id is. Another one after a move.',
      extensions: { rules: taskKey },
    }),
    projectId: t.exposeID('projectId'),
    project: t.relation('project', { authScopes: { scope: 'projects:read' } }),
    number: t.exposeInt('number', { description: 'Counts from 1 in each project.' }),
    title: t.exposeString('title', { extensions: { rules: title } }),
    description: t.exposeString('description', {
      nullable: true,
      description: 'Markdown.',
      extensions: { rules: description },
    }),
    status: t.expose('status', { type: TaskStatusType }),
    priority: t.exposeInt('priority', { description: '1 lowest to 5 highest.', extensions: { rules: priority } }),
    dueAt: t.expose('dueAt', { type: 'DateTime', nullable: true }),
    completedAt: t.expose('completedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When its status became COMPLETED; null in any other.',
    }),
    parentId: t.exposeID('parentId', { nullable: true, description: 'The task it is a sub-task of.' }),
    parent: t.relation('parent', { nullable: true, description: 'Also one that is in the trash: see its deletedAt.' }),
    subtaskProgress: t.field({
      type: SubtaskProgress,
      resolve: ({ id }, _args, { loaders }) => loaders.subtaskProgress.load(id),
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
      description: 'By name.',
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
      description: 'When it went to the trash, from which it can be restored for a while.',
    }),
    version: t.exposeInt('version', { description: 'Rises by one with each change.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
  }),
})

export const TaskConnection = connectionType(TaskType)

builder.objectField(TaskConnection, 'searchTruncated', (t) =>
  t.boolean({
    nullable: true,
    restEmbed: true,
    description: `Of a search in order of relevance: whether it found more than ${MOST_RANKED.toLocaleString('en')}, of which the newest are ranked and listed.`,
    resolve: (page: Connection<unknown>) => page.remark,
  }),
)
