import { z } from 'zod'
import { builder } from '../../builder.ts'
import { encodeCursor } from '../../events/log.ts'
import { aPage, cursor } from '../../pagination.ts'
import { TaskFilter } from '../tasks/filter-schema.ts'
import type { FilterMatch } from '../tasks/matches.ts'
import { TaskType } from '../tasks/type.ts'
import { UserType } from '../users/schema.ts'
import { followEventsRules, followTasksRules, readEventsRules } from './input.ts'
import type { ToldEvent } from './scope.ts'
import * as events from './service.ts'

const Change = builder.objectRef<{ field: string; from: unknown; to: unknown }>('Change').implement({
  description: 'A field that changed. The fields of a new thing change from null.',
  fields: (t) => ({
    field: t.exposeString('field'),
    from: t.expose('from', { type: 'JSON', nullable: true }),
    to: t.expose('to', { type: 'JSON', nullable: true }),
  }),
})

const MATCHES: Record<FilterMatch, { description: string }> = {
  ENTERED: { description: 'It is in the filter, and was not before.' },
  STAYED: { description: 'It was in the filter and is.' },
  LEFT: {
    description: 'It was in the filter, and is no longer: it changed, was deleted, or went over to another project.',
  },
}

const FilterMatchType = builder.enumType('FilterMatch', {
  description: 'Where a change leaves a task with regard to a filter.',
  values: MATCHES,
})

const EventType = builder.objectRef<ToldEvent>('Event').implement({
  description: 'Something that happened, as the log has it.',
  fields: (t) => ({
    cursor: t.string({
      description: 'Its place in the log: hand it back as `after`.',
      extensions: { rules: cursor },
      resolve: ({ position }) => encodeCursor(position),
    }),
    type: t.exposeString('type', {
      description:
        'Like task.created, task.updated, task.deleted, member.removed. task.removed: it went over to another project.',
      extensions: {
        rules: z
          .string()
          .regex(/^[a-z]+\.[a-z]+$/)
          .meta({ examples: ['task.created'] }),
      },
    }),
    projectId: t.exposeID('projectId', { nullable: true }),
    subjectId: t.exposeID('subjectId', {
      description: 'What it happened to: a task, a project, or of a membership the user.',
    }),
    taskId: t.id({
      nullable: true,
      description: 'The task it happened to; null for an event of something else.',
      resolve: events.taskIdOf,
    }),
    version: t.exposeInt('version', { description: 'The version it made.' }),
    task: t.field({
      type: TaskType,
      nullable: true,
      restEmbed: true,
      description: 'The task as it is now; null once it is deleted, or in another project.',
      resolve: (event, _args, ctx) => events.taskOfEvent(ctx, event),
    }),
    changes: t.field({
      type: [Change],
      restEmbed: true,
      resolve: ({ changes }) => Object.entries(changes).map(([field, change]) => ({ field, ...change })),
    }),
    actor: t.field({
      type: UserType,
      nullable: true,
      restEmbed: true,
      description: 'Who did it; null where nobody did, or the account is gone.',
      resolve: ({ actorId }, _args, { loaders }) => (actorId === null ? null : loaders.user.load(actorId)),
    }),
    match: t.field({
      type: FilterMatchType,
      nullable: true,
      description: 'What the change was to the filter that was asked for; null where there was none.',
      resolve: ({ match }) => match ?? null,
    }),
    at: t.expose('at', { type: 'DateTime' }),
  }),
})

const EventConnection = builder.objectRef<events.EventPage>('EventConnection').implement({
  description: 'A page of the log, read forwards.',
  fields: (t) => ({
    nodes: t.field({ type: [EventType], extensions: { rules: aPage }, resolve: (page) => page.events }),
    pageInfo: t.field({
      type: builder.pageInfoRef(),
      description: '`endCursor` is where to read on, also from an empty page.',
      resolve: ({ events: [first], hasNextPage, endCursor }) => ({
        hasNextPage,
        hasPreviousPage: false,
        startCursor: first ? encodeCursor(first.position) : null,
        endCursor,
      }),
    }),
  }),
})

const PROJECT = 'Only of this project.'
const TYPES = 'Only of these types, like task.updated; a noun like task means all of its types.'
const FILTER =
  'Only of tasks in this filter before the event or after it, judged as they were at that time; `match` tells which.'
const FROM_NOW = 'A cursor: begin behind it. From now on when absent.'

builder.queryField('events', (t) =>
  t.field({
    type: EventConnection,
    description:
      'What happened in the projects you see, oldest first. Poll it, or follow events. An API key without projects:read is told of tasks only. With a filter a page may have fewer events than asked for, or none, and more behind it: `hasNextPage` tells.',
    authScopes: { scope: 'tasks:read' },
    extensions: { errors: ['NOT_FOUND', 'CURSOR_EXPIRED'] },
    rest: { method: 'GET', path: '/events' },
    validate: readEventsRules,
    args: {
      types: t.arg.stringList({ description: TYPES }),
      projectId: t.arg.id({ description: PROJECT }),
      filter: t.arg({ type: TaskFilter, description: FILTER }),
      after: t.arg.string({ description: 'A cursor: what came behind it. From the oldest when absent.' }),
      first: t.arg.int({ description: '1 to 100; 20 unless told.' }),
    },
    resolve: (_root, args, ctx) => events.readEvents(ctx, args),
  }),
)

builder.queryField('eventCursor', (t) =>
  t.string({
    description: 'The cursor of now. Take it, read what you need, then follow from it: nothing is missed.',
    authScopes: { scope: 'tasks:read' },
    rest: { method: 'GET', path: '/events/cursor', key: 'cursor' },
    resolve: (_root, _args, ctx) => events.newestCursor(ctx),
  }),
)

builder.subscriptionField('events', (t) =>
  t.field({
    type: EventType,
    description:
      'What happens in the projects you see, live. With `after`, everything since, then live: nothing lost, nothing twice. An API key without projects:read is told of tasks only.',
    authScopes: { scope: 'tasks:read' },
    extensions: { errors: ['NOT_FOUND', 'CURSOR_EXPIRED', 'RATE_LIMITED'] },
    rest: { stream: true, path: '/events/stream', id: 'cursor', event: 'type' },
    resume: 'after',
    validate: followEventsRules,
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
    description: 'What happens to tasks, live. With `after`, everything since, then live: nothing lost, nothing twice.',
    authScopes: { scope: 'tasks:read' },
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
