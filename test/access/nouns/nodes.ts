import { labels, projects, tasks } from '../hidings.ts'
import type { Noun } from '../noun.ts'
import { describePersona } from '../personas.ts'
import { seenHere } from '../powers.ts'
import type { World } from '../world.ts'

/** Ids of several types: those of the project, and those that only an ADMIN sees. */
const mixed = ({ task, projectId, labelId, unseen }: World) => ({
  ids: [task.id, projectId, labelId, unseen.task.id, unseen.projectId],
})

/** A key of an API sees only the types of its scope. */
function seen(world: World): string[] {
  const { task, projectId, labelId, unseen } = world
  const { credential } = describePersona(world.persona)
  const [ofTasks, ofProjects] = [
    seenHere(world, { project: [task.id, labelId], unseen: [unseen.task.id] }),
    seenHere(world, { project: [projectId], unseen: [unseen.projectId] }),
  ]
  if (credential === undefined) return [...ofTasks, ...ofProjects]
  return credential === 'tasks:read' ? ofTasks : credential === 'projects:read' ? ofProjects : []
}

export const noun: Noun = {
  matrix: `
                                               anon  stra view comm edit ownr admn remo  disa  t:r t:w p:r p:w adm a:tr
Query.node                                     401   404  ok   ok   ok   ok   ok   404   401   ok  404 404 404 404 404
Query.node: a project                          401   404  ok   ok   ok   ok   ok   404   401   404 404 ok  404 404 404
Query.node: a label                            401   404  ok   ok   ok   ok   ok   404   401   ok  404 404 404 404 404
Query.node: a member                           401   404  ok   ok   ok   ok   ok   404   401   404 404 ok  404 404 404
Query.node: a user of the project              401   404  ok   ok   ok   ok   ok   404   401   404 404 ok  404 404 404
Query.node: a hidden task                      401   404  404  404  404  404  ok   404   401   404 404 404 404 404 404
Query.nodes                                    401   ok   ok   ok   ok   ok   ok   ok    401   ok  ok  ok  ok  ok  ok
`,

  recipes: {
    'Query.node': { variables: ({ task }) => ({ id: task.id }), is: ({ task }) => task.id },
    'Query.node: a project': { variables: ({ projectId }) => ({ id: projectId }), is: ({ projectId }) => projectId },
    'Query.node: a label': { variables: ({ labelId }) => ({ id: labelId }), is: ({ labelId }) => labelId },
    'Query.node: a member': {
      variables: ({ membershipIds: [id = ''] }) => ({ id }),
      is: ({ membershipIds: [id = ''] }) => id,
    },
    'Query.node: a user of the project': { variables: ({ third }) => ({ id: third.id }), is: ({ third }) => third.id },
    'Query.node: a hidden task': {
      variables: ({ unseen }) => ({ id: unseen.task.id }),
      is: ({ unseen }) => unseen.task.id,
    },
    'Query.nodes': { variables: mixed, sees: (world) => ({ ids: seen(world) }) },
  },

  probes: {
    'Query.node id': { ...tasks, variables: (id) => ({ id }) },
    'Query.node id: of a project': { ...projects, variables: (id) => ({ id }) },
    'Query.node id: of a label': { ...labels, variables: (id) => ({ id }) },
    'Query.nodes ids': { ...tasks, shows: '[null]', variables: (id) => ({ ids: [id] }) },
  },

  // Compared between protocols: these have only one.
  invalid: {},
}
