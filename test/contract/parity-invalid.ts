import { type Invalid, invalid, LIST, listOf, missing, stale } from '../access/invalid.ts'
import { nouns } from '../access/nouns.ts'
import type { World } from '../access/world.ts'

const inProject = ({ projectId }: World) => ({ projectId })
const theTask = ({ task }: World) => ({ id: task.id })
const theLabel = ({ labelId }: World) => ({ id: labelId })
const theThird = ({ third }: World) => ({ id: third.id })
const thirdMember = ({ projectId, third }: World) => ({ projectId, userId: third.id })
const NO_ID = { id: 'no id' }
const LONG = 'x'.repeat(201)

const task = {
  shape: {
    title: 5,
    priority: 'high',
    dueAt: 'soon',
    dueOn: '2026-02-30',
    status: 'DONE',
    assigneeIds: [{}],
    colour: 'red',
  },
  rule: { title: ' ', description: 'x'.repeat(2_001), priority: 9, assigneeIds: ['nobody'], labelIds: ['none', 'any'] },
}
const TASK_SHAPE = 'title priority dueAt dueOn status assigneeIds.0 colour'
const TASK_RULE = 'title description priority assigneeIds.0 labelIds.0 labelIds.1'

const inItem = (index: number, names: string) =>
  names
    .split(' ')
    .map((name) => `items.${index}.${name}`)
    .join(' ')

