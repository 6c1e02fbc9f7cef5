import type { GraphQLField } from 'graphql'
import type { Context } from './context.ts'
import type { ExtraRoute } from './gateway/rest/extra.ts'
import type { OpenApiInfo } from './gateway/rest/openapi-operation.ts'
import { oauthToken } from './modules/auth/http.ts'

export const REST_BASE = '/api/v1'

/** The scopes a field declared to the builder. */
interface DeclaredScopes {
  public?: boolean
  person?: boolean
  scope?: string
  admin?: boolean
}

const info: OpenApiInfo = {
  title: 'Taskwire',
  version: '0.1.0',
  description: 'Task management. Each operation here is also one of GraphQL: `x-graphql-operation` names it.',
  securitySchemes: {
    bearer: { type: 'http', scheme: 'bearer', description: 'An access token, or an API key.' },
    oauth2: {
      type: 'oauth2',
      description: 'An access token by e-mail address and password.',
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
}

/** Who may call: a person's token everything, an API key what it was given the scope for. */
function securityOf(field: GraphQLField<unknown, unknown>): Record<string, readonly string[]>[] {
  const options = field.extensions.pothosOptions as { authScopes?: DeclaredScopes } | undefined
  const scopes = options?.authScopes ?? {}
  if (scopes.public) return [{}]
  const person: Record<string, string[]>[] = [{ bearer: [] }, { oauth2: [] }]
  if (scopes.person) return person
  const needed = scopes.admin ? 'admin' : scopes.scope
  return [...person, { apiKey: needed === undefined ? [] : [needed] }]
}

const extra: readonly ExtraRoute<Context>[] = [oauthToken]

/** What REST is beyond the schema. */
export const REST_API = { basePath: REST_BASE, info, extra }
