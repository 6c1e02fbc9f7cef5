import { z } from 'zod'
import { builder } from '../../schema/builder.ts'
import { connectionType, cursor, pageArguments } from '../../schema/lists.ts'
import { ProjectType } from '../projects/schema.ts'
import { TASK_ID_ARGUMENT } from '../tasks/key-type.ts'
import { TaskType } from '../tasks/type.ts'
import { loadUser } from '../users/loader.ts'
import { UserType } from '../users/schema.ts'
import { listActivityRules, pageOfActivityRules } from './input.ts'
import { type Entry, loadActivity } from './loader.ts'
import { describeEntry } from './sentence.ts'
import { listProjectActivity, listTaskActivity } from './service.ts'
import { nameOf, type ReadableChange } from './values.ts'

/** More than the columns of any noun that are logged. */
const changes = z.array(z.unknown()).max(20)

const ActivityChange = builder.objectRef<ReadableChange>('ActivityChange').implement({
  description: 'A changed field of an activity. When something is created, its fields change from null.',
  fields: (t) => ({
    field: t.exposeString('field', { description: 'Like status, dueAt, assignees or parent.' }),
    from: t.expose('from', {
      type: 'JSON',
      nullable: true,
      description:
        'For people: names of users, labels and projects and keys of tasks in place of ids, and at most 200 characters of a text. Leaves out what you cannot see.',
    }),
    to: t.expose('to', { type: 'JSON', nullable: true }),
  }),
})

const Activity = builder.objectRef<Entry>('Activity').implement({
  description: 'An event, described for people.',
  fields: (t) => ({
    cursor: t.string({
      description: 'The position of the event in the log, as `events(after:)` takes it.',
      extensions: { rules: cursor },
      resolve: ({ position }, _args, ctx) => ctx.services.tail.cursor(position),
    }),
    type: t.exposeString('type', {
      description: 'Type of the event, for example task.updated, comment.created or member.removed.',
      extensions: {
        rules: z
          .string()
          .regex(/^[a-zA-Z]+\.[a-z]+$/)
          .meta({ examples: ['task.updated'] }),
      },
    }),
    text: t.string({
      description: 'A sentence in English, like “Ana changed the status from PENDING to COMPLETED.”',
      resolve: async (entry, _args, ctx) => (await describeEntry(ctx, entry)).text,
    }),
    projectId: t.exposeID('projectId'),
    subjectId: t.exposeID('subjectId', {
      description: 'Id of what changed. For a membership, the id of the user.',
    }),
    taskId: t.exposeID('taskId', {
      nullable: true,
      description: 'Id of the task that changed, was commented on, and so on. Null for anything else.',
    }),
    changes: t.field({
      type: [ActivityChange],
      restEmbed: true,
      extensions: { rules: changes },
      resolve: async (entry, _args, ctx) => (await describeEntry(ctx, entry)).changes,
    }),
    actorId: t.exposeID('actorId', { nullable: true, description: 'Null if the server made the change.' }),
    actorName: t.string({
      nullable: true,
      description: 'Name of who made the change. “Deleted user” if the account was deleted.',
      resolve: ({ actorId }, _args, ctx) => (actorId === null ? null : nameOf(ctx, 'user', actorId)),
    }),
    actor: t.field({
      type: UserType,
      nullable: true,
      description: 'Who made the change. Null if the server made it or the account no longer exists.',
      resolve: ({ actorId }, _args, ctx, info) => (actorId === null ? null : loadUser(ctx, actorId, info)),
    }),
    at: t.expose('at', { type: 'DateTime' }),
  }),
})

const ActivityConnection = connectionType(Activity)

const SHOWN = 'As far back as the event log: see EVENT_RETENTION_DAYS.'

// REST has it at a path of its own: in a list, it would be most of the answer.

builder.objectField(TaskType, 'activity', (t) =>
  t.field({
    type: ActivityConnection,
    restEmbed: false,
    description: `What happened to the task, newest first. ${SHOWN}`,
    validate: pageOfActivityRules,
    args: pageArguments,
    resolve: ({ id }, args, ctx) => loadActivity(ctx, { of: 'task', id, args }),
  }),
)

builder.objectField(ProjectType, 'activity', (t) =>
  t.field({
    type: ActivityConnection,
    restEmbed: false,
    description: `What happened in the project, newest first. ${SHOWN}`,
    access: { scope: 'tasks:read' },
    validate: pageOfActivityRules,
    args: pageArguments,
    resolve: ({ id }, args, ctx) => loadActivity(ctx, { of: 'project', id, args }),
  }),
)

const ACCESS = `An API key without projects:read gets only events of tasks and comments. ${SHOWN}`

builder.queryField('taskActivity', (t) =>
  t.field({
    type: ActivityConnection,
    description: `What happened to a task, its comments and relations, newest first. Needs VIEWER on the task’s project. ${ACCESS}`,
    access: { scope: 'tasks:read' },
    extensions: { errors: ['NOT_FOUND'] },
    rest: { method: 'GET', path: '/tasks/{id}/activity' },
    validate: listActivityRules,
    args: { id: t.arg.id(TASK_ID_ARGUMENT), ...pageArguments },
    resolve: (_root, args, ctx) => listTaskActivity(ctx, args),
  }),
)

builder.queryField('projectActivity', (t) =>
  t.field({
    type: ActivityConnection,
    description: `What happened in a project, newest first. Needs VIEWER on the project. ${ACCESS}`,
    access: { scope: 'tasks:read' },
    extensions: { errors: ['NOT_FOUND'] },
    rest: { method: 'GET', path: '/projects/{id}/activity' },
    validate: listActivityRules,
    args: { id: t.arg.id({ required: true }), ...pageArguments },
    resolve: (_root, args, ctx) => listProjectActivity(ctx, args),
  }),
)
