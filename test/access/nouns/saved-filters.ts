import { randomUUID } from 'node:crypto'
import { insertRows } from '../../support/rows.ts'
import { probesOfFilter } from '../filter-probes.ts'
import { type Hiding, outside, projects, refused } from '../hidings.ts'
import { invalid, LIST, missing, stale } from '../invalid.ts'
import type { Noun } from '../noun.ts'
import { isAdmin, seenHere } from '../powers.ts'
import type { World } from '../world.ts'

/** The saved filters of a world. */
interface SavedFilters {
  /** Private to `self`. */
  own: string
  /** Of the project's OWNER, shared with the project. */
  shared: string
  /** Private to `third`, a VIEWER of the project. */
  foreign: string
  /** Shared with the project that only ADMINs see. */
  unseen: string
}

const made = new WeakMap<World, SavedFilters>()
const of = (world: World) => made.get(world)!

const SUBTASKS = { not: { parentId: 'none' } }
const NOBODYS_ID = '01890000-0000-7000-8000-000000000001'

const hidden: Hiding = {
  ...outside,
  hidden: (asking, other) => ({
    'a private one': of(other).own,
    'a shared one': of(other).shared,
    'one of another member': of(asking).foreign,
    'one of a project with tasks related to theirs': of(asking).unseen,
  }),
}

const create = (input: object) => ({ input: { name: 'A', filter: { priority: { gte: 3 } }, ...input } })

