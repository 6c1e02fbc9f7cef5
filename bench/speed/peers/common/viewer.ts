/** Authentication: an access token, whose session and user are looked up for each request. */
import { createVerifier } from 'fast-jwt'
import { ApiError } from './errors.ts'
import { settings } from './settings.ts'

export interface Viewer {
  id: string
  isAdmin: boolean
}

interface Claims {
  sub: string
  sid: string
}

/** Remembers verified tokens, as Taskwire does. */
const verify = createVerifier({
  key: settings.jwtSecret,
  algorithms: ['HS256'],
  allowedIss: 'taskwire',
  allowedAud: 'taskwire',
  requiredClaims: ['sub', 'sid', 'exp'],
  cache: 10_000,
})

/** Returns the claims of a valid token in an `Authorization` header. */
export function readToken(authorization: string | undefined): Claims | undefined {
  const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
  if (token === undefined) return undefined
  try {
    return verify(token) as Claims
  } catch {
    return undefined
  }
}

export function requireViewer(viewer: Viewer | null): Viewer {
  if (!viewer) throw new ApiError('UNAUTHENTICATED', 'The access token is missing, invalid or expired.')
  return viewer
}
