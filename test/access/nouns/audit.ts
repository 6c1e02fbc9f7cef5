import { randomUUID } from 'node:crypto'
import { insertRows } from '../../support/rows.ts'
import { users } from '../hidings.ts'
import { invalid, LIST } from '../invalid.ts'
import type { Noun } from '../noun.ts'
import type { World } from '../world.ts'

const FILTERS = [
  invalid({ actions: ['nothing'], actorId: 'no id', userId: 5 }, 'actions actorId userId'),
  invalid({ subjectId: 'x' }, 'subjectId'),
  invalid({ from: 'yesterday', to: 'tomorrow' }, 'from to'),
  invalid({ from: '2026-02-01T00:00:00Z', to: '2026-01-01T00:00:00Z' }, 'to'),
]

/** An entry about each world. */
const made = new WeakMap<World, { id: string; subjectId: string }>()
const of = (world: World) => made.get(world)!

/** An ADMIN sees all entries, and nobody else any. */
const hidden = { ...users, hidden: () => ({}) }

export const noun: Noun = {
  matrix: `
                                               anon  stra view comm edit ownr admn remo  disa  t:r t:w p:r p:w adm a:tr
Query.auditLog                                 401   403  403  403  403  403  ok   403   401   403 403 403 403 ok  403
Query.exportAuditLog                           401   403  403  403  403  403  ok   403   401   403 403 403 403 ok  403
`,

  recipes: {
    'Query.auditLog': {
      variables: (world) => ({ subjectId: of(world).subjectId }),
      sees: (world) => ({ ids: [of(world).id] }),
    },
    'Query.exportAuditLog': { variables: (world) => ({ subjectId: of(world).subjectId }) },
  },

  probes: Object.fromEntries(
    ['auditLog', 'exportAuditLog'].flatMap((name) =>
      ['actorId', 'userId', 'subjectId'].map((argument) => [
        `Query.${name} ${argument}`,
        { ...hidden, variables: (id: string) => ({ [argument]: id }) },
      ]),
    ),
  ),

  async populate(db, worlds) {
    for (const world of worlds) made.set(world, { id: randomUUID(), subjectId: randomUUID() })
    await insertRows(
      db,
      'AuditEntry',
      worlds.map((world) => ({ ...of(world), action: 'session.opened', userId: world.self.id, at: new Date() })),
    )
  },

  invalid: {
    'Query.auditLog': [...LIST, ...FILTERS],
    'Query.exportAuditLog': FILTERS,
  },
}
