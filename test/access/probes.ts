import type { World } from './cast.ts'
import type { Variables } from './doors.ts'
import type { Expected, Persona } from './matrix.ts'

/** How an operation is asked for what is there but hidden, and for what is not there at all. */
export interface Probe {
  code: Expected
  personas: readonly Persona[]
  variables: (id: string, asking: World) => Variables
  /** What is there and not to be seen; `other` is a world the persona has nothing to do with. */
  hidden: (asking: World, other: World) => Record<string, string>
}

const INPUT = { title: 'A' }

/** A stranger, somebody who was a member, and the OWNER of another project. */
const outside: Pick<Probe, 'code' | 'personas'> = { code: 'NOT_FOUND', personas: ['stra', 'remo', 'ownr'] }

const projects: Pick<Probe, 'code' | 'personas' | 'hidden'> = {
  ...outside,
  hidden: (_asking, { projectId, self }) => ({ 'a project': projectId, 'an Inbox': self.inboxId }),
}

const tasks: Pick<Probe, 'code' | 'personas' | 'hidden'> = {
  ...outside,
  hidden: (asking, other) => ({
    'a task': other.taskId,
    'a deleted task': other.deletedTaskId,
    'a deleted task in a project of their own or none': asking.deletedTaskId,
  }),
}

/** Only ADMINs may ask: anybody else hears no more of an account that is there. */
const users: Pick<Probe, 'code' | 'personas' | 'hidden'> = {
  code: 'FORBIDDEN',
  personas: ['stra', 'ownr'],
  hidden: (asking, { third }) => ({ 'another user': third.id, oneself: asking.self.id }),
}

/** Users who are there, but no members of the project: for its OWNER no different from users who are not there. */
const noMembers: Pick<Probe, 'code' | 'personas' | 'hidden'> = {
  code: 'NOT_FOUND',
  personas: ['ownr', 'admn'],
  hidden: ({ outsider }, { self }) => ({ 'a user who is no member': self.id, 'one without any project': outsider.id }),
}

/** By argument that takes an id. */
export const PROBES: Record<string, Probe> = {
  'Query.user id': { ...users, variables: (id) => ({ id }) },
  'Query.project id': { ...projects, variables: (id) => ({ id }) },
  'Query.members projectId': { ...projects, variables: (projectId) => ({ projectId }) },
  'Query.task id': { ...tasks, variables: (id) => ({ id }) },
  'Query.tasks filter.projectId': { ...projects, variables: (projectId) => ({ filter: { projectId } }) },
  'Query.events projectId': { ...projects, variables: (projectId) => ({ projectId }) },

  'Mutation.revokeSession id': {
    ...outside,
    variables: (id) => ({ id }),
    hidden: (_asking, { third, self }) => ({ 'a session': third.session.id, 'another session': self.session.id }),
  },
  'Mutation.revokeApiKey id': {
    ...outside,
    variables: (id) => ({ id }),
    hidden: (_asking, { third, self }) => ({ 'an API key': third.apiKeyId, 'another API key': self.apiKeyId }),
  },
  'Mutation.updateUser id': { ...users, variables: (id) => ({ id, input: { role: 'ADMIN' } }) },
  'Mutation.deleteUser id': { ...users, variables: (id) => ({ id }) },
  'Mutation.addMember projectId': {
    ...projects,
    variables: (projectId, { outsider }) => ({ projectId, input: { email: outsider.email, role: 'VIEWER' } }),
  },
  'Mutation.setMember projectId': {
    ...projects,
    variables: (projectId, { self }) => ({ projectId, userId: self.id, input: { role: 'OWNER' } }),
  },
  'Mutation.setMember userId': {
    ...noMembers,
    variables: (userId, { projectId }) => ({ projectId, userId, input: { role: 'OWNER' } }),
  },
  'Mutation.removeMember projectId': {
    ...projects,
    variables: (projectId, { self }) => ({ projectId, userId: self.id }),
  },
  'Mutation.removeMember userId': { ...noMembers, variables: (userId, { projectId }) => ({ projectId, userId }) },
  'Mutation.createTask input.projectId': {
    ...projects,
    variables: (projectId) => ({ input: { projectId, ...INPUT } }),
  },
  'Mutation.updateTask id': { ...tasks, variables: (id) => ({ id, input: INPUT, expectedVersion: 7 }) },
  'Mutation.replaceTask id': { ...tasks, variables: (id) => ({ id, input: INPUT }) },
  'Mutation.deleteTask id': { ...tasks, variables: (id) => ({ id, expectedVersion: 7 }) },

  'Subscription.taskEvents projectId': { ...projects, variables: (projectId) => ({ projectId }) },
}
