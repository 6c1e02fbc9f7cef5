import { probesOfFilter } from '../filter-probes.ts'
import { projects } from '../hidings.ts'
import { invalid, missing } from '../invalid.ts'
import type { Noun } from '../noun.ts'
import { visibleTasks } from '../powers.ts'
import type { World } from '../world.ts'

const FILE = 'title,labels,assignees\nImported,new,\n'

const importInto = ({ projectId }: World) => ({ projectId, format: 'csv', content: FILE })
const exported = (filter: object) => ({ format: 'json', filter })

export const noun: Noun = {
  matrix: `
                                               anon  stra view comm edit ownr admn remo  disa  t:r t:w p:r p:w adm a:tr
Query.exportTasks                              401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Query.exportTasks: of the project              401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Mutation.importTasks                           401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.importTasks: dry run                  401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
`,

  recipes: {
    'Query.exportTasks': {
      variables: () => ({ format: 'json' }),
      sees: (world, all) => ({ ids: visibleTasks(world, all) }),
    },
    'Query.exportTasks: of the project': {
      variables: ({ projectId }) => exported({ projectId }),
      sees: ({ task, subtask }) => ({ ids: [task.id, subtask.id] }),
    },
    'Mutation.importTasks': { variables: importInto },
    'Mutation.importTasks: dry run': {
      variables: (world) => ({ ...importInto(world), dryRun: true }),
      changes: () => false,
    },
  },

  probes: {
    // The file says nothing about a name that a filter may have although it is hidden.
    ...probesOfFilter('Query.exportTasks filter', exported, {
      personas: ['remo'],
      unnamed: (hiding) => ({ ...hiding, shows: '' }),
    }),
    'Mutation.importTasks projectId': {
      ...projects,
      variables: (projectId) => ({ projectId, format: 'csv', content: FILE }),
    },
  },

  invalid: {
    'Query.exportTasks': [
      invalid({ format: 'xml' }, 'format'),
      invalid(
        { filter: { priority: { gte: 9 } }, orderBy: [{ field: 'RELEVANCE', direction: 'ASC' }] },
        'priority.gte orderBy',
      ),
      missing({ filter: { projectId: '01890000-0000-7000-8000-000000000000' } }, 'projectId'),
    ],
    'Mutation.importTasks': [
      invalid(({ projectId }) => ({ projectId, format: 'xml', content: FILE }), 'format'),
      invalid(({ projectId }) => ({ projectId, format: 'json', map: ['a', 'Name:nothing'], content: '[]' }), 'map map'),
      missing({ projectId: 'no id', format: 'csv', content: FILE }, 'projectId'),
    ],
  },
}
