import type { ApiScope } from '../auth/scopes.ts'
import type { Viewer } from '../auth/viewer.ts'
import { AppError, unauthenticated } from '../gateway/errors.ts'
import type { Access } from './access.ts'
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

/** Throws UNAUTHENTICATED or FORBIDDEN unless the viewer's credential has the access. */
export function requireAccess(
  { viewer, credentialProblem }: Pick<Context, 'viewer' | 'credentialProblem'>,
  access: Access,
): void {
  if (!viewer) throw unauthenticated(credentialProblem)
  const refuse = (message: string) => new AppError('FORBIDDEN', message)
  if ('scope' in access && !hasScope(viewer, access.scope))
    throw refuse(`This API key does not have the scope ${access.scope}.`)
  if ('person' in access && viewer.scopes !== null) throw refuse('API keys cannot do this. Use an access token.')
  if (!('admin' in access) || viewer.role === 'ADMIN') return
  const isKeyWithout = viewer.scopes !== null && !viewer.scopes.has('admin')
  throw refuse(isKeyWithout ? 'This API key does not have the scope admin.' : 'Only an ADMIN can do this.')
}

/** Key of the hook that records each user the viewer is compared with (app/sharing.ts). */
export const COMPARE = Symbol('compare')

/** Checks that a user id is the viewer's own. Always use this, so that shared answers notice it. */
export function isSelf(viewer: Viewer | null, userId: string): boolean {
  const compare = (viewer as { [COMPARE]?: (id: string) => boolean } | null)?.[COMPARE]
  return compare ? compare(userId) : viewer?.id === userId
}
