import { CONFIRM_CLEAR } from '../../../src/modules/instance/input.ts'
import { projects, users } from '../hidings.ts'
import { invalid, missing } from '../invalid.ts'
import type { Noun } from '../noun.ts'

const confirm = CONFIRM_CLEAR

export const noun: Noun = {
  matrix: `
                                               anon  stra view comm edit ownr admn remo  disa  t:r t:w p:r p:w adm a:tr
Query.adminStats                               401   403  403  403  403  403  ok   403   401   403 403 403 403 ok  403
Mutation.clearTasks                            401   403  403  403  403  403  ok   403   401   403 403 403 403 ok  403
`,

  recipes: {
    'Query.adminStats': {},
    'Mutation.clearTasks': { variables: ({ projectId }) => ({ projectId, confirm }) },
  },

  probes: {
    'Mutation.clearTasks projectId': {
      ...users,
      hidden: projects.hidden,
      variables: (projectId) => ({ projectId, confirm }),
    },
  },

  invalid: {
    'Mutation.clearTasks': [
      invalid({ projectId: 5, confirm: 7 }, 'confirm'),
      invalid({ confirm: 'Delete all tasks' }, 'confirm'),
      invalid({}, 'confirm'),
      missing({ projectId: 'no id', confirm }, 'projectId'),
    ],
  },
}
