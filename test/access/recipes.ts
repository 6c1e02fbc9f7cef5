import { PASSWORD } from './cast.ts'
import { nouns } from './nouns.ts'
import { visibleProjects } from './powers.ts'
import type { Recipe } from './recipe.ts'
import { taskRecipes } from './task-recipes.ts'
import type { World } from './world.ts'

const everybody = (all: readonly World[]) => all.flatMap((one) => one.userIds)

const ofProject = ({ projectId }: World) => ({ projectId })
const third = ({ projectId, third }: World) => ({ projectId, userId: third.id })

export const recipes: Record<string, Recipe> = {
  'Query.me': { is: ({ self }) => self.id },
  'Query.sessions': { sees: ({ self }) => ({ ids: [self.session.id, self.otherSession.id] }) },
  'Query.apiKeys': { sees: ({ self }) => ({ ids: self.apiKeyIds }) },
  'Query.users': { sees: (_world, all) => ({ ids: everybody(all) }) },
  'Query.user': { variables: ({ third }) => ({ id: third.id }), is: ({ third }) => third.id },
  'Query.user: own account': { variables: ({ self }) => ({ id: self.id }), is: ({ self }) => self.id },
  'Query.projects': { sees: (world, all) => ({ ids: visibleProjects(world, all) }) },
  'Query.project': { variables: ({ projectId }) => ({ id: projectId }), is: ({ projectId }) => projectId },
  'Query.members': { variables: ofProject, sees: ({ membershipIds }) => ({ ids: membershipIds }) },

  'Mutation.registerUser': {
    variables: ({ newEmail }) => ({ input: { email: newEmail, password: PASSWORD, name: 'New' } }),
  },
  'Mutation.signIn': { variables: ({ self }) => ({ input: { email: self.email, password: PASSWORD } }) },
  'Mutation.refreshSession': {
    variables: ({ self }) => ({ input: { refreshToken: self.otherSession.refreshToken } }),
  },
  'Mutation.signOut': {},
  'Mutation.signOutEverywhere': {},
  'Mutation.revokeSession': { variables: ({ self }) => ({ id: self.otherSession.id }) },
  'Mutation.revokeSession: of another user': { variables: ({ third }) => ({ id: third.session.id }) },
  'Mutation.updateMe': { variables: () => ({ input: { name: 'Another name' } }) },
  'Mutation.changePassword': {
    variables: () => ({ input: { currentPassword: PASSWORD, newPassword: `${PASSWORD} 2` } }),
  },
  'Mutation.createApiKey': { variables: () => ({ input: { name: 'Another', scopes: ['tasks:read'] } }) },
  'Mutation.createApiKey: with the admin scope': { variables: () => ({ input: { name: 'Mine', scopes: ['admin'] } }) },
  'Mutation.revokeApiKey': { variables: ({ self }) => ({ id: self.apiKeyId }) },
  'Mutation.revokeApiKey: of another user': { variables: ({ third }) => ({ id: third.apiKeyId }) },
  'Mutation.createStreamTicket': { traceless: true },
  'Mutation.renewConnection': {
    variables: ({ self }) => ({ accessToken: self.token }),
    traceless: true,
    protocols: ['websocket'],
  },
  'Mutation.renewConnection: outside a websocket': {
    variables: ({ self }) => ({ accessToken: self.token }),
    protocols: ['GraphQL'],
  },
  'Mutation.createUser': {
    variables: ({ newEmail }) => ({ input: { email: newEmail, password: PASSWORD, name: 'New', role: 'ADMIN' } }),
  },
  'Mutation.updateUser': { variables: ({ third }) => ({ id: third.id, input: { disabled: true } }) },
  'Mutation.updateUser: self-promotion to ADMIN': {
    variables: ({ self }) => ({ id: self.id, input: { role: 'ADMIN' } }),
    traceless: true,
  },
  'Mutation.deleteUser': { variables: ({ third }) => ({ id: third.id }) },
  'Mutation.createProject': { variables: () => ({ input: { name: 'A new one' } }) },
  'Mutation.updateProject': { variables: ({ projectId }) => ({ id: projectId, input: { name: 'Renamed' } }) },
  'Mutation.archiveProject': { variables: ({ projectId }) => ({ id: projectId }) },
  'Mutation.unarchiveProject': { variables: ({ projectId }) => ({ id: projectId }), traceless: true },
  'Mutation.deleteProject': { variables: ({ secondProjectId }) => ({ id: secondProjectId }) },
  'Mutation.leaveProject': { variables: ({ readable }) => ({ id: readable.projectId }) },
  'Mutation.addMember': {
    variables: ({ projectId, outsider }) => ({ projectId, input: { email: outsider.email, role: 'OWNER' } }),
  },
  'Mutation.setMember': { variables: (world) => ({ ...third(world), input: { role: 'EDITOR' } }) },
  'Mutation.removeMember': { variables: third },

  ...taskRecipes,
  ...Object.assign({}, ...nouns.map((noun) => noun.recipes)),
}
