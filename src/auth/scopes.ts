/** Scopes that an API key can have. A signed-in user needs none. */
export const API_SCOPES = ['tasks:read', 'tasks:write', 'projects:read', 'projects:write', 'admin'] as const
export type ApiScope = (typeof API_SCOPES)[number]

export function isApiScope(value: string): value is ApiScope {
  return (API_SCOPES as readonly string[]).includes(value)
}
