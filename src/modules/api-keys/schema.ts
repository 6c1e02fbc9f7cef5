import { z } from 'zod'
import { builder } from '../../builder.ts'
import { checkPage, connectionType, pageArguments, pageRules } from '../../pagination.ts'
import { createApiKeyRules } from './input.ts'
import { API_SCOPES } from './scopes.ts'
import * as apiKeys from './service.ts'

const SCOPES = API_SCOPES.join(', ')

const ApiKeyType = builder.objectRef<apiKeys.ShownApiKey>('ApiKey').implement({
  description: 'Acts as its user, within its scopes, in every protocol: `X-API-Key: tw_…`, or as a Bearer token.',
  fields: (t) => ({
    id: t.exposeID('id'),
    name: t.exposeString('name', { extensions: { rules: createApiKeyRules.shape.name } }),
    prefix: t.exposeString('prefix', {
      description: 'How its secret begins.',
      extensions: {
        rules: z
          .string()
          .regex(/^tw_[\w-]{6}$/)
          .meta({ examples: ['tw_4bT9xQ'] }),
      },
    }),
    scopes: t.exposeStringList('scopes', {
      description: `Of ${SCOPES}.`,
      extensions: { rules: createApiKeyRules.shape.scopes },
    }),
    secret: t.exposeString('secret', {
      nullable: true,
      description: 'The key itself: only in the answer that creates it, null ever after.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    lastUsedAt: t.expose('lastUsedAt', { type: 'DateTime', nullable: true, description: 'To the minute.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', nullable: true, description: 'Null: never.' }),
  }),
})

const ApiKeyConnection = connectionType(ApiKeyType)

const CreateApiKeyInput = builder.inputType('CreateApiKeyInput', {
  validate: createApiKeyRules,
  fields: (t) => ({
    name: t.string({ required: true, description: 'At most 100 characters.' }),
    scopes: t.stringList({ required: true, description: `At least one of ${SCOPES}.` }),
    expiresAt: t.field({ type: 'DateTime', description: 'In the future; never when absent.' }),
  }),
})

builder.queryField('apiKeys', (t) =>
  t.field({
    type: ApiKeyConnection,
    description: 'Your API keys, newest first.',
    authScopes: { person: true },
    rest: { method: 'GET', path: '/api-keys' },
    validate: pageRules.check(checkPage),
    args: pageArguments,
    resolve: (_root, args, ctx) => apiKeys.listApiKeys(ctx, args),
  }),
)

builder.mutationField('createApiKey', (t) =>
  t.field({
    type: ApiKeyType,
    description: 'Make an API key. Its secret is in this answer and nowhere else. `admin` needs an ADMIN.',
    authScopes: { person: true },
    handlesSecrets: true,
    rest: { method: 'POST', path: '/api-keys', status: 201, body: 'input', location: () => '/api-keys' },
    args: { input: t.arg({ type: CreateApiKeyInput, required: true }) },
    resolve: (_root, { input }, ctx) => apiKeys.createApiKey(ctx, input),
  }),
)

builder.mutationField('revokeApiKey', (t) =>
  t.field({
    type: ApiKeyType,
    description: 'Revoke one of your API keys, with its open streams.',
    authScopes: { person: true },
    rest: { method: 'DELETE', path: '/api-keys/{id}', status: 204 },
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, ctx) => apiKeys.revokeApiKey(ctx, id),
  }),
)
