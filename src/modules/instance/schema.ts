import { builder } from '../../schema/builder.ts'
import { CONFIRM_CLEAR, clearTasksRules } from './input.ts'
import * as instance from './service.ts'

const TaskCounts = builder.objectRef<instance.TaskCounts>('TaskCounts').implement({
  description: 'Counts of tasks. Those in the trash count as deleted, whatever their status.',
  fields: (t) => ({
    total: t.exposeFloat('total', { description: 'All tasks, with those in the trash.' }),
    pending: t.exposeFloat('pending'),
    inProgress: t.exposeFloat('inProgress'),
    completed: t.exposeFloat('completed'),
    cancelled: t.exposeFloat('cancelled'),
    deleted: t.exposeFloat('deleted', { description: 'Tasks in the trash.' }),
  }),
})

const AdminStats = builder.objectRef<instance.InstanceStats>('AdminStats').implement({
  description: 'What the instance holds.',
  fields: (t) => ({
    users: t.exposeFloat('users', { description: 'Accounts, with disabled ones.' }),
    projects: t.exposeFloat('projects', { description: 'Projects, with Inboxes and archived ones.' }),
    tasks: t.field({
      type: TaskCounts,
      restEmbed: true,
      description: 'Tasks by status.',
      resolve: ({ tasks }) => tasks,
    }),
    events: t.exposeFloat('events', { description: 'Entries of the event log. See EVENT_RETENTION_DAYS.' }),
    databaseBytes: t.exposeFloat('databaseBytes', { description: 'Size of the database.' }),
    uptimeSeconds: t.exposeFloat('uptimeSeconds', {
      description: 'Whole seconds since the server that answers was started.',
    }),
  }),
})

const ClearedTasks = builder.objectRef<{ count: number; hasMore: boolean }>('ClearedTasks').implement({
  description: 'Result of deleting all tasks.',
  fields: (t) => ({
    count: t.exposeInt('count', { description: 'Number of tasks that this request deleted.' }),
    hasMore: t.exposeBoolean('hasMore', { description: 'True if tasks are left: send the request again.' }),
  }),
})

builder.queryField('adminStats', (t) =>
  t.field({
    type: AdminStats,
    description: 'Count users, projects, tasks and events, and measure the database. Needs an ADMIN.',
    access: { admin: true },
    rest: { method: 'GET', path: '/admin/stats' },
    resolve: (_root, _args, ctx) => instance.getStats(ctx),
  }),
)

builder.mutationField('clearTasks', (t) =>
  t.field({
    type: ClearedTasks,
    description:
      'Delete all tasks for good, or all of a project, with those in the trash. Each is logged as task.deleted, or as task.purged if it was in the trash. One request deletes at most 10,000 tasks and runs for at most 10 seconds; `hasMore` says whether to repeat it. Needs an ADMIN.',
    access: { admin: true },
    extensions: { errors: ['NOT_FOUND'] },
    rest: { method: 'DELETE', path: '/admin/tasks', status: 200, body: ['projectId', 'confirm'] },
    validate: clearTasksRules,
    args: {
      projectId: t.arg.id({ description: 'Only the tasks of this project. By default those of all projects.' }),
      confirm: t.arg.string({
        required: true,
        description: `Must be exactly ${JSON.stringify(CONFIRM_CLEAR)}.`,
      }),
    },
    resolve: (_root, args, ctx) => instance.clearTasks(ctx, args),
  }),
)
