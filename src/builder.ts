import SchemaBuilder from '@pothos/core'
import ComplexityPlugin from '@pothos/plugin-complexity'
import PrismaPlugin from '@pothos/plugin-prisma'
import RelayPlugin from '@pothos/plugin-relay'
import ScopeAuthPlugin, { type AuthFailure, AuthScopeFailureType } from '@pothos/plugin-scope-auth'
import ValidationPlugin from '@pothos/plugin-validation'
import { costOf, LIMITS, tooComplex } from './complexity.ts'
import type { Context, Viewer } from './context.ts'
import { AppError, type Issue, validationFailed } from './gateway/errors.ts'
import RestPlugin from './gateway/rest-plugin.ts'
import { MOST_ISSUES } from './gateway/variables.ts'
import type PrismaTypes from './generated/pothos.ts'
import { getDatamodel } from './generated/pothos.ts'
import type { ApiScope } from './modules/api-keys/scopes.ts'
import { hasScope } from './modules/users/policy.ts'
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
    /** A person, or an API key that was given this scope. */
    scope: ApiScope
    /** A person: what concerns the account itself is not for API keys. */
    person: boolean
    /** An ADMIN of the instance, with an API key only where it has the scope `admin`. */
    admin: boolean
  }
  Scalars: {
    ID: { Input: string; Output: string }
    DateTime: { Input: Date; Output: Date }
    JSON: { Input: unknown; Output: unknown }
  }
}>({
  defaultFieldNullability: false,
  plugins: [RestPlugin, ComplexityPlugin, RelayPlugin, ScopeAuthPlugin, PrismaPlugin, ValidationPlugin],
  complexity: { limit: LIMITS, fieldComplexity: costOf, complexityError: tooComplex },
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
    authScopes: ({ viewer }) => ({
      public: true,
      signedIn: viewer !== null,
      scope: (scope) => viewer !== null && hasScope(viewer, scope),
      person: viewer !== null && viewer.scopes === null,
      admin: viewer?.role === 'ADMIN',
    }),
    unauthorizedError: (_parent, context, _info, { failure }) => {
      if (!context.viewer) {
        return new AppError(
          'UNAUTHENTICATED',
          context.credentialProblem ?? 'Sign in first: this needs an access token.',
        )
      }
      return new AppError('FORBIDDEN', refusal(failure, context.viewer))
    },
  },
  validation: {
    validationError: (failure) =>
      validationFailed(
        failure.issues.slice(0, MOST_ISSUES).map((issue): Issue => {
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

/** What a signed-in viewer lacks. */
function refusal(failure: AuthFailure, viewer: Viewer): string {
  if ('failures' in failure) return failure.failures[0] ? refusal(failure.failures[0], viewer) : 'You may not do this.'
  if (failure.kind !== AuthScopeFailureType.AuthScope) return 'You may not do this.'
  if (failure.scope === 'scope') return `This API key was not given the scope ${failure.parameter}.`
  if (failure.scope === 'person') return 'An API key may not do this: use an access token.'
  if (viewer.scopes && !viewer.scopes.has('admin')) return 'This API key was not given the scope admin.'
  return 'Only an ADMIN may do this.'
}

builder.queryType({ description: 'What can be read.' })
builder.mutationType({ description: 'What can be changed.' })
builder.subscriptionType({ description: 'What can be followed live.' })
builder.addScalarType('DateTime', dateTimeScalar)
builder.addScalarType('JSON', jsonScalar)
