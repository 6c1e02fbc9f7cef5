import { Prisma } from '../../generated/prisma/client.ts'
import { ProjectRole } from '../../generated/prisma/enums.ts'
import { builder } from '../../schema/builder.ts'
import { connectionType, listQuery, pageArguments } from '../../schema/lists.ts'
import { logged } from '../../schema/logged.ts'
import { findsNodes, Node } from '../../schema/node.ts'
import { EXPECTED_VERSION } from '../../schema/rules.ts'
import { inVisibleProject } from '../projects/policy.ts'
import { addMemberRules, listMembersRules, setMemberRules } from './input.ts'
import * as members from './service.ts'

logged('member', {
  table: 'Membership',
  project: 'projectId',
  subject: 'userId',
  verbs: { insert: 'added', update: 'updated', delete: 'removed' },
  columns: ['role'],
  fixed: ['projectId', 'userId'],
})

const ProjectRoleType = builder.enumType(ProjectRole, {
  name: 'ProjectRole',
  description:
    'A member’s role in a project. Each role includes the ones before it: VIEWER reads, COMMENTER also comments, EDITOR also writes tasks and labels, OWNER also manages the project and its members.',
})

findsNodes({
  name: 'Membership',
  scope: 'projects:read',
  visible: (viewer) => inVisibleProject(viewer, Prisma.sql`"projectId"`),
})

const MembershipType = builder.prismaObject('Membership', {
  interfaces: [Node],
  select: { id: true },
  description: 'A user’s membership in a project, with their role.',
  fields: (t) => ({
    id: t.exposeID('id'),
    projectId: t.exposeID('projectId'),
    userId: t.exposeID('userId'),
    role: t.expose('role', { type: ProjectRoleType }),
    user: t.relation('user', { restEmbed: true }),
    version: t.exposeInt('version', { description: 'Increases by one with each change.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
  }),
})

const MembershipConnection = connectionType(MembershipType)

const AddMemberInput = builder.inputType('AddMemberInput', {
  validate: addMemberRules,
  fields: (t) => ({
    email: t.string({ required: true, description: 'The e-mail address of an existing account that is not disabled.' }),
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
    description: 'List the members of a project, longest-standing first. Needs VIEWER on the project.',
    access: { scope: 'projects:read' },
    rest: { method: 'GET', path: '/projects/{projectId}/members' },
    validate: listMembersRules,
    args: {
      projectId: t.arg.id({ required: true }),
      ...pageArguments,
    },
    resolve: (_root, args, ctx, info) => members.listMembers(ctx, args, listQuery(ctx, info)),
  }),
)

builder.mutationField('addMember', (t) =>
  t.prismaField({
    type: 'Membership',
    description: 'Add a user to a project. Needs OWNER on the project.',
    access: { scope: 'projects:write' },
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
    description: 'Set a member’s role. Needs OWNER on the project. The last OWNER cannot be demoted.',
    access: { scope: 'projects:write' },
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
      'Remove a member from a project, also as an assignee of its tasks. Takes effect with their next request and the next event. Relations that they made between its tasks and those of other projects end. Needs OWNER on the project. The last OWNER cannot be removed.',
    access: { scope: 'projects:write' },
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

builder.mutationField('leaveProject', (t) =>
  t.prismaField({
    type: 'Membership',
    description:
      'Leave a project. You stop being an assignee of its tasks. The last OWNER cannot leave, and nobody can leave their Inbox.',
    access: { scope: 'projects:write' },
    rest: { method: 'POST', path: '/projects/{id}/leave' },
    args: { id: t.arg.id({ required: true }) },
    resolve: (query, _root, { id }, ctx) => members.leaveProject(ctx, id, query),
  }),
)
