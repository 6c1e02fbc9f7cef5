import type { Context, Viewer } from '../../context.ts'
import { AppError } from '../../gateway/errors.ts'

/** Who is asking; refuses with UNAUTHENTICATED where nobody is signed in. */
export function requireViewer(ctx: Context): Viewer {
  if (ctx.viewer) return ctx.viewer
  throw new AppError('UNAUTHENTICATED', ctx.credentialProblem ?? 'Sign in first: this needs an access token.')
}
