import { randomUUID } from 'node:crypto'
import { insertRows } from '../../support/rows.ts'
import { type Hiding, outside, tasks } from '../hidings.ts'
import { invalid, listOf, missing, stale } from '../invalid.ts'
import type { Noun } from '../noun.ts'
import type { World } from '../world.ts'

/** The comments of a world. */
interface Comments {
  /** Of `self`, on the project's task. */
  own: string
  /** Of `third`, on the same task. */
  foreign: string
  /** Of `third`, on the task in the trash. */
  deleted: string
  /** Of `self`, in the project that only ADMINs see. */
  unseen: string
}

const made = new WeakMap<World, Comments>()
const of = (world: World) => made.get(world)!

const hidden: Hiding = {
  ...outside,
  hidden: (asking, other) => ({
    'a comment': of(other).own,
    'a comment on a deleted task': of(asking).deleted,
    'their own comment in a project they left': of(asking).unseen,
  }),
}

const input = { body: 'Looks good' }

export const noun: Noun = {
  matrix: `
                                               anon  stra view comm edit ownr admn remo  disa  t:r t:w p:r p:w adm a:tr
Query.comments                                 401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.comments: by key                         401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.comment                                  401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Mutation.createComment                         401   404  403  ok   ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.createComment: by key                 401   404  403  ok   ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.updateComment                         401   404  403  ok   ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.updateComment: of another             401   404  403  403  403  403  ok   404   401   403 403 403 403 403 403
Mutation.deleteComment                         401   404  403  ok   ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.deleteComment: of another             401   404  403  403  403  ok   ok   404   401   403 ok  403 403 403 403
`,

  recipes: {
    'Query.comments': {
      variables: ({ task }) => ({ taskId: task.id }),
      sees: (world) => ({ ids: [of(world).own, of(world).foreign] }),
    },
    'Query.comments: by key': {
      variables: ({ task }) => ({ taskId: task.key }),
      sees: (world) => ({ ids: [of(world).own, of(world).foreign] }),
    },
    'Query.comment': { variables: (world) => ({ id: of(world).own }), is: (world) => of(world).own },
    'Mutation.createComment': { variables: ({ task }) => ({ taskId: task.id, input }) },
    'Mutation.createComment: by key': { variables: ({ task }) => ({ taskId: task.key, input }) },
    'Mutation.updateComment': { variables: (world) => ({ id: of(world).own, input }) },
    'Mutation.updateComment: of another': { variables: (world) => ({ id: of(world).foreign, input }) },
    'Mutation.deleteComment': { variables: (world) => ({ id: of(world).own }) },
    'Mutation.deleteComment: of another': { variables: (world) => ({ id: of(world).foreign }) },
  },

  probes: {
    'Query.comments taskId': { ...tasks, variables: (taskId) => ({ taskId }) },
    'Query.comment id': { ...hidden, variables: (id) => ({ id }) },
    'Mutation.createComment taskId': { ...tasks, variables: (taskId) => ({ taskId, input }) },
    'Mutation.updateComment id': { ...hidden, variables: (id) => ({ id, input, expectedVersion: 7 }) },
    'Mutation.deleteComment id': { ...hidden, variables: (id) => ({ id, expectedVersion: 7 }) },
  },

  invalid: {
    'Query.comments': [...listOf(({ task }) => ({ taskId: task.id })), missing({ taskId: 'no id' }, 'taskId')],
    'Query.comment': [missing({ id: 'no id' })],
    'Mutation.createComment': [
      missing({ taskId: 'no id', input }, 'taskId'),
      invalid(({ task }) => ({ taskId: task.id, input: { body: 5, author: 'me' } }), 'body author'),
      invalid(({ task }) => ({ taskId: task.id, input: { body: ' \n ' } }), 'body'),
      invalid(({ task }) => ({ taskId: task.id, input: { body: 'x'.repeat(10_001) } }), 'body'),
    ],
    'Mutation.updateComment': [
      missing({ id: 'no id', input }),
      invalid((world) => ({ id: of(world).own, input: { body: null } }), 'body'),
      stale((world) => ({ id: of(world).own, input })),
    ],
    'Mutation.deleteComment': [missing({ id: 'no id' }), stale((world) => ({ id: of(world).own }))],
  },

  async populate(db, worlds) {
    const data = worlds.flatMap((world) => {
      const ids = { own: randomUUID(), foreign: randomUUID(), deleted: randomUUID(), unseen: randomUUID() }
      made.set(world, ids)
      const { projectId, task, deletedTask, unseen, self, third } = world
      const body = `Said in ${world.tag}`
      return [
        { id: ids.own, taskId: task.id, projectId, authorId: self.id, body },
        { id: ids.foreign, taskId: task.id, projectId, authorId: third.id, body },
        { id: ids.deleted, taskId: deletedTask.id, projectId, authorId: third.id, body },
        { id: ids.unseen, taskId: unseen.task.id, projectId: unseen.projectId, authorId: self.id, body },
      ]
    })
    await insertRows(db, 'Comment', data)
  },

  traces: async (db, { projectIds }) => ({
    rows: await db.comment.findMany({ where: { projectId: { in: projectIds } } }),
    owner: 'projectId',
  }),
}
