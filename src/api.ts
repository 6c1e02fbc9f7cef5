import type { GraphQLField } from 'graphql'
import type { Context } from './context.ts'
import type { ExtraRoute } from './gateway/rest/extra.ts'
import type { OpenApiInfo } from './gateway/rest/openapi-operation.ts'
import { oauthToken } from './modules/auth/http.ts'

export const REST_BASE = '/api/v1'

/** The scopes a field declared to the builder. */
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
  description: `Task management. Each operation here is also one of GraphQL: \`x-graphql-operation\` has its field, and the document that the route runs.

Errors are \`application/problem+json\` (RFC 9457) with a \`code\` of a closed set and every problem with a value. What is not described is refused, never ignored: unknown parameters and fields of a body answer 422. Each GET answers HEAD, too, and each path OPTIONS with \`Allow\`; another method answers 405.`,
  contact: { name: 'Whoever runs this server' },
  tags: {
    'api-keys': 'Keys that act as their user, within scopes.',
    auth: 'Accounts, sign-in and tokens.',
    events: 'What happened, as a log to read and as a stream to follow.',
    labels: 'Marks that tasks of a project may bear.',
    me: 'The account of who asks.',
    projects: 'Projects and their members.',
    sessions: 'Sign-ins that are still open.',
    tasks: 'Tasks, one by one and in batches, with their relations and the trash.',
    users: 'Accounts, for an ADMIN.',
  },
  id: { format: 'uuid', minLength: 36, maxLength: 36 },
  securitySchemes: {
    bearer: {
      type: 'http',
      scheme: 'bearer',
      description:
        'An access token (a JWT, kept to RFC 8725: one algorithm, issuer, audience and expiry checked), or an API key.',
    },
    oauth2: {
      type: 'oauth2',
      description:
        'An access token by e-mail address and password, for all that the person may: there are no scopes to ask for. Tokens follow RFC8725.',
      flows: { password: { tokenUrl: `${REST_BASE}/auth/token`, refreshUrl: `${REST_BASE}/auth/token`, scopes: {} } },
    },
    apiKey: {
      type: 'apiKey',
      in: 'header',
      name: 'X-API-Key',
      description: 'An API key; the operation names the scope it needs.',
    },
  },
  security: securityOf,
  mayForbid: (field) => !scopesOf(field).signedIn,
}

/** Who may call: a person's token everything, an API key what it was given the scope for. */
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

/** What REST is beyond the schema. */
export const REST_API = { basePath: REST_BASE, info, extra }
