import type { GraphQLField } from 'graphql'
import type { OpenApiInfo } from '../gateway/openapi/operations.ts'
import type { ExtraRoute } from '../gateway/rest/extra.ts'
import type { Context } from '../request/context.ts'
import { CACHE_FOLDER } from './cache-folder.ts'
import { oauthToken } from './oauth-token.ts'

export const REST_BASE = '/api/v1'

/** The `authScopes` that a field declares on the builder. */
interface DeclaredScopes {
  public?: boolean
  signedIn?: boolean
  person?: boolean
  scope?: string
  admin?: boolean
}

const info: OpenApiInfo = {
  title: 'Taskwire',
  version: '0.1.0',
  description: `Task management. Every operation here also exists in GraphQL: \`x-graphql-operation\` names the field and shows the document that the route runs.

Errors are \`application/problem+json\` (RFC 9457) with a \`code\` from a closed set and a list of every invalid value. Unknown query parameters and body fields are rejected with 422, never ignored. Every GET path also accepts HEAD, and every path answers OPTIONS with \`Allow\`. Other methods return 405.`,
  contact: { name: 'The operator of this server' },
  tags: {
    'api-keys': 'API keys: credentials for scripts that act as their user, limited to scopes.',
    auth: 'Accounts, sign-in and tokens.',
    events: 'The log of all changes, to read in pages or to follow as a stream.',
    labels: 'Labels of a project, to mark its tasks with.',
    me: 'The account of the signed-in user.',
    projects: 'Projects and their members.',
    sessions: 'Open sessions of the signed-in user.',
    tasks: 'Tasks, single and in batches, with their relations and the trash.',
    users: 'User accounts. Only for an ADMIN.',
  },
  id: { format: 'uuid', minLength: 36, maxLength: 36 },
  securitySchemes: {
    bearer: {
      type: 'http',
      scheme: 'bearer',
      description:
        'An access token or an API key. Access tokens are JWTs verified as RFC 8725 requires: fixed algorithm, issuer, audience and expiry.',
    },
    oauth2: {
      type: 'oauth2',
      description:
        'Get an access token with an e-mail address and a password. It has all rights of the user; there are no scopes to request. Tokens follow RFC8725.',
      flows: { password: { tokenUrl: `${REST_BASE}/auth/token`, refreshUrl: `${REST_BASE}/auth/token`, scopes: {} } },
    },
    apiKey: {
      type: 'apiKey',
      in: 'header',
      name: 'X-API-Key',
      description: 'An API key. Each operation names the scope it needs.',
    },
  },
  security: securityOf,
  mayForbid: (field) => !scopesOf(field).signedIn,
}

/**
 * Returns the credentials an operation accepts: a user's token for everything, an API key if it has
 * the scope.
 */
function securityOf(field: GraphQLField<unknown, unknown>): Record<string, readonly string[]>[] {
  const scopes = scopesOf(field)
  if (scopes.public) return [{}]
  const person: Record<string, string[]>[] = [{ bearer: [] }, { oauth2: [] }]
  if (scopes.person) return person
  const needed = scopes.admin ? 'admin' : scopes.scope
  return [...person, { apiKey: needed === undefined ? [] : [needed] }]
}

function scopesOf(field: GraphQLField<unknown, unknown>): DeclaredScopes {
  const options = field.extensions.pothosOptions as { authScopes?: DeclaredScopes } | undefined
  return options?.authScopes ?? {}
}

const extra: readonly ExtraRoute<Context>[] = [oauthToken]

/** Everything REST needs besides the schema: base path, document info, extra routes and cache. */
export const REST_API = { basePath: REST_BASE, info, extra, cache: CACHE_FOLDER }
