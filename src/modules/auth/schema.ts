import { builder } from '../../builder.ts'
import { UserType } from '../users/schema.ts'
import { registerRules, signInRules } from './input.ts'
import * as auth from './service.ts'

const AuthPayload = builder.objectRef<auth.AuthAnswer>('AuthPayload').implement({
  description: 'The tokens of a new session.',
  fields: (t) => ({
    accessToken: t.exposeString('accessToken', { description: 'Send it as `Authorization: Bearer …`.' }),
    refreshToken: t.exposeString('refreshToken', { description: 'Opaque; good for one refresh.' }),
    tokenType: t.string({ description: 'Always Bearer.', resolve: () => 'Bearer' }),
    expiresIn: t.exposeInt('expiresIn', { description: 'Life of the access token in seconds.' }),
    user: t.field({ type: UserType, restEmbed: true, resolve: (answer) => answer.user }),
  }),
})

const RegisterUserInput = builder.inputType('RegisterUserInput', {
  validate: registerRules,
  fields: (t) => ({
    email: t.string({ required: true, description: 'One account per address; case does not count.' }),
    password: t.string({ required: true, description: '8 to 200 characters.' }),
    name: t.string({ required: true, description: 'At most 100 characters.' }),
  }),
})

const SignInInput = builder.inputType('SignInInput', {
  validate: signInRules,
  fields: (t) => ({
    email: t.string({ required: true }),
    password: t.string({ required: true }),
  }),
})

builder.mutationField('registerUser', (t) =>
  t.field({
    type: AuthPayload,
    description: 'Make an account and sign it in. The first account of an instance is its ADMIN.',
    authScopes: { public: true },
    rest: { method: 'POST', path: '/auth/register', status: 201, body: 'input', location: () => '/me' },
    args: { input: t.arg({ type: RegisterUserInput, required: true }) },
    resolve: (_root, { input }, ctx) => auth.register(ctx, input),
  }),
)

builder.mutationField('signIn', (t) =>
  t.field({
    type: AuthPayload,
    description: 'Open a session with e-mail address and password.',
    authScopes: { public: true },
    rest: { method: 'POST', path: '/auth/sign-in', body: 'input' },
    args: { input: t.arg({ type: SignInInput, required: true }) },
    resolve: (_root, { input }, ctx) => auth.signIn(ctx, input),
  }),
)
