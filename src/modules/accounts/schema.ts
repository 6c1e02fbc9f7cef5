import { z } from 'zod'
import { builder } from '../../schema/builder.ts'
import { NEW_PASSWORD, TIME_ZONE } from '../../schema/rules.ts'
import { refresh } from '../sessions/refresh-service.ts'
import { type AuthAnswer, signOut, signOutEverywhere } from '../sessions/service.ts'
import { UserType } from '../users/schema.ts'
import { changePasswordRules, refreshRules, registerRules, renewConnectionRules, signInRules } from './input.ts'
import * as auth from './service.ts'
import { createStreamTicket, type Renewal, renewConnection, type StreamTicket } from './stream-access.ts'

const AuthPayload = builder.objectRef<AuthAnswer>('AuthPayload').implement({
  description: 'The tokens of a session.',
  fields: (t) => ({
    accessToken: t.exposeString('accessToken', { description: 'Send it as `Authorization: Bearer …`.' }),
    refreshToken: t.exposeString('refreshToken', {
      description: 'Opaque, valid for one refresh. Using it a second time ends the session.',
    }),
    tokenType: t.string({
      description: 'Always Bearer.',
      extensions: { rules: z.literal('Bearer') },
      resolve: () => 'Bearer',
    }),
    expiresIn: t.exposeInt('expiresIn', { description: 'Lifetime of the access token, in seconds.' }),
    user: t.field({ type: UserType, restEmbed: true, resolve: (answer) => answer.user }),
  }),
})

const RegisterUserInput = builder.inputType('RegisterUserInput', {
  validate: registerRules,
  fields: (t) => ({
    email: t.string({ required: true, description: 'Must be unique, ignoring case.' }),
    password: t.string({ required: true, description: NEW_PASSWORD }),
    name: t.string({ required: true, description: 'At most 100 characters.' }),
    timeZone: t.string({ description: `${TIME_ZONE} UTC by default.` }),
  }),
})

const SignInInput = builder.inputType('SignInInput', {
  validate: signInRules,
  fields: (t) => ({
    email: t.string({ required: true }),
    password: t.string({ required: true }),
  }),
})

const RefreshSessionInput = builder.inputType('RefreshSessionInput', {
  validate: refreshRules,
  fields: (t) => ({ refreshToken: t.string({ required: true }) }),
})

const ChangePasswordInput = builder.inputType('ChangePasswordInput', {
  validate: changePasswordRules,
  fields: (t) => ({
    currentPassword: t.string({ required: true }),
    newPassword: t.string({ required: true, description: NEW_PASSWORD }),
    revokeApiKeys: t.boolean({
      description:
        'True also revokes all your API keys: do it if somebody may know the old password. By default they stay valid.',
    }),
  }),
})

builder.mutationField('registerUser', (t) =>
  t.field({
    type: AuthPayload,
    description: 'Create an account and sign in. The first account of an instance becomes its ADMIN.',
    access: { public: true },
    handlesSecrets: true,
    extensions: { errors: ['FORBIDDEN', 'RATE_LIMITED'] },
    rest: { method: 'POST', path: '/auth/register', status: 201, body: 'input', location: () => '/me' },
    args: { input: t.arg({ type: RegisterUserInput, required: true }) },
    resolve: (_root, { input }, ctx) => auth.register(ctx, input),
  }),
)

builder.mutationField('signIn', (t) =>
  t.field({
    type: AuthPayload,
    description: 'Sign in with an e-mail address and a password. Opens a session.',
    access: { public: true },
    handlesSecrets: true,
    extensions: { errors: ['UNAUTHENTICATED', 'RATE_LIMITED'] },
    rest: { method: 'POST', path: '/auth/sign-in', body: 'input' },
    args: { input: t.arg({ type: SignInInput, required: true }) },
    resolve: (_root, { input }, ctx) => auth.signIn(ctx, input),
  }),
)

builder.mutationField('refreshSession', (t) =>
  t.field({
    type: AuthPayload,
    description:
      'Exchange a refresh token for a new pair of tokens. Reusing an old refresh token ends the whole session.',
    access: { public: true },
    handlesSecrets: true,
    extensions: { errors: ['UNAUTHENTICATED'] },
    rest: { method: 'POST', path: '/auth/refresh', body: 'input' },
    args: { input: t.arg({ type: RefreshSessionInput, required: true }) },
    resolve: (_root, { input }, ctx) => refresh(ctx, input.refreshToken),
  }),
)

builder.mutationField('signOut', (t) =>
  t.boolean({
    description: 'End the session of this access token and its open streams. Always returns true.',
    access: { person: true },
    rest: { method: 'POST', path: '/auth/sign-out', status: 204 },
    resolve: (_root, _args, ctx) => signOut(ctx),
  }),
)

builder.mutationField('signOutEverywhere', (t) =>
  t.boolean({
    description: 'End all your sessions, including this one. API keys stay valid. Always returns true.',
    access: { person: true },
    rest: { method: 'POST', path: '/auth/sign-out-everywhere', status: 204 },
    resolve: (_root, _args, ctx) => signOutEverywhere(ctx),
  }),
)

builder.mutationField('changePassword', (t) =>
  t.boolean({
    description:
      'Change your password. All your other sessions end; your API keys only with `revokeApiKeys`. Always returns true.',
    access: { person: true },
    handlesSecrets: true,
    extensions: { errors: ['RATE_LIMITED'] },
    rest: { method: 'POST', path: '/me/password', status: 204, body: 'input' },
    args: { input: t.arg({ type: ChangePasswordInput, required: true }) },
    resolve: (_root, { input }, ctx) => auth.changePassword(ctx, input),
  }),
)

builder.mutationField('createStreamTicket', (t) =>
  t.field({
    type: builder.objectRef<StreamTicket>('StreamTicket').implement({
      description: 'A short-lived ticket that opens a stream without headers.',
      fields: (fields) => ({
        ticket: fields.exposeString('ticket', { description: 'Send it as `?ticket=` when opening an event stream.' }),
        expiresIn: fields.exposeInt('expiresIn', {
          description: 'Seconds until the ticket expires. An open stream is not affected.',
        }),
      }),
    }),
    description:
      'Create a short-lived ticket that opens an event stream with `?ticket=`. For a browser’s EventSource, which cannot send headers. The stream stays open as long as your credential is valid.',
    access: { signedIn: true },
    handlesSecrets: true,
    extensions: { errors: ['FORBIDDEN'] },
    rest: { method: 'POST', path: '/auth/stream-ticket' },
    resolve: (_root, _args, ctx) => createStreamTicket(ctx),
  }),
)

builder.mutationField('renewConnection', (t) =>
  t.field({
    type: builder.objectRef<Renewal>('ConnectionRenewal').implement({
      fields: (fields) => ({
        expiresAt: fields.expose('expiresAt', {
          type: 'DateTime',
          description: 'When the new token expires, and with it the websocket unless it is renewed again.',
        }),
      }),
    }),
    description: 'Replace the access token of this websocket with a newer one of the same session.',
    access: { person: true },
    handlesSecrets: true,
    rest: { none: 'Only a websocket can outlive its token. REST sends a credential with each request.' },
    validate: renewConnectionRules,
    args: { accessToken: t.arg.string({ required: true }) },
    resolve: (_root, { accessToken }, ctx) => renewConnection(ctx, accessToken),
  }),
)
