import { projects, tasks } from '../hidings.ts'
import { listOf, missing } from '../invalid.ts'
import type { Noun } from '../noun.ts'
import { nounsOf } from '../powers.ts'

export const noun: Noun = {
  matrix: `
                                               anon  stra view comm edit ownr admn remo  disa  t:r t:w p:r p:w adm a:tr
Query.taskActivity                             401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.taskActivity: by key                     401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.projectActivity                          401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
`,

  recipes: {
    'Query.taskActivity': {
      variables: ({ task }) => ({ id: task.id }),
      sees: (world) => ({ eventsOf: [world.projectId], nouns: nounsOf(world), about: [world.task.id] }),
    },
    'Query.taskActivity: by key': {
      variables: ({ task }) => ({ id: task.key }),
      sees: (world) => ({ eventsOf: [world.projectId], nouns: nounsOf(world), about: [world.task.id] }),
    },
    'Query.projectActivity': {
      variables: ({ projectId }) => ({ id: projectId }),
      sees: (world) => ({ eventsOf: [world.projectId], nouns: nounsOf(world) }),
    },
  },

  probes: {
    'Query.taskActivity id': { ...tasks, variables: (id) => ({ id }) },
    'Query.projectActivity id': { ...projects, variables: (id) => ({ id }) },
  },

  invalid: {
    'Query.taskActivity': [...listOf(({ task }) => ({ id: task.id })), missing({ id: 'no id' })],
    'Query.projectActivity': [...listOf(({ projectId }) => ({ id: projectId })), missing({ id: 'no id' })],
  },
}
