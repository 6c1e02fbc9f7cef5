import { queryFromInfo } from '@pothos/plugin-prisma'
import { builder } from '../../builder.ts'
import type { Context } from '../../context.ts'
import type { User } from '../../generated/prisma/client.ts'
import { UserRole } from '../../generated/prisma/enums.ts'
import { connectionType, pageArguments } from '../../pagination.ts'
import { EXPECTED_VERSION } from '../../rules.ts'
import { listUsersRules, updateMeRules } from './input.ts'
import { isSelf } from './policy.ts'
import * as users from './service.ts'

export const UserRoleType = builder.enumType(UserRole, {
  name: 'UserRole',
  description: 'What a user may do on the whole instance: an ADMIN everything, a MEMBER what projects allow.',
})

/** Not for everybody who meets the user in a project. */
const isPrivate = ({ id }: User, { viewer }: Context) => viewer?.role !== 'ADMIN' && !isSelf(viewer, id)

export const UserType = builder.prismaObject('User', {
  description: 'A person or bot with an account.',
  fields: (t) => ({
    id: t.exposeID('id'),
    name: t.exposeString('name', { extensions: { rules: updateMeRules.shape.name } }),
    email: t.string({
      nullable: true,
      description: 'Shown to the user and to ADMINs; null for anybody else.',
      extensions: { rules: updateMeRules.shape.email },
      resolve: (user, _args, ctx) => (isPrivate(user, ctx) ? null : user.email),
    }),
    role: t.expose('role', { type: UserRoleType }),
    disabledAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Since when the account is disabled. Shown to the user and to ADMINs; null for anybody else.',
      resolve: (user, _args, ctx) => (isPrivate(user, ctx) ? null : user.disabledAt),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
    version: t.exposeInt('version', { description: 'Rises by one with each change.' }),
  }),
})

const UserConnection = connectionType(UserType)

const UserFilter = builder.inputType('UserFilter', {
  description: 'What a user has to meet: every condition given.',
  fields: (t) => ({
    role: t.field({ type: UserRoleType }),
    disabled: t.boolean({ description: 'Whether the account is disabled.' }),
    search: t.string({ description: 'Part of the name or the e-mail address; case does not count.' }),
  }),
})

const UpdateMeInput = builder.inputType('UpdateMeInput', {
  description: 'Absent fields stay as they are.',
  validate: updateMeRules,
  fields: (t) => ({
    name: t.string({ description: '1 to 100 characters.' }),
    email: t.string({
      description: 'One account per address; case does not count. Needs `currentPassword` beside it.',
    }),
    currentPassword: t.string({ description: 'Needed to change the e-mail address.' }),
  }),
})

builder.queryField('me', (t) =>
  t.prismaField({
    type: 'User',
    description: 'The user who is signed in.',
    authScopes: { signedIn: true },
    rest: { method: 'GET', path: '/me' },
    resolve: (query, _root, _args, ctx) => users.getMe(ctx, query),
  }),
)

builder.mutationField('updateMe', (t) =>
  t.prismaField({
    type: 'User',
    description: 'Change your name or e-mail address.',
    authScopes: { person: true },
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
    // Null beside its error, so that one id that is not there does not take the rest of a query with it.
    nullable: true,
    description: 'One user. Needs an ADMIN.',
    authScopes: { admin: true },
    rest: { method: 'GET', path: '/users/{id}' },
    args: { id: t.arg.id({ required: true }) },
    resolve: (query, _root, { id }, ctx) => users.getUser(ctx, id, query),
  }),
)

builder.queryField('users', (t) =>
  t.field({
    type: UserConnection,
    description: 'The users that meet the filter, oldest first. Needs an ADMIN.',
    authScopes: { admin: true },
    rest: { method: 'GET', path: '/users' },
    validate: listUsersRules,
    args: {
      filter: t.arg({ type: UserFilter }),
      ...pageArguments,
    },
    resolve: (_root, args, ctx, info) =>
      users.listUsers(ctx, args, queryFromInfo({ context: ctx, info, paths: [['nodes'], ['edges', 'node']] })),
  }),
)
