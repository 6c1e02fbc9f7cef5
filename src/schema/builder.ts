import SchemaBuilder from '@pothos/core'
import PrismaPlugin from '@pothos/plugin-prisma'
import ScopeAuthPlugin, { type AuthFailure, AuthScopeFailureType } from '@pothos/plugin-scope-auth'
import ValidationPlugin from '@pothos/plugin-validation'
import type { ApiScope } from '../auth/scopes.ts'
import type { Viewer } from '../auth/viewer.ts'
import { AppError, type Issue, MAX_ISSUES, unauthenticated, validationFailed } from '../gateway/errors.ts'
import type PrismaTypes from '../generated/pothos.ts'
import { getDatamodel } from '../generated/pothos.ts'
import type { Context } from '../request/context.ts'
import { hasScope } from '../request/viewer.ts'
import LoadedColumnsPlugin from './loaded-columns-plugin.ts'
import RestPlugin from './rest-plugin.ts'
import { dateTimeScalar, jsonScalar } from './scalars.ts'

/**
 * The Pothos builder on which every module declares its types and operations. app/schema.ts builds
 * the schema.
 */
export const builder = new SchemaBuilder<{
  PrismaTypes: PrismaTypes
  Context: Context
  DefaultFieldNullability: false
  AuthScopes: {
    /** Anyone, signed in or not. */
    public: boolean
    signedIn: boolean
    /** A signed-in user, or an API key with this scope. */
    scope: ApiScope
    /** A signed-in user. Operations on the account itself do not accept API keys. */
    person: boolean
    /** An ADMIN of the instance. An ADMIN's API key needs the scope `admin`. */
    admin: boolean
  }
  Scalars: {
    ID: { Input: string; Output: string }
    DateTime: { Input: Date; Output: Date }
    JSON: { Input: unknown; Output: unknown }
  }
}>({
  defaultFieldNullability: false,
  plugins: [RestPlugin, ScopeAuthPlugin, LoadedColumnsPlugin, PrismaPlugin, ValidationPlugin],
  prisma: {
    client: (context) => context.db,
    dmmf: getDatamodel(),
    // Finds resolvers that load more than they were asked for. Not in production, because each check
    // makes an object that stays in memory until the next full garbage collection.
    onUnusedQuery: process.env.NODE_ENV === 'production' ? null : 'error',
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
        return unauthenticated(context.credentialProblem)
      }
      return new AppError('FORBIDDEN', refusal(failure, context.viewer))
    },
  },
  validation: {
    validationError: (failure) =>
      validationFailed(
        failure.issues.slice(0, MAX_ISSUES).map((issue): Issue => {
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

/** Returns the message that says which right the viewer lacks. */
function refusal(failure: AuthFailure, viewer: Viewer): string {
  if ('failures' in failure)
    return failure.failures[0] ? refusal(failure.failures[0], viewer) : 'You are not allowed to do this.'
  if (failure.kind !== AuthScopeFailureType.AuthScope) return 'You are not allowed to do this.'
  if (failure.scope === 'scope') return `This API key does not have the scope ${failure.parameter}.`
  if (failure.scope === 'person') return 'API keys cannot do this. Use an access token.'
  if (viewer.scopes && !viewer.scopes.has('admin')) return 'This API key does not have the scope admin.'
  return 'Only an ADMIN can do this.'
}

builder.queryType({ description: 'Operations that read data.' })
builder.mutationType({ description: 'Operations that change data.' })
builder.subscriptionType({ description: 'Live streams.' })
builder.addScalarType('DateTime', dateTimeScalar)
builder.addScalarType('JSON', jsonScalar)
