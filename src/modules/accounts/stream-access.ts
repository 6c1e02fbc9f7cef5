import { TICKET_LIFETIME } from '../../auth/tokens.ts'
import { AppError } from '../../gateway/errors.ts'
import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'

export interface StreamTicket {
  ticket: string
  /** Seconds until the ticket expires. */
  expiresIn: number
}

/**
 * Creates a ticket for `?ticket=` on a stream path, because a browser's EventSource cannot send
 * headers. The stream lives as long as the credential that created the ticket.
 */
export function createStreamTicket(ctx: Context): StreamTicket {
  const { id: userId, credential } = requireViewer(ctx)
  if (credential.kind === 'external') {
    throw new AppError('FORBIDDEN', 'A stream ticket needs an access token or an API key issued by this server.')
  }
  const holder = credential.kind === 'session' ? { sessionId: credential.id } : { apiKeyId: credential.id }
  const credentialEndsAt = credential.expiresAt ?? Number.MAX_SAFE_INTEGER
  const ticket = ctx.services.tokens.signTicket({ userId, ...holder, credentialEndsAt })
  return { ticket, expiresIn: TICKET_LIFETIME }
}

export interface Renewal {
  /** Expiry of the new token. */
  expiresAt: Date
}

/**
 * Replaces the access token of the current websocket with a newer one of the same session. Running
 * operations continue.
 */
export async function renewConnection(ctx: Context, accessToken: string): Promise<Renewal> {
  const { credential } = requireViewer(ctx)
  const { connection } = ctx.request
  if (!connection) throw new AppError('BAD_REQUEST', 'renewConnection works only over a websocket.')
  const headers = { ...connection.headers, authorization: `Bearer ${accessToken}`, 'x-api-key': undefined }
  const { viewer: renewed, problem } = await ctx.services.authenticate({ headers })
  if (renewed?.credential.kind !== 'session') {
    throw new AppError('UNAUTHENTICATED', problem ?? 'This is not an access token of this server.', {
      path: ['accessToken'],
    })
  }
  if (credential.kind !== 'session' || renewed.credential.id !== credential.id) {
    throw new AppError('FORBIDDEN', 'The token belongs to a different session than this websocket.', {
      path: ['accessToken'],
    })
  }
  connection.headers = headers
  connection.lifetime.extend(renewed.credential.expiresAt)
  return { expiresAt: new Date(renewed.credential.expiresAt) }
}