export const noun: Noun = {
  matrix: `
                                               anon  stra view comm edit ownr admn remo  disa  t:r t:w p:r p:w adm a:tr
Query.savedFilters                             401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Query.savedFilters: of the project             401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.savedFilter                              401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Query.savedFilter: shared                      401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.tasks: by a shared saved filter          401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Mutation.createSavedFilter                     401   ok   ok   ok   ok   ok   ok   ok    401   403 ok  403 403 403 403
Mutation.createSavedFilter: shared             401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.updateSavedFilter                     401   ok   ok   ok   ok   ok   ok   ok    401   403 ok  403 403 403 403
Mutation.updateSavedFilter: to shared          401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.updateSavedFilter: shared             401   404  403  403  403  ok   ok   404   401   403 ok  403 403 403 403
Mutation.deleteSavedFilter                     401   ok   ok   ok   ok   ok   ok   ok    401   403 ok  403 403 403 403
Mutation.deleteSavedFilter: shared             401   404  403  403  403  ok   ok   404   401   403 ok  403 403 403 403
`,

  recipes: {
    'Query.savedFilters': {
      sees: (world, all) => ({
        ids: isAdmin(world)
          ? [of(world).own, ...all.flatMap((one) => [of(one).shared, of(one).unseen])]
          : [of(world).own, ...seenHere(world, { project: [of(world).shared] })],
      }),
    },
    'Query.savedFilters: of the project': {
      variables: ({ projectId }) => ({ projectId }),
      sees: (world) => ({ ids: [of(world).shared] }),
    },
    'Query.savedFilter': { variables: (world) => ({ id: of(world).own }), is: (world) => of(world).own },
    'Query.savedFilter: shared': { variables: (world) => ({ id: of(world).shared }), is: (world) => of(world).shared },
    'Query.tasks: by a shared saved filter': {
      variables: (world) => ({ savedFilterId: of(world).shared, filter: { projectId: world.projectId } }),
      sees: ({ subtask }) => ({ ids: [subtask.id] }),
    },
    'Mutation.createSavedFilter': { variables: () => create({}) },
    'Mutation.createSavedFilter: shared': { variables: ({ projectId }) => create({ projectId }) },
    'Mutation.updateSavedFilter': { variables: (world) => ({ id: of(world).own, input: { name: 'Another name' } }) },
    'Mutation.updateSavedFilter: to shared': {
      variables: (world) => ({ id: of(world).own, input: { projectId: world.projectId } }),
    },
    'Mutation.updateSavedFilter: shared': {
      variables: (world) => ({ id: of(world).shared, input: { filter: { overdue: true } } }),
    },
    'Mutation.deleteSavedFilter': { variables: (world) => ({ id: of(world).own }) },
    'Mutation.deleteSavedFilter: shared': { variables: (world) => ({ id: of(world).shared }) },
  },

  probes: {
    'Query.savedFilters projectId': { ...projects, variables: (projectId) => ({ projectId }) },
    'Query.savedFilter id': { ...hidden, variables: (id) => ({ id }) },
    'Query.tasks savedFilterId': { ...hidden, variables: (savedFilterId) => ({ savedFilterId }) },
    'Query.exportTasks savedFilterId': { ...hidden, variables: (savedFilterId) => ({ savedFilterId }) },
    'Mutation.createSavedFilter input.projectId': { ...projects, variables: (projectId) => create({ projectId }) },
    // Refused for its project in the end, so that nothing is created.
    ...probesOfFilter(
      'Mutation.createSavedFilter input.filter',
      (filter) => create({ filter, projectId: NOBODYS_ID }),
      {
        personas: ['remo'],
        unnamed: (hiding) => ({ ...hiding, shows: refused('NOT_FOUND') }),
      },
    ),
    'Mutation.updateSavedFilter id': {
      ...hidden,
      variables: (id) => ({ id, input: { name: 'A' }, expectedVersion: 7 }),
    },
    'Mutation.updateSavedFilter input.projectId': {
      ...projects,
      variables: (projectId, asking) => ({ id: of(asking).own, input: { projectId } }),
    },
    ...probesOfFilter(
      'Mutation.updateSavedFilter input.filter',
      (filter, asking) => ({ id: of(asking).own, input: { filter }, expectedVersion: 7 }),
      { personas: ['remo'], unnamed: (hiding) => ({ ...hiding, shows: refused('PRECONDITION_FAILED') }) },
    ),
    'Mutation.deleteSavedFilter id': { ...hidden, variables: (id) => ({ id, expectedVersion: 7 }) },
  },

  invalid: {
    'Query.savedFilters': [...LIST, missing({ projectId: 'no id' }, 'projectId')],
    'Query.savedFilter': [missing({ id: 'no id' })],
    'Mutation.createSavedFilter': [
      invalid({ input: { name: 5, filter: { status: 'DONE' }, colour: 'red' } }, 'name filter.status colour'),
      invalid(
        create({ name: ' ', filter: { priority: { gte: 9 }, search: '!!' }, projectId: '?' }),
        'name filter.priority.gte filter.search projectId',
      ),
      invalid(create({ filter: null }), 'filter'),
    ],
    'Mutation.updateSavedFilter': [
      missing({ id: 'no id', input: { name: 'A' } }),
      invalid(
        (world) => ({ id: of(world).own, input: { name: null, filter: null, projectId: '?' } }),
        'name filter projectId',
      ),
      stale((world) => ({ id: of(world).own, input: { name: 'A' } })),
    ],
    'Mutation.deleteSavedFilter': [missing({ id: 'no id' }), stale((world) => ({ id: of(world).own }))],
  },

  async populate(db, worlds) {
    const data = worlds.flatMap((world) => {
      const ids = { own: randomUUID(), shared: randomUUID(), foreign: randomUUID(), unseen: randomUUID() }
      made.set(world, ids)
      const named = (name: string) => ({ name: `${name} of ${world.tag}`, filter: SUBTASKS })
      return [
        { id: ids.own, ownerId: world.self.id, ...named('Own') },
        { id: ids.shared, ownerId: world.ownerId, projectId: world.projectId, ...named('Shared') },
        { id: ids.foreign, ownerId: world.third.id, ...named('Foreign') },
        { id: ids.unseen, ownerId: world.unseen.ownerId, projectId: world.unseen.projectId, ...named('Unseen') },
      ]
    })
    await insertRows(db, 'SavedFilter', data)
  },

  traces: async (db, { userIds }) => ({
    rows: await db.savedFilter.findMany({ where: { ownerId: { in: userIds } } }),
    owner: 'ownerId',
  }),
}
