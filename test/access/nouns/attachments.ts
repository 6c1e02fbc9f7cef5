import { createHash, randomUUID } from 'node:crypto'
import { textFile } from '../../support/files.ts'
import { insertRows } from '../../support/rows.ts'
import { type Hiding, outside, tasks } from '../hidings.ts'
import { invalid, listOf, missing } from '../invalid.ts'
import type { Noun } from '../noun.ts'
import type { World } from '../world.ts'

/** The attachments of a world. */
interface Attachments {
  /** Of `self`, on the project's task. */
  own: string
  /** Of `third`, on the same task. */
  foreign: string
  /** Of `third`, on the task in the trash. */
  deleted: string
  /** Of `self`, in the project that only ADMINs see. */
  unseen: string
}

const made = new WeakMap<World, Attachments>()
const of = (world: World) => made.get(world)!

const hidden: Hiding = {
  ...outside,
  hidden: (asking, other) => ({
    'an attachment': of(other).own,
    'an attachment on a deleted task': of(asking).deleted,
    'their own attachment in a project they left': of(asking).unseen,
  }),
}

const file = textFile()
const filename = 'named.txt'
const FILES = ['GraphQL', 'REST', '/tasks/{taskId}/attachments', '/tasks/{taskId}/attachments/{filename}']

export const noun: Noun = {
  matrix: `
                                               anon  stra view comm edit ownr admn remo  disa  t:r t:w p:r p:w adm a:tr
Query.attachments                              401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.attachments: by key                      401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.attachment                               401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Mutation.uploadAttachment                      401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.uploadAttachment: by key              401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.uploadAttachment: not as a form       401   422  422  422  422  422  422  422   401   422 422 422 422 422 422
Mutation.deleteAttachment                      401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.deleteAttachment: of another          401   404  403  403  403  ok   ok   404   401   403 ok  403 403 403 403
`,

  recipes: {
    'Query.attachments': {
      variables: ({ task }) => ({ taskId: task.id }),
      sees: (world) => ({ ids: [of(world).own, of(world).foreign] }),
    },
    'Query.attachments: by key': {
      variables: ({ task }) => ({ taskId: task.key }),
      sees: (world) => ({ ids: [of(world).own, of(world).foreign] }),
    },
    'Query.attachment': { variables: (world) => ({ id: of(world).own }), is: (world) => of(world).own },
    'Mutation.uploadAttachment': {
      variables: ({ task }) => ({ taskId: task.id, file, filename }),
      protocols: FILES,
    },
    'Mutation.uploadAttachment: by key': {
      variables: ({ task }) => ({ taskId: task.key, file }),
      protocols: FILES,
    },
    'Mutation.uploadAttachment: not as a form': {
      variables: ({ task }) => ({ taskId: task.id, file: 'text' }),
      protocols: ['GraphQL', 'websocket'],
    },
    'Mutation.deleteAttachment': { variables: (world) => ({ id: of(world).own }) },
    'Mutation.deleteAttachment: of another': { variables: (world) => ({ id: of(world).foreign }) },
  },

  probes: {
    'Query.attachments taskId': { ...tasks, variables: (taskId) => ({ taskId }) },
    'Query.attachment id': { ...hidden, variables: (id) => ({ id }) },
    'Mutation.uploadAttachment taskId': { ...tasks, variables: (taskId) => ({ taskId, file, filename }) },
    'Mutation.deleteAttachment id': { ...hidden, variables: (id) => ({ id }) },
  },

  invalid: {
    'Query.attachments': [...listOf(({ task }) => ({ taskId: task.id })), missing({ taskId: 'no id' }, 'taskId')],
    'Query.attachment': [missing({ id: 'no id' })],
    'Mutation.uploadAttachment': [
      missing({ taskId: 'no id', file }, 'taskId'),
      invalid(({ task }) => ({ taskId: task.id, file, filename: ' ' }), 'filename'),
      invalid(({ task }) => ({ taskId: task.id, file, filename: 'a\tb' }), 'filename'),
      invalid(({ task }) => ({ taskId: task.id, file: textFile('text', '..') }), 'filename'),
    ],
    'Mutation.deleteAttachment': [missing({ id: 'no id' })],
  },

  async populate(db, worlds) {
    const data = worlds.flatMap((world) => {
      const ids = { own: randomUUID(), foreign: randomUUID(), deleted: randomUUID(), unseen: randomUUID() }
      made.set(world, ids)
      const { projectId, task, deletedTask, unseen, self, third } = world
      const text = `Written in ${world.tag}`
      const sha256 = createHash('sha256').update(text).digest('hex')
      const row = { filename: `${world.tag}.txt`, contentType: 'text/plain', size: text.length, sha256 }
      return [
        { ...row, id: ids.own, taskId: task.id, projectId, uploaderId: self.id },
        { ...row, id: ids.foreign, taskId: task.id, projectId, uploaderId: third.id },
        { ...row, id: ids.deleted, taskId: deletedTask.id, projectId, uploaderId: third.id },
        { ...row, id: ids.unseen, taskId: unseen.task.id, projectId: unseen.projectId, uploaderId: self.id },
      ]
    })
    await insertRows(
      db,
      'Attachment',
      data.map((row) => ({ ...row, createdAt: new Date() })),
    )
  },

  traces: async (db, { projectIds }) => ({
    rows: await db.attachment.findMany({ where: { projectId: { in: projectIds } }, omit: { sha256: true } }),
    owner: 'projectId',
  }),
}
