import { Prisma } from '../../generated/prisma/client.ts'
import { UserRole } from '../../generated/prisma/enums.ts'
import type { Context } from '../../request/context.ts'
import { isSelf } from '../../request/viewer.ts'
import { builder } from '../../schema/builder.ts'
import { connectionType, listQuery, pageArguments } from '../../schema/lists.ts'
import { logged } from '../../schema/logged.ts'
import { findsNodes, Node } from '../../schema/node.ts'
import { EXPECTED_VERSION, TIME_ZONE, timeZone } from '../../schema/rules.ts'
import { listUsersRules, updateMeRules } from './input.ts'
import * as users from './service.ts'

// A changed role is logged because it ends connections opened with the rights of the old one.
logged('user', {
  table: 'User',
  internal: true,
  verbs: { update: 'updated', delete: 'deleted' },
  ends: { column: 'disabledAt', set: 'disabled', cleared: 'enabled' },
  columns: ['role'],
  versioned: ['email', 'name', 'role', 'timeZone', 'disabledAt'],
})

export const UserRoleType = builder.enumType(UserRole, {
  name: 'UserRole',
  description:
    'A user’s role on the instance. An ADMIN can do everything; a MEMBER has the rights of their project roles.',
})

/** Returns true for fields of other users, which only the user and ADMINs can see. */
const isPrivate = ({ id }: { id: string }, { viewer }: Context) => viewer?.role !== 'ADMIN' && !isSelf(viewer, id)

// Members of a project see each other.
findsNodes({
  name: 'User',
  scope: 'projects:read',
  visible: ({ id, role }) =>
    role === 'ADMIN'
      ? Prisma.sql`TRUE`
      : Prisma.sql`"id" = ${id}::uuid OR EXISTS (SELECT FROM "Membership" AS own JOIN "Membership" AS other USING ("projectId")
          WHERE own."userId" = ${id}::uuid AND other."userId" = "User"."id")`,
})

export const UserType = builder.prismaObject('User', {
  interfaces: [Node],
  select: { id: true },
  description: 'A person or bot with an account.',
  fields: (t) => ({
    id: t.exposeID('id'),
    name: t.exposeString('name', { extensions: { rules: updateMeRules.shape.name } }),
    email: t.string({
      nullable: true,
      description: 'Visible to the user and to ADMINs, null for everyone else.',
      extensions: { rules: updateMeRules.shape.email },
      select: { email: true },
      resolve: (user, _args, ctx) => (isPrivate(user, ctx) ? null : user.email),
    }),
    role: t.expose('role', { type: UserRoleType }),
    timeZone: t.string({
      nullable: true,
      description: 'Decides when a day ends. Visible to the user and to ADMINs, null for everyone else.',
      extensions: { rules: timeZone },
      select: { timeZone: true },
      resolve: (user, _args, ctx) => (isPrivate(user, ctx) ? null : user.timeZone),
    }),
    disabledAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the account was disabled. Visible to the user and to ADMINs, null for everyone else.',
      select: { disabledAt: true },
      resolve: (user, _args, ctx) => (isPrivate(user, ctx) ? null : user.disabledAt),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
    version: t.exposeInt('version', { description: 'Increases by one with each change.' }),
  }),
})

const UserConnection = connectionType(UserType)

const UserFilter = builder.inputType('UserFilter', {
  description: 'Conditions, all of which a user must meet.',
  fields: (t) => ({
    role: t.field({ type: UserRoleType }),
    disabled: t.boolean({ description: 'True for disabled accounts, false for enabled ones.' }),
    search: t.string({ description: 'Part of the name or e-mail address. Ignores case.' }),
  }),
})

const UpdateMeInput = builder.inputType('UpdateMeInput', {
  description: 'Absent fields stay unchanged.',
  validate: updateMeRules,
  fields: (t) => ({
    name: t.string({ description: '1 to 100 characters.' }),
    email: t.string({
      description: 'Must be unique, ignoring case. Requires `currentPassword`.',
    }),
    timeZone: t.string({ description: TIME_ZONE }),
    currentPassword: t.string({ description: 'Required to change the e-mail address.' }),
  }),
})

builder.queryField('me', (t) =>
  t.prismaField({
    type: 'User',
    description: 'Get the signed-in user.',
    access: { signedIn: true },
    rest: { method: 'GET', path: '/me' },
    resolve: (query, _root, _args, ctx) => users.getMe(ctx, query),
  }),
)

builder.mutationField('updateMe', (t) =>
  t.prismaField({
    type: 'User',
    description: 'Change your name, e-mail address or time zone.',
    access: { person: true },
    handlesSecrets: true,
    extensions: { errors: ['RATE_LIMITED'] },
    rest: { method: 'PATCH', path: '/me', body: 'input' },
    args: {
      input: t.arg({ type: UpdateMeInput, required: true }),
      expectedVersion: t.arg.int({ description: EXPECTED_VERSION }),
    },
    resolve: (query, _root, { input, expectedVersion }, ctx) => users.updateMe(ctx, input, expectedVersion, query),
  }),
)

builder.queryField('user', (t) =>
  t.prismaField({
    type: 'User',
    // Nullable, so that an unknown id does not null the rest of the query.
    nullable: true,
    description: 'Get a user by id. Needs an ADMIN.',
    access: { admin: true },
    rest: { method: 'GET', path: '/users/{id}' },
    args: { id: t.arg.id({ required: true }) },
    resolve: (query, _root, { id }, ctx) => users.getUser(ctx, id, query),
  }),
)

builder.queryField('users', (t) =>
  t.field({
    type: UserConnection,
    description: 'List the users that match the filter, oldest account first. Needs an ADMIN.',
    access: { admin: true },
    rest: { method: 'GET', path: '/users' },
    validate: listUsersRules,
    args: {
      filter: t.arg({ type: UserFilter }),
      ...pageArguments,
    },
    resolve: (_root, args, ctx, info) => users.listUsers(ctx, args, listQuery(ctx, info)),
  }),
)
