import { builder } from '../../schema/builder.ts'
import { EXPECTED_VERSION, NEW_PASSWORD } from '../../schema/rules.ts'
import { UserRoleType } from '../users/schema.ts'
import { createUserRules, updateUserRules } from './input.ts'
import * as admin from './service.ts'

const CreateUserInput = builder.inputType('CreateUserInput', {
  validate: createUserRules,
  fields: (t) => ({
    email: t.string({ required: true, description: 'Must be unique, ignoring case.' }),
    name: t.string({ required: true, description: 'At most 100 characters.' }),
    password: t.string({ required: true, description: NEW_PASSWORD }),
    role: t.field({ type: UserRoleType, description: 'MEMBER by default.' }),
  }),
})

const UpdateUserInput = builder.inputType('UpdateUserInput', {
  description: 'Absent fields stay unchanged.',
  validate: updateUserRules,
  fields: (t) => ({
    name: t.string({ description: '1 to 100 characters.' }),
    role: t.field({ type: UserRoleType }),
    disabled: t.boolean({
      description:
        'True locks the user out from the next request on and ends their open streams. False restores access.',
    }),
    password: t.string({ description: `${NEW_PASSWORD} A new password ends all sessions of the user.` }),
    revokeApiKeys: t.boolean({
      description:
        'Revokes all API keys of the user and ends their open streams. With a new password true by default: who knew the old one may have created keys.',
    }),
  }),
})

builder.mutationField('createUser', (t) =>
  t.prismaField({
    type: 'User',
    description: 'Create an account, even when registration is closed. Needs an ADMIN.',
    access: { admin: true },
    handlesSecrets: true,
    extensions: { errors: ['RATE_LIMITED'] },
    rest: { method: 'POST', path: '/users', status: 201, body: 'input', location: (user) => `/users/${user.id}` },
    args: { input: t.arg({ type: CreateUserInput, required: true }) },
    resolve: (query, _root, { input }, ctx) => admin.createUser(ctx, input, query),
  }),
)

builder.mutationField('updateUser', (t) =>
  t.prismaField({
    type: 'User',
    description:
      'Change, disable or enable an account. Needs an ADMIN. The last enabled ADMIN cannot be demoted or disabled.',
    access: { admin: true },
    extensions: { errors: ['RATE_LIMITED'] },
    rest: { method: 'PATCH', path: '/users/{id}', body: 'input' },
    args: {
      id: t.arg.id({ required: true }),
      input: t.arg({ type: UpdateUserInput, required: true }),
      expectedVersion: t.arg.int({ description: EXPECTED_VERSION }),
    },
    resolve: (query, _root, { id, input, expectedVersion }, ctx) =>
      admin.updateUser(ctx, id, input, expectedVersion, query),
  }),
)

builder.mutationField('deleteUser', (t) =>
  t.prismaField({
    type: 'User',
    description:
      'Delete an account with its sessions, API keys, saved filters and memberships. Its projects stay, and what it did in them, by a “Deleted user”. Needs an ADMIN. For your own account use deleteMyAccount.',
    access: { admin: true },
    rest: { method: 'DELETE', path: '/users/{id}', status: 204 },
    args: {
      id: t.arg.id({ required: true }),
      expectedVersion: t.arg.int({ description: EXPECTED_VERSION }),
    },
    resolve: (query, _root, { id, expectedVersion }, ctx) => admin.deleteUser(ctx, id, expectedVersion, query),
  }),
)
