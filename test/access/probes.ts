import { apiKeys, members, projects, sessions, users } from './hidings.ts'
import { nouns } from './nouns.ts'
import type { Probe } from './probe.ts'
import { taskProbes } from './task-probes.ts'

/** Probes by id argument. A suffix after the colon distinguishes variants of the same argument. */
export const PROBES: Record<string, Probe> = {
  'Query.user id': { ...users, variables: (id) => ({ id }) },
  'Query.project id': { ...projects, variables: (id) => ({ id }) },
  'Query.members projectId': { ...projects, variables: (projectId) => ({ projectId }) },
  'Query.events projectId': { ...projects, variables: (projectId) => ({ projectId }) },

  'Mutation.revokeSession id': { ...sessions, variables: (id) => ({ id }) },
  'Mutation.revokeApiKey id': { ...apiKeys, variables: (id) => ({ id }) },
  'Mutation.updateUser id': { ...users, variables: (id) => ({ id, input: { role: 'ADMIN' } }) },
  'Mutation.deleteUser id': { ...users, variables: (id) => ({ id }) },
  'Mutation.updateProject id': {
    ...projects,
    variables: (id) => ({ id, input: { name: 'A' }, expectedVersion: 7 }),
  },
  'Mutation.archiveProject id': { ...projects, variables: (id) => ({ id, expectedVersion: 7 }) },
  'Mutation.unarchiveProject id': { ...projects, variables: (id) => ({ id, expectedVersion: 7 }) },
  'Mutation.deleteProject id': { ...projects, variables: (id) => ({ id, expectedVersion: 7 }) },
  'Mutation.leaveProject id': { ...projects, variables: (id) => ({ id }) },
  'Mutation.addMember projectId': {
    ...projects,
    variables: (projectId, { outsider }) => ({ projectId, input: { email: outsider.email, role: 'VIEWER' } }),
  },
  'Mutation.setMember projectId': {
    ...projects,
    variables: (projectId, { self }) => ({ projectId, userId: self.id, input: { role: 'OWNER' } }),
  },
  'Mutation.setMember userId': {
    ...members,
    variables: (userId, { projectId }) => ({ projectId, userId, input: { role: 'OWNER' } }),
  },
  'Mutation.removeMember projectId': {
    ...projects,
    variables: (projectId, { self }) => ({ projectId, userId: self.id }),
  },
  'Mutation.removeMember userId': { ...members, variables: (userId, { projectId }) => ({ projectId, userId }) },

  ...taskProbes,

  'Subscription.events projectId': { ...projects, variables: (projectId) => ({ projectId }) },
  'Subscription.taskEvents projectId': { ...projects, variables: (projectId) => ({ projectId }) },

  ...Object.assign({}, ...nouns.map((noun) => noun.probes)),
}
