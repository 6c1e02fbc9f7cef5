import { randomUUID } from 'node:crypto'
import { insertRows } from '../../support/rows.ts'
import { type Hiding, outside, users } from '../hidings.ts'
import { invalid, LIST, missing } from '../invalid.ts'
import type { Noun } from '../noun.ts'
import { seenHere } from '../powers.ts'
import type { World } from '../world.ts'

/** The notifications of a world. */
interface Notifications {
  /** To `self`, about no task. */
  own: string
  /** To `self`, about the project's task. */
  onTask: string
  /** To `self`, about the task in the trash. */
  deleted: string
  /** To `self`, about a task that only ADMINs see. */
  unseen: string
  /** To `self`, who does not want to see it. */
  unwanted: string
  /** To `third`, about the project's task. */
  foreign: string
}

const made = new WeakMap<World, Notifications>()
const of = (world: World) => made.get(world)!

const hidden: Hiding = {
  ...outside,
  hidden: (asking, other) => ({
    'a notification of another user': of(other).own,
    'one of another user about their own project': of(asking).foreign,
    'their own about a deleted task': of(asking).deleted,
    'their own about a task they no longer see': of(asking).unseen,
    'their own of a kind that is off': of(asking).unwanted,
  }),
}

const input = { message: 'The server restarts at noon' }
const preferences = { pushUrl: 'https://ntfy.example.org/topic', kinds: [{ kind: 'COMMENTED', email: false }] }

export const noun: Noun = {
  matrix: `
                                               anon  stra view comm edit ownr admn remo  disa  t:r t:w p:r p:w adm a:tr
Query.notifications                            401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Query.notificationPreferences                  401   ok   ok   ok   ok   ok   ok   ok    401   403 403 403 403 403 403
Query.node: a notification                     401   ok   ok   ok   ok   ok   ok   ok    401   ok  404 404 404 404 ok
Mutation.markNotificationsRead                 401   ok   ok   ok   ok   ok   ok   ok    401   403 ok  403 403 403 403
Mutation.markNotificationsRead: all            401   ok   ok   ok   ok   ok   ok   ok    401   403 ok  403 403 403 403
Mutation.markNotificationsRead: of another     401   404  404  404  404  404  404  404   401   403 404 403 403 403 403
Mutation.updateNotificationPreferences         401   ok   ok   ok   ok   ok   ok   ok    401   403 403 403 403 403 403
Mutation.updateTask: notifying its assignee    401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.notifyUser                            401   403  403  403  403  403  ok   403   401   403 403 403 403 ok  403
Subscription.notifications                     401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
`,

  recipes: {
    'Query.notifications': {
      sees: (world) => ({
        ids: [of(world).own, ...seenHere(world, { project: [of(world).onTask], unseen: [of(world).unseen] })],
      }),
    },
    'Query.notificationPreferences': {},
    'Query.node: a notification': { variables: (world) => ({ id: of(world).own }), is: (world) => of(world).own },
    'Mutation.markNotificationsRead': { variables: (world) => ({ ids: [of(world).own] }) },
    'Mutation.markNotificationsRead: all': { variables: () => ({ all: true }) },
    'Mutation.markNotificationsRead: of another': { variables: (world) => ({ ids: [of(world).foreign] }) },
    'Mutation.updateNotificationPreferences': { variables: () => ({ input: preferences }) },
    'Mutation.updateTask: notifying its assignee': {
      variables: ({ subtask }) => ({ id: subtask.id, input: { title: 'Another title' }, notify: true }),
    },
    // Only in the event log, until the background work finds it there.
    'Mutation.notifyUser': { variables: ({ third }) => ({ userId: third.id, input }), traceless: true },
    'Subscription.notifications': {},
  },

  probes: {
    'Mutation.markNotificationsRead ids': { ...hidden, variables: (id) => ({ ids: [id] }) },
    'Mutation.notifyUser userId': { ...users, variables: (userId) => ({ userId, input }) },
    'Query.node id: of a notification': { ...hidden, variables: (id) => ({ id }) },
  },

  invalid: {
    'Query.notifications': [...LIST, invalid({ unread: 'maybe' }, 'unread')],
    'Mutation.markNotificationsRead': [
      missing({ ids: ['no id'] }, 'ids.0'),
      invalid({}, 'ids'),
      invalid({ ids: [] }, 'ids'),
      invalid((world) => ({ ids: [of(world).own], all: true }), 'ids'),
      invalid({ all: 'yes' }, 'all'),
    ],
    'Mutation.updateNotificationPreferences': [
      invalid({ input: { pushUrl: 'http://127.0.0.1/' } }, 'pushUrl'),
      invalid({ input: { kinds: [{ kind: 'NEWS', email: true }], colour: 'red' } }, 'kinds.0.kind colour'),
      invalid({ input: { kinds: null } }, 'kinds'),
      invalid(
        {
          input: {
            kinds: [
              { kind: 'ASSIGNED', push: null },
              { kind: 'ASSIGNED', push: true },
            ],
          },
        },
        'kinds.0.push kinds.1.kind',
      ),
    ],
    'Mutation.notifyUser': [
      missing({ userId: 'no id', input }, 'userId'),
      invalid(({ third }) => ({ userId: third.id, input: { message: ' ' } }), 'message'),
      invalid(({ third }) => ({ userId: third.id, input: { message: 'x'.repeat(2_001) } }), 'message'),
      invalid(({ third }) => ({ userId: third.id, input: { message: 5, subject: 'x' } }), 'message subject'),
    ],
  },

  async populate(db, worlds) {
    const data = worlds.flatMap((world) => {
      const ids: Notifications = {
        own: randomUUID(),
        onTask: randomUUID(),
        deleted: randomUUID(),
        unseen: randomUUID(),
        unwanted: randomUUID(),
        foreign: randomUUID(),
      }
      made.set(world, ids)
      const { self, third, task, deletedTask, unseen } = world
      const to = (recipientId: string, id: string, about: object) => ({
        id,
        recipientId,
        kind: 'ASSIGNED',
        cause: `cause ${id}`,
        inProduct: true,
        createdAt: new Date(),
        ...about,
      })
      return [
        to(self.id, ids.own, { kind: 'ADMIN_NOTICE', message: `Notice in ${world.tag}` }),
        to(self.id, ids.onTask, { taskId: task.id }),
        to(self.id, ids.deleted, { taskId: deletedTask.id }),
        to(self.id, ids.unseen, { taskId: unseen.task.id }),
        to(self.id, ids.unwanted, { taskId: task.id, inProduct: false }),
        to(third.id, ids.foreign, { taskId: task.id }),
      ]
    })
    await insertRows(db, 'Notification', data)
  },

  traces: async (db, { userIds }) => {
    const notifications = await db.notification.findMany({
      // Without those that the background work makes of the worlds.
      where: { recipientId: { in: userIds }, cause: { startsWith: 'cause ' } },
      omit: { eventPosition: true },
    })
    const settings = await db.notificationSettings.findMany({ where: { userId: { in: userIds } } })
    return {
      rows: [...notifications, ...settings.map((row) => ({ ...row, recipientId: row.userId }))],
      owner: 'recipientId',
    }
  },
}
