import SchemaBuilder from '@pothos/core'
import PrismaPlugin from '@pothos/plugin-prisma'
import RelayPlugin from '@pothos/plugin-relay'
import ScopeAuthPlugin from '@pothos/plugin-scope-auth'
import ValidationPlugin from '@pothos/plugin-validation'
import type { Context } from './context.ts'
import { AppError, type Issue, validationFailed } from './gateway/errors.ts'
import RestPlugin from './gateway/rest-plugin.ts'
import type PrismaTypes from './generated/pothos.ts'
import { getDatamodel } from './generated/pothos.ts'
import { dateTimeScalar, jsonScalar } from './scalars.ts'

/** The one Pothos builder. Every module declares its types and operations on it; schema.ts makes the schema. */
export const builder = new SchemaBuilder<{
  PrismaTypes: PrismaTypes
  Context: Context
  DefaultFieldNullability: false
  AuthScopes: {
    /** Anybody, signed in or not. */
    public: boolean
    signedIn: boolean
  }
  Scalars: {
    ID: { Input: string; Output: string }
    DateTime: { Input: Date; Output: Date }
    JSON: { Input: unknown; Output: unknown }
  }
}>({
  defaultFieldNullability: false,
  plugins: [RestPlugin, RelayPlugin, ScopeAuthPlugin, PrismaPlugin, ValidationPlugin],
  // No global object lookup: everything is found by its own operation, with its own policy.
  relay: { nodeQueryOptions: false, nodesQueryOptions: false },
  prisma: {
    client: (context) => context.db,
    dmmf: getDatamodel(),
    filterConnectionTotalCount: true,
    onUnusedQuery: 'error',
  },
  scopeAuth: {
    authorizeOnSubscribe: true,
    authScopes: (context) => ({ public: true, signedIn: context.viewer !== null }),
    unauthorizedError: (_parent, context) =>
      new AppError('UNAUTHENTICATED', context.credentialProblem ?? 'Sign in first: this needs an access token.'),
  },
  validation: {
    validationError: (failure) =>
      validationFailed(
        failure.issues.map((issue): Issue => {
          const path = (issue.path ?? []).map((step) => {
            const key = typeof step === 'object' ? step.key : step
            return typeof key === 'symbol' ? String(key) : key
          })
          const { code, params } = issue as { code?: unknown; params?: { rule?: unknown } }
          const rule = params?.rule ?? (code === 'custom' ? 'invalid' : code)
          return { path, code: typeof rule === 'string' ? rule : 'invalid', message: issue.message }
        }),
      ),
  },
})

builder.queryType({ description: 'What can be read.' })
builder.mutationType({ description: 'What can be changed.' })
builder.subscriptionType({ description: 'What can be followed live.' })
builder.addScalarType('DateTime', dateTimeScalar)
builder.addScalarType('JSON', jsonScalar)
