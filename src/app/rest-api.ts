import type { GraphQLField } from 'graphql'
import type { OpenApiInfo } from '../gateway/openapi/operations.ts'
import type { ExtraRoute } from '../gateway/rest/extra.ts'
import type { Access } from '../request/access.ts'
import type { Context } from '../request/context.ts'
import { accessOf } from '../schema/access-plugin.ts'
import { CACHE_FOLDER } from './cache-folder.ts'
import { oauthToken } from './oauth-token.ts'

export const REST_BASE = '/api/v1'

const info: OpenApiInfo = {
  title: 'Taskwire',
  version: '0.1.0',
  description: `Task management. Every operation here also exists in GraphQL, except those that transfer only bytes: \`x-graphql-operation\` names the field and shows the document that the route runs.

Errors are \`application/problem+json\` (RFC 9457) with a \`code\` from a closed set and a list of every invalid value. Unknown query parameters and body fields are rejected with 422, never ignored. Every GET path also accepts HEAD, and every path answers OPTIONS with \`Allow\`. Other methods return 405.`,
  contact: { name: 'The operator of this server' },
  license: { name: 'MIT', identifier: 'MIT' },
  tags: {
    'api-keys': 'API keys: credentials for scripts that act as their user, limited to scopes.',
    attachments: 'Files on tasks: what is known of them, and their bytes.',
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
  mayForbid: (field) => !('signedIn' in declaredAccess(field)),
}

/**
 * Returns the credentials an operation accepts: a user's token for everything, an API key if it has
 * the scope.
 */
function securityOf(field: GraphQLField<unknown, unknown>): Record<string, readonly string[]>[] {
  const access = declaredAccess(field)
  if ('public' in access) return [{}]
  const person: Record<string, string[]>[] = [{ bearer: [] }, { oauth2: [] }]
  if ('person' in access) return person
  if ('admin' in access) return [...person, { apiKey: ['admin'] }]
  return [...person, { apiKey: 'scope' in access ? [access.scope] : [] }]
}

function declaredAccess({ extensions }: GraphQLField<unknown, unknown>): Access {
  return accessOf(extensions as { pothosOptions?: unknown }) ?? { signedIn: true }
}

const extra: readonly ExtraRoute<Context>[] = [oauthToken]

/** Everything REST needs besides the schema: base path, document info, extra routes and cache. */
export const REST_API = { basePath: REST_BASE, info, extra, cache: CACHE_FOLDER }
