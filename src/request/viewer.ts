import type { ApiScope } from '../auth/scopes.ts'
import type { Viewer } from '../auth/viewer.ts'
import { AppError } from '../gateway/errors.ts'
import type { Context } from './context.ts'

/** Returns the viewer. Throws UNAUTHENTICATED when nobody is signed in. */
export function requireViewer(ctx: Pick<Context, 'viewer' | 'credentialProblem'>): Viewer {
  if (ctx.viewer) return ctx.viewer
  throw new AppError('UNAUTHENTICATED', ctx.credentialProblem ?? 'Sign in first: send an access token or an API key.')
}

/**
 * Returns the viewer if they are an ADMIN, else throws FORBIDDEN. An ADMIN's API key needs the
 * scope `admin`.
 */
export function requireAdmin(ctx: Context): Viewer {
  const viewer = requireViewer(ctx)
  if (viewer.role !== 'ADMIN') throw new AppError('FORBIDDEN', 'Only an ADMIN can do this.')
  return viewer
}

/** Checks the scope of the viewer's credential. A signed-in person has every scope. */
export function hasScope(viewer: Viewer, scope: ApiScope): boolean {
  return viewer.scopes === null || viewer.scopes.has(scope)
}

/** Key of the hook that records each user the viewer is compared with (app/sharing.ts). */
export const COMPARE = Symbol('compare')

/** Checks that a user id is the viewer's own. Always use this, so that shared answers notice it. */
export function isSelf(viewer: Viewer | null, userId: string): boolean {
  const compare = (viewer as { [COMPARE]?: (id: string) => boolean } | null)?.[COMPARE]
  return compare ? compare(userId) : viewer?.id === userId
}
