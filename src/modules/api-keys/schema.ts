import { z } from 'zod'
import { API_SCOPES } from '../../auth/scopes.ts'
import { builder } from '../../schema/builder.ts'
import { checkPage, connectionType, pageArguments, pageRules } from '../../schema/lists.ts'
import { logged } from '../../schema/logged.ts'
import { createApiKeyRules } from './input.ts'
import * as apiKeys from './service.ts'

logged('apiKey', {
  table: 'ApiKey',
  internal: true,
  verbs: { update: 'updated' },
  ends: { column: 'revokedAt', set: 'revoked' },
  columns: ['scopes', 'expiresAt'],
  versioned: false,
})

const SCOPES = API_SCOPES.join(', ')

const ApiKeyType = builder.objectRef<apiKeys.ShownApiKey>('ApiKey').implement({
  description:
    'A credential that acts as its user within its scopes, in every protocol. Send it as `X-API-Key: tw_…` or as a Bearer token.',
  fields: (t) => ({
    id: t.exposeID('id'),
    name: t.exposeString('name', { extensions: { rules: createApiKeyRules.shape.name } }),
    prefix: t.exposeString('prefix', {
      description: 'The first characters of the secret, to identify the key.',
      extensions: {
        rules: z
          .string()
          .regex(/^tw_[\w-]{6}$/)
          .meta({ examples: ['tw_4bT9xQ'] }),
      },
    }),
    scopes: t.exposeStringList('scopes', {
      description: `Any of ${SCOPES}.`,
      extensions: { rules: createApiKeyRules.shape.scopes },
    }),
    secret: t.exposeString('secret', {
      nullable: true,
      description: 'The key itself. Returned only when the key is created; null afterwards.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    lastUsedAt: t.expose('lastUsedAt', { type: 'DateTime', nullable: true, description: 'Accurate to one minute.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Null if the key does not expire.',
    }),
  }),
})

const ApiKeyConnection = connectionType(ApiKeyType)

const CreateApiKeyInput = builder.inputType('CreateApiKeyInput', {
  validate: createApiKeyRules,
  fields: (t) => ({
    name: t.string({ required: true, description: 'At most 100 characters.' }),
    scopes: t.stringList({ required: true, description: `At least one of ${SCOPES}.` }),
    expiresAt: t.field({ type: 'DateTime', description: 'Must be in the future. By default the key does not expire.' }),
  }),
})

builder.queryField('apiKeys', (t) =>
  t.field({
    type: ApiKeyConnection,
    description: 'Your API keys, newest first.',
    access: { person: true },
    rest: { method: 'GET', path: '/api-keys' },
    validate: pageRules.check(checkPage),
    args: pageArguments,
    resolve: (_root, args, ctx) => apiKeys.listApiKeys(ctx, args),
  }),
)

builder.mutationField('createApiKey', (t) =>
  t.field({
    type: ApiKeyType,
    description: 'Create an API key. Its secret is returned only once, here. The scope `admin` needs an ADMIN.',
    access: { person: true },
    handlesSecrets: true,
    rest: { method: 'POST', path: '/api-keys', status: 201, body: 'input', location: () => '/api-keys' },
    args: { input: t.arg({ type: CreateApiKeyInput, required: true }) },
    resolve: (_root, { input }, ctx) => apiKeys.createApiKey(ctx, input),
  }),
)

builder.mutationField('revokeApiKey', (t) =>
  t.field({
    type: ApiKeyType,
    description: 'Revoke one of your API keys. Its open streams end.',
    access: { person: true },
    rest: { method: 'DELETE', path: '/api-keys/{id}', status: 204 },
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, ctx) => apiKeys.revokeApiKey(ctx, id),
  }),
)
