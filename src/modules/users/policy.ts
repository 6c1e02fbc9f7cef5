import type { Context, Viewer } from '../../context.ts'
import { AppError } from '../../gateway/errors.ts'
import type { ApiScope } from '../api-keys/scopes.ts'

/** Who is asking; refuses with UNAUTHENTICATED where nobody is signed in. */
export function requireViewer(ctx: Pick<Context, 'viewer' | 'credentialProblem'>): Viewer {
  if (ctx.viewer) return ctx.viewer
  throw new AppError('UNAUTHENTICATED', ctx.credentialProblem ?? 'Sign in first: this needs an access token.')
}

/** Who is asking; refuses with FORBIDDEN whoever is no ADMIN. An ADMIN's API key without the scope `admin` is none. */
export function requireAdmin(ctx: Context): Viewer {
  const viewer = requireViewer(ctx)
  if (viewer.role !== 'ADMIN') throw new AppError('FORBIDDEN', 'Only an ADMIN may do this.')
  return viewer
}

export function userNotFound(id: string): AppError {
  return new AppError('NOT_FOUND', `There is no user ${JSON.stringify(id)}.`, { path: ['id'] })
}

/** Whether the viewer's credential reaches so far: a person's does, an API key's where it was given the scope. */
export function hasScope(viewer: Viewer, scope: ApiScope): boolean {
  return viewer.scopes === null || viewer.scopes.has(scope)
}

/** How a viewer is compared, where it is noted with whom: of one who is nobody's equal, the answers are the same as of others. */
export const COMPARE = Symbol('compare')

/** Whether this user is the viewer. */
export function isSelf(viewer: Viewer | null, userId: string): boolean {
  const compare = (viewer as { [COMPARE]?: (id: string) => boolean } | null)?.[COMPARE]
  return compare ? compare(userId) : viewer?.id === userId
}
