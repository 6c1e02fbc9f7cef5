import { z } from 'zod'
import { builder } from './builder.ts'
import { pageRules, UserInput } from './input.ts'
import type { User } from './store.ts'

const UserType = builder.objectRef<User>('User').implement({
  description: 'A customer.',
  fields: (t) => ({
    id: t.exposeID('id'),
    email: t.exposeString('email'),
    name: t.exposeString('name'),
    age: t.exposeInt('age', { nullable: true }),
  }),
})

const KeyType = builder.objectRef<User>('ApiKey').implement({
  description: 'What a customer signs in with.',
  fields: (t) => ({ userId: t.exposeID('id'), key: t.exposeString('key') }),
})

builder.queryField('users', (t) =>
  t.field({
    type: [UserType],
    description: 'List customers, oldest first.',
    rest: { path: '/users' },
    validate: pageRules,
    extensions: { rules: z.array(z.unknown()).max(100) },
    args: {
      skip: t.arg.int({ required: true, defaultValue: 0 }),
      limit: t.arg.int({ required: true, defaultValue: 20 }),
    },
    resolve: (_root, page, { shop }) => shop.users(page),
  }),
)

builder.queryField('user', (t) =>
  t.field({
    type: UserType,
    description: 'Read a customer.',
    rest: { path: '/users/{id}' },
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, { shop }) => shop.user(id),
  }),
)

builder.queryField('profile', (t) =>
  t.field({
    type: UserType,
    description: 'Read your own account. Needs your key in X-API-Key.',
    rest: { path: '/profile' },
    signedIn: true,
    extensions: { errors: ['NOT_FOUND'] },
    resolve: (_root, _args, { shop, principal }) => shop.user(principal ?? ''),
  }),
)

builder.mutationField('createUser', (t) =>
  t.field({
    type: UserType,
    description: 'Create a customer. The e-mail address must be unused.',
    rest: { method: 'POST', path: '/users', status: 201, body: 'input', location: ({ id }) => `/users/${id}` },
    args: { input: t.arg({ type: UserInput, required: true }) },
    resolve: (_root, { input }, { shop }) => shop.createUser(input),
  }),
)

builder.mutationField('replaceUser', (t) =>
  t.field({
    type: UserType,
    description: 'Replace a customer. An absent age is removed.',
    rest: { method: 'PUT', path: '/users/{id}', body: 'input' },
    args: { id: t.arg.id({ required: true }), input: t.arg({ type: UserInput, required: true }) },
    resolve: (_root, { id, input }, { shop }) => shop.replaceUser(id, input),
  }),
)

builder.mutationField('deleteUser', (t) =>
  t.field({
    type: UserType,
    description: 'Delete a customer.',
    rest: { method: 'DELETE', path: '/users/{id}' },
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, { shop }) => shop.deleteUser(id),
  }),
)

builder.mutationField('createKey', (t) =>
  t.field({
    type: KeyType,
    description: 'Get the key of a customer, to sign in with.',
    rest: { method: 'POST', path: '/users/{id}/keys', status: 201 },
    handlesSecrets: true,
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, { shop }) => shop.user(id),
  }),
)