/** Invalid input per operation, with several issues at once where there are several values. */
export const INVALID: Record<string, readonly Invalid[]> = {
  'Query.sessions': LIST,
  'Query.apiKeys': LIST,
  'Query.users': [
    ...LIST,
    invalid({ filter: { role: 'BOSS', disabled: 'maybe' }, first: 'many' }, 'role disabled limit'),
    invalid({ filter: { search: ' ' }, first: 0 }, 'search limit'),
  ],
  'Query.user': [missing(NO_ID)],
  'Query.projects': LIST,
  'Query.project': [missing(NO_ID)],
  'Query.members': [...listOf(inProject), missing({ projectId: 'no id' }, 'projectId')],
  'Query.labels': [...listOf(inProject), missing({ projectId: 'no id' }, 'projectId')],
  'Query.taskRelations': [missing({ taskId: 'no id' }, 'taskId')],
  'Query.task': [missing(NO_ID)],
  'Query.events': [
    invalid({ first: 0, projectId: 'no id' }, 'limit projectId'),
    invalid({ first: 'many', after: 'nonsense' }, 'limit'),
    invalid({ after: 'nonsense' }, 'after'),
  ],
  'Query.tasks': [
    ...LIST,
    ...listOf((world) => ({ filter: inProject(world) })),
    invalid(
      {
        filter: {
          status: ['DONE', 'PENDING'],
          priority: { gte: 'high' },
          dueAt: { lt: 'soon' },
          dueOn: { lt: 'soon' },
          overdue: 'maybe',
        },
      },
      'status priority.gte dueAt.lt dueOn.lt overdue',
    ),
    invalid(
      {
        filter: {
          priority: { in: [0, 7], lte: 6 },
          projectId: 'no id',
          assigneeId: ['me', 'you'],
          creatorId: ['none'],
          labelId: { any: ['no id'], all: ['no id'] },
          parentId: '?',
          key: ['web 1'],
          search: '!!',
        },
        first: 0,
      },
      'priority priority priority.lte projectId assigneeId creatorId labelId labelId.all parentId key search limit',
    ),
    invalid(
      { filter: { and: [{ status: ['DONE'] }, { colour: 'red' }], not: { priority: { gte: 'high' } } } },
      'and.status and.colour not.priority.gte',
    ),
    invalid(
      { filter: { or: [], not: { priority: { gte: 9 }, deleted: true } }, first: 0 },
      'or not.priority.gte not.deleted limit',
    ),
    invalid({ orderBy: [{ field: 'RELEVANCE', direction: 'DESC' }], first: 0 }, 'orderBy limit'),
    invalid(
      {
        orderBy: [
          { field: 'TITLE', direction: 'ASC' },
          { field: 'TITLE', direction: 'DESC' },
        ],
      },
      'orderBy',
    ),
  ],

  'Mutation.registerUser': [
    invalid({ input: { email: 1, password: null, role: 'ADMIN' } }, 'email password name role'),
    invalid(
      { input: { email: 'nobody', password: 'short', name: ' ', timeZone: '+01:00' } },
      'email password name timeZone',
    ),
    invalid(
      ({ self }) => ({ input: { email: self.email, password: 'a good one'.repeat(20), name: 'A' } }),
      'email',
      'CONFLICT',
    ),
  ],
  'Mutation.signIn': [
    invalid({ input: { mail: 'a@example.org' } }, 'mail email password'),
    invalid({ input: { email: 'nobody', password: LONG } }, 'email password'),
    invalid(({ self }) => ({ input: { email: self.email, password: 'a wrong one' } }), '', 'UNAUTHENTICATED'),
  ],
  'Mutation.refreshSession': [
    invalid({ input: { token: 'a' } }, 'token refreshToken'),
    invalid({ input: { refreshToken: '' } }, 'refreshToken'),
    invalid({ input: { refreshToken: 'a wrong one' } }, '', 'UNAUTHENTICATED'),
  ],
  'Mutation.revokeSession': [missing(NO_ID)],
  'Mutation.updateMe': [
    invalid({ input: { name: 5, email: [], role: 'ADMIN' } }, 'name email role'),
    invalid({ input: { name: null, email: 'nobody', timeZone: 'Mars/Base' } }, 'name email timeZone currentPassword'),
    stale(() => ({ input: { name: 'A' } })),
  ],
  'Mutation.changePassword': [
    invalid({ input: { newPassword: 5 } }, 'currentPassword newPassword'),
    invalid({ input: { currentPassword: LONG, newPassword: 'short' } }, 'currentPassword newPassword'),
    invalid(
      { input: { currentPassword: 'a wrong one', newPassword: 'a good new one' } },
      'currentPassword',
      'FORBIDDEN',
    ),
  ],
  'Mutation.createApiKey': [
    invalid({ input: { scopes: 5, expiresAt: 'soon' } }, 'name scopes expiresAt'),
    invalid({ input: { name: '', scopes: ['all', 'tasks:read'], expiresAt: '2001-01-01' } }, 'name scopes.0 expiresAt'),
  ],
  'Mutation.revokeApiKey': [missing(NO_ID)],
  'Mutation.createUser': [
    invalid({ input: { email: {}, role: 'BOSS' } }, 'email name password role'),
    invalid({ input: { email: 'nobody', name: '', password: 'short' } }, 'email name password'),
    invalid(({ third }) => ({ input: { email: third.email, name: 'A', password: 'a good one' } }), 'email', 'CONFLICT'),
  ],
  'Mutation.updateUser': [
    missing({ ...NO_ID, input: { name: 'A' } }),
    invalid((world) => ({ ...theThird(world), input: { role: 'BOSS', disabled: 1 } }), 'role disabled'),
    invalid(
      (world) => ({ ...theThird(world), input: { name: '', password: 'short', role: null } }),
      'name password role',
    ),
    stale((world) => ({ ...theThird(world), input: { name: 'A' } })),
  ],
  'Mutation.deleteUser': [missing(NO_ID), stale(theThird)],
  'Mutation.updateProject': [
    missing({ id: 'no id', input: { name: 'A' } }),
    invalid(
      ({ projectId }) => ({ id: projectId, input: { name: 5, description: 5, key: 'NEW' } }),
      'name description key',
    ),
    invalid(({ projectId }) => ({ id: projectId, input: { name: null } }), 'name'),
    stale(({ projectId }) => ({ id: projectId, input: { name: 'A' } })),
  ],
  'Mutation.archiveProject': [
    missing({ id: 'no id' }),
    stale(({ projectId }) => ({ id: projectId })),
    invalid(({ self }) => ({ id: self.inboxId }), 'id', 'CONFLICT'),
  ],
  'Mutation.unarchiveProject': [missing({ id: 'no id' }), stale(({ projectId }) => ({ id: projectId }))],
  'Mutation.deleteProject': [
    missing({ id: 'no id' }),
    stale(({ projectId }) => ({ id: projectId })),
    invalid(({ self }) => ({ id: self.inboxId }), 'id', 'CONFLICT'),
  ],
  'Mutation.leaveProject': [
    missing({ id: 'no id' }),
    invalid(({ self }) => ({ id: self.inboxId }), 'id', 'CONFLICT'),
    invalid(({ projectId }) => ({ id: projectId }), 'id', 'CONFLICT'),
  ],
  'Mutation.createProject': [
    invalid({ input: { key: 5, description: [], colour: 'red' } }, 'key name description colour'),
    invalid({ input: { key: 'no key', name: '', description: 'x'.repeat(2_001) } }, 'key name description'),
    invalid(({ projectId }) => ({ input: { key: keyOf(projectId), name: 'A' } }), 'key', 'CONFLICT'),
  ],
  'Mutation.addMember': [
    missing({ projectId: 'no id', input: { email: 'a@example.org', role: 'VIEWER' } }, 'projectId'),
    invalid((world) => ({ ...inProject(world), input: { role: 'BOSS' } }), 'email role'),
    invalid((world) => ({ ...inProject(world), input: { email: 'nobody', role: 'VIEWER' } }), 'email'),
    invalid(
      (world) => ({ ...inProject(world), input: { email: world.third.email, role: 'VIEWER' } }),
      'email',
      'CONFLICT',
    ),
  ],
  'Mutation.setMember': [
    missing(({ third }) => ({ projectId: 'no id', userId: third.id, input: { role: 'VIEWER' } }), 'projectId'),
    missing((world) => ({ ...inProject(world), userId: 'no id', input: { role: 'VIEWER' } }), 'userId'),
    invalid((world) => ({ ...thirdMember(world), input: { role: 'BOSS', colour: 'red' } }), 'role colour'),
    stale((world) => ({ ...thirdMember(world), input: { role: 'EDITOR' } })),
  ],
  'Mutation.removeMember': [
    missing(({ third }) => ({ projectId: 'no id', userId: third.id }), 'projectId'),
    missing((world) => ({ ...inProject(world), userId: 'no id' }), 'userId'),
    stale(thirdMember),
  ],
  'Mutation.createTask': [
    invalid({ input: task.shape }, TASK_SHAPE),
    invalid({ input: { ...task.rule, projectId: 'no id', parentId: '?' } }, `${TASK_RULE} projectId parentId`),
    invalid(
      (world) => ({ input: { ...inProject(world), title: 'A', assigneeIds: [world.outsider.id] } }),
      'assigneeIds.0',
    ),
    missing(
      (world) => ({
        input: { ...inProject(world), title: 'A', parentId: world.unseen.deletedTask.key },
      }),
      'parentId',
    ),
  ],
  'Mutation.updateTask': [
    missing({ ...NO_ID, input: { title: 'A' } }),
    invalid((world) => ({ ...theTask(world), input: task.shape }), TASK_SHAPE),
    invalid((world) => ({ ...theTask(world), input: { ...task.rule, status: null } }), `${TASK_RULE} status`),
    stale((world) => ({ ...theTask(world), input: { title: 'A' } })),
  ],
  'Mutation.replaceTask': [
    missing({ ...NO_ID, input: { title: 'A' } }),
    invalid((world) => ({ ...theTask(world), input: task.shape }), TASK_SHAPE),
    invalid((world) => ({ ...theTask(world), input: task.rule }), TASK_RULE),
    stale((world) => ({ ...theTask(world), input: { title: 'A' } })),
  ],
  'Mutation.deleteTask': [missing(NO_ID), stale(theTask)],
  'Mutation.restoreTask': [missing(NO_ID), stale(({ deletedTask }) => ({ id: deletedTask.id }))],
  'Mutation.duplicateTask': [
    missing(NO_ID),
    invalid((world) => ({ ...theTask(world), title: 5 }), 'title'),
    invalid((world) => ({ ...theTask(world), title: LONG }), 'title'),
  ],
  'Mutation.moveTask': [
    missing((world) => ({ ...NO_ID, ...inProject(world) })),
    invalid(theTask, 'projectId'),
    missing((world) => ({ ...theTask(world), projectId: 'no id' }), 'projectId'),
    stale((world) => ({ ...theTask(world), projectId: world.secondProjectId })),
  ],
  'Mutation.repositionTask': [
    missing({ ...NO_ID, input: {} }),
    invalid(
      (world) => ({ ...theTask(world), input: { status: 'DONE', beforeId: [], place: 1 } }),
      'status beforeId place',
    ),
    invalid(
      (world) => ({ ...theTask(world), input: { status: null, beforeId: '?', afterId: '?' } }),
      'status beforeId afterId',
    ),
    invalid((world) => ({ ...theTask(world), input: { afterId: world.task.key } }), 'afterId'),
    missing(
      (world) => ({ ...theTask(world), input: { beforeId: world.unseen.deletedTask.key, afterId: world.task.id } }),
      'beforeId afterId',
    ),
    stale((world) => ({ ...theTask(world), input: {} })),
  ],
  'Mutation.bulkCreateTasks': [
    invalid({ input: { atomic: 'maybe', dryRun: 1, tasks: [] } }, 'atomic dryRun tasks items'),
    invalid({ input: { items: [{ title: 'A' }, task.shape] } }, inItem(1, TASK_SHAPE)),
    invalid({ input: { items: [] } }, 'items'),
  ],
  'Mutation.bulkUpdateTasks': [
    invalid({ input: { atomic: 'maybe', dryRun: 1, tasks: [] } }, 'atomic dryRun tasks items'),
    invalid({ input: { items: [task.shape] } }, inItem(0, `id ${TASK_SHAPE}`)),
    invalid({ input: { items: [] } }, 'items'),
  ],
  'Mutation.bulkDeleteTasks': [
    invalid({ input: { atomic: 'maybe', dryRun: 1, tasks: [] } }, 'atomic dryRun tasks items'),
    invalid({ input: { items: [{ expectedVersion: 'one' }] } }, inItem(0, 'id expectedVersion')),
    invalid({ input: { items: [] } }, 'items'),
  ],
  'Mutation.createTaskRelation': [
    missing((world) => ({ taskId: 'no id', input: { type: 'BLOCKS', relatedTaskId: world.task.id } }), 'taskId'),
    invalid(({ task: { id } }) => ({ taskId: id, input: { type: 'LIKES', task: 1 } }), 'type relatedTaskId task'),
    invalid(({ task: { id } }) => ({ taskId: id, input: { type: 'BLOCKS', relatedTaskId: '?' } }), 'relatedTaskId'),
    invalid(
      ({ task: { id }, subtask }) => ({ taskId: id, input: { type: 'BLOCKS', relatedTaskId: subtask.id } }),
      'relatedTaskId',
      'CONFLICT',
    ),
  ],
  'Mutation.deleteTaskRelation': [
    missing(({ relationId }) => ({ taskId: 'no id', id: relationId }), 'taskId'),
    missing(({ task: { id } }) => ({ taskId: id, id: 'no id' })),
  ],
  'Mutation.createLabel': [
    missing({ projectId: 'no id', input: { name: 'A' } }, 'projectId'),
    invalid((world) => ({ ...inProject(world), input: { color: 5, size: 1 } }), 'name color size'),
    invalid((world) => ({ ...inProject(world), input: { name: ' ', color: 'red' } }), 'name color'),
    invalid((world) => ({ ...inProject(world), input: { name: `Urgent of ${world.tag}` } }), 'name', 'CONFLICT'),
  ],
  'Mutation.updateLabel': [
    missing({ ...NO_ID, input: { name: 'A' } }),
    invalid((world) => ({ ...theLabel(world), input: { name: 5, color: [] } }), 'name color'),
    invalid((world) => ({ ...theLabel(world), input: { name: null, color: 'red' } }), 'name color'),
    stale((world) => ({ ...theLabel(world), input: { name: 'A' } })),
  ],
  'Mutation.deleteLabel': [missing(NO_ID), stale(theLabel)],

  ...Object.assign({}, ...nouns.map((noun) => noun.invalid)),
}

/** Matches projectKey in cast-rows.ts. */
const keyOf = (id: string) => `P${id.replaceAll('-', '').slice(0, 9).toUpperCase()}`
