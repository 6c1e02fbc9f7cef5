import { z } from 'zod'
import { builder } from '../../schema/builder.ts'
import { cursor, pageItems } from '../../schema/lists.ts'
import { PageInfoType } from '../../schema/page-info.ts'
import type { FilterMatch } from '../tasks/filter/matcher.ts'
import { TaskFilter } from '../tasks/filter/schema.ts'
import { TaskType } from '../tasks/type.ts'
import { loadUser } from '../users/loader.ts'
import { UserType } from '../users/schema.ts'
import { followEventsRules, followTasksRules, readEventsRules } from './input.ts'
import type { DeliveredEvent } from './scope.ts'
import * as events from './service.ts'

/** More than the columns of any noun that are logged. */
const changes = z.array(z.unknown()).max(20)

const Change = builder.objectRef<{ field: string; from: unknown; to: unknown }>('Change').implement({
  description: 'One changed field. When something is created, its fields change from null.',
  fields: (t) => ({
    field: t.exposeString('field'),
    from: t.expose('from', { type: 'JSON', nullable: true }),
    to: t.expose('to', { type: 'JSON', nullable: true }),
  }),
})

const MATCHES: Record<FilterMatch, { description: string }> = {
  ENTERED: { description: 'The task matches the filter now and did not before.' },
  STAYED: { description: 'The task matched the filter before and still does.' },
  LEFT: {
    description:
      'The task matched the filter before and no longer does: it changed, was deleted, or moved to another project.',
  },
}

const FilterMatchType = builder.enumType('FilterMatch', {
  description: 'How a change affects whether a task matches a filter.',
  values: MATCHES,
})

const EventType = builder.objectRef<DeliveredEvent>('Event').implement({
  description: 'An entry in the event log.',
  fields: (t) => ({
    cursor: t.string({
      description: 'The position of this event in the log. Pass it as `after` to continue from here.',
      extensions: { rules: cursor },
      resolve: ({ position }, _args, ctx) => ctx.services.tail.cursor(position),
    }),
    type: t.exposeString('type', {
      description:
        'For example task.created, task.updated, task.deleted or member.removed. task.removed means that the task moved to another project, task.purged that it was deleted from the trash for good.',
      extensions: {
        rules: z
          .string()
          .regex(/^[a-zA-Z]+\.[a-z]+$/)
          .meta({ examples: ['task.created'] }),
      },
    }),
    projectId: t.exposeID('projectId', { nullable: true }),
    subjectId: t.exposeID('subjectId', {
      description: 'The id of what changed: a task, a project, a label or a relation. For a membership, the user’s id.',
    }),
    taskId: t.id({
      nullable: true,
      description: 'The id of the task that changed. Null if something else changed.',
      resolve: events.taskIdOf,
    }),
    version: t.exposeInt('version', { description: 'The version after the change.' }),
    task: t.field({
      type: TaskType,
      nullable: true,
      restEmbed: true,
      description: 'The task in its current state. Null if it has been deleted or is in another project now.',
      resolve: (event, _args, ctx, info) => events.taskOfEvent(ctx, event, info),
    }),
    changes: t.field({
      type: [Change],
      restEmbed: true,
      extensions: { rules: changes },
      resolve: ({ changes }) => Object.entries(changes).map(([field, change]) => ({ field, ...change })),
    }),
    actor: t.field({
      type: UserType,
      nullable: true,
      restEmbed: true,
      description: 'The user who made the change. Null if the server made it or the account no longer exists.',
      resolve: ({ actorId }, _args, ctx, info) => (actorId === null ? null : loadUser(ctx, actorId, info)),
    }),
    match: t.field({
      type: FilterMatchType,
      nullable: true,
      description: 'How the change affects the given `filter`. Null without a filter.',
      resolve: ({ match }) => match ?? null,
    }),
    at: t.expose('at', { type: 'DateTime' }),
  }),
})

