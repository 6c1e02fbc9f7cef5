import { queryFromInfo } from '@pothos/plugin-prisma'
import { builder } from '../../builder.ts'
import { ProjectRole } from '../../generated/prisma/enums.ts'
import { connectionType, pageArguments } from '../../pagination.ts'
import { EXPECTED_VERSION } from '../../rules.ts'
import { addMemberRules, listMembersRules, setMemberRules } from './input.ts'
import * as members from './service.ts'

const ProjectRoleType = builder.enumType(ProjectRole, {
  name: 'ProjectRole',
  description:
    'What a member may do in a project, each what those before it may: a VIEWER reads, a COMMENTER also comments, an EDITOR also writes tasks, an OWNER also the project and its members.',
})

const MembershipType = builder.prismaObject('Membership', {
  description: 'That a user belongs to a project, and what they may do in it.',
  fields: (t) => ({
    id: t.exposeID('id'),
    projectId: t.exposeID('projectId'),
    userId: t.exposeID('userId'),
    role: t.expose('role', { type: ProjectRoleType }),
    user: t.relation('user', { restEmbed: true }),
    version: t.exposeInt('version', { description: 'Rises by one with each change.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
  }),
})

const MembershipConnection = connectionType(MembershipType)

const AddMemberInput = builder.inputType('AddMemberInput', {
  validate: addMemberRules,
  fields: (t) => ({
    email: t.string({ required: true, description: 'Of an account that is there and not disabled.' }),
    role: t.field({ type: ProjectRoleType, required: true }),
  }),
})

const SetMemberInput = builder.inputType('SetMemberInput', {
  validate: setMemberRules,
  fields: (t) => ({ role: t.field({ type: ProjectRoleType, required: true }) }),
})

builder.queryField('members', (t) =>
  t.field({
    type: MembershipConnection,
    description: 'The members of a project you see, the longest first.',
    authScopes: { scope: 'projects:read' },
    rest: { method: 'GET', path: '/projects/{projectId}/members' },
    validate: listMembersRules,
    args: {
      projectId: t.arg.id({ required: true }),
      ...pageArguments,
    },
    resolve: (_root, args, ctx, info) =>
      members.listMembers(ctx, args, queryFromInfo({ context: ctx, info, paths: [['nodes'], ['edges', 'node']] })),
  }),
)

builder.mutationField('addMember', (t) =>
  t.prismaField({
    type: 'Membership',
    description: 'Add a user to a project. Needs OWNER on it.',
    authScopes: { scope: 'projects:write' },
    rest: {
      method: 'POST',
      path: '/projects/{projectId}/members',
      status: 201,
      body: 'input',
      location: (_member, { projectId }) => `/projects/${projectId}/members`,
    },
    args: { projectId: t.arg.id({ required: true }), input: t.arg({ type: AddMemberInput, required: true }) },
    resolve: (query, _root, { projectId, input }, ctx) => members.addMember(ctx, projectId, input, query),
  }),
)

builder.mutationField('setMember', (t) =>
  t.prismaField({
    type: 'Membership',
    description: 'Give a member another role. Needs OWNER on the project; its last OWNER stays one.',
    authScopes: { scope: 'projects:write' },
    rest: { method: 'PUT', path: '/projects/{projectId}/members/{userId}', body: 'input' },
    args: {
      projectId: t.arg.id({ required: true }),
      userId: t.arg.id({ required: true }),
      input: t.arg({ type: SetMemberInput, required: true }),
      expectedVersion: t.arg.int({ description: EXPECTED_VERSION }),
    },
    resolve: (query, _root, { projectId, userId, input, expectedVersion }, ctx) =>
      members.setMember(ctx, projectId, userId, input, expectedVersion, query),
  }),
)

builder.mutationField('removeMember', (t) =>
  t.prismaField({
    type: 'Membership',
    description:
      'Take a member out of a project, from their next request and the next event on. Needs OWNER; the last OWNER stays.',
    authScopes: { scope: 'projects:write' },
    rest: { method: 'DELETE', path: '/projects/{projectId}/members/{userId}', status: 204 },
    args: {
      projectId: t.arg.id({ required: true }),
      userId: t.arg.id({ required: true }),
      expectedVersion: t.arg.int({ description: EXPECTED_VERSION }),
    },
    resolve: (query, _root, { projectId, userId, expectedVersion }, ctx) =>
      members.removeMember(ctx, projectId, userId, expectedVersion, query),
  }),
)