const EventConnection = builder.objectRef<events.EventPage>('EventConnection').implement({
  description: 'A page of the event log, oldest event first.',
  fields: (t) => ({
    nodes: t.field({
      type: [EventType],
      extensions: { rules: pageItems, counted: true },
      resolve: (page) => page.events,
    }),
    pageInfo: t.field({
      type: PageInfoType,
      description: 'Pass `endCursor` as `after` to read on, even after an empty page.',
      resolve: ({ events: [first], hasNextPage, endCursor }, _args, { services }) => ({
        hasNextPage,
        hasPreviousPage: false,
        startCursor: first ? services.tail.cursor(first.position) : null,
        endCursor,
      }),
    }),
  }),
})

const PROJECT = 'Only events in this project.'
const TYPES = 'Only events of these types, like task.updated. A noun like task selects all its types.'
const FILTER =
  'Only events of tasks that matched this filter right before or right after the change. `match` says which.'
const FROM_NOW = 'Start after this cursor. By default the stream starts now.'

builder.queryField('events', (t) =>
  t.field({
    type: EventConnection,
    description:
      'Events in the projects you see, oldest first. Poll this list, or subscribe to `events`. An API key without projects:read gets only events of tasks, comments and attachments. With a filter, a page can have fewer events than requested, or none; check `hasNextPage`.',
    access: { scope: 'tasks:read' },
    extensions: { errors: ['NOT_FOUND', 'CURSOR_EXPIRED'] },
    rest: { method: 'GET', path: '/events' },
    validate: readEventsRules(),
    args: {
      types: t.arg.stringList({ description: TYPES }),
      projectId: t.arg.id({ description: PROJECT }),
      filter: t.arg({ type: TaskFilter, description: FILTER }),
      after: t.arg.string({ description: 'Start after this cursor. By default the list starts at the oldest event.' }),
      first: t.arg.int({ description: 'Number of events, 1 to 100. The default is 20.' }),
    },
    resolve: (_root, args, ctx) => events.readEvents(ctx, args),
  }),
)

builder.queryField('eventCursor', (t) =>
  t.string({
    description:
      'The cursor of the newest event. Get it, read your data, then subscribe after it, and you miss nothing.',
    access: { scope: 'tasks:read' },
    rest: { method: 'GET', path: '/events/cursor', key: 'cursor' },
    resolve: (_root, _args, ctx) => events.newestCursor(ctx),
  }),
)

builder.subscriptionField('events', (t) =>
  t.field({
    type: EventType,
    description:
      'Events in the projects you see, live. With `after`, the stream first replays everything since that cursor: nothing is lost or repeated. An API key without projects:read gets only events of tasks, comments and attachments.',
    access: { scope: 'tasks:read' },
    extensions: { errors: ['NOT_FOUND', 'CURSOR_EXPIRED', 'RATE_LIMITED'] },
    rest: { stream: true, path: '/events/stream', id: 'cursor', event: 'type' },
    resume: 'after',
    validate: followEventsRules(),
    args: {
      types: t.arg.stringList({ description: TYPES }),
      projectId: t.arg.id({ description: PROJECT }),
      filter: t.arg({ type: TaskFilter, description: FILTER }),
      after: t.arg.string({ description: FROM_NOW }),
    },
    subscribe: (_root, args, ctx) => events.followEvents(ctx, args),
    resolve: (event) => event,
  }),
)

builder.subscriptionField('taskEvents', (t) =>
  t.field({
    type: EventType,
    description:
      'Events of tasks, live. With `after`, the stream first replays everything since that cursor: nothing is lost or repeated.',
    access: { scope: 'tasks:read' },
    extensions: { errors: ['NOT_FOUND', 'CURSOR_EXPIRED', 'RATE_LIMITED'] },
    rest: { stream: true, path: '/tasks/events', id: 'cursor', event: 'type' },
    resume: 'after',
    validate: followTasksRules,
    args: {
      projectId: t.arg.id({ description: PROJECT }),
      filter: t.arg({ type: TaskFilter, description: FILTER }),
      after: t.arg.string({ description: FROM_NOW }),
    },
    subscribe: (_root, args, ctx) => events.followTasks(ctx, args),
    resolve: (event) => event,
  }),
)
