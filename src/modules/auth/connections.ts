import { TICKET_LIFETIME } from '../../auth/tokens.ts'
import type { Context } from '../../context.ts'
import { AppError } from '../../gateway/errors.ts'
import { requireViewer } from '../users/policy.ts'

export interface StreamTicket {
  ticket: string
  /** Seconds in which a stream can be opened with it. */
  expiresIn: number
}

/** A ticket for `?ticket=` on a stream: a browser's EventSource cannot send headers. The stream lasts as long as the credential it is made with. */
export function createStreamTicket(ctx: Context): StreamTicket {
  const { id: userId, credential } = requireViewer(ctx)
  if (credential.kind === 'external') {
    throw new AppError('FORBIDDEN', 'A ticket needs an access token or API key of this server.')
  }
  const holder = credential.kind === 'session' ? { sessionId: credential.id } : { apiKeyId: credential.id }
  const credentialEndsAt = credential.expiresAt ?? Number.MAX_SAFE_INTEGER
  const ticket = ctx.services.tokens.signTicket({ userId, ...holder, credentialEndsAt })
  return { ticket, expiresIn: TICKET_LIFETIME }
}

export interface Renewal {
  /** When the new token expires. */
  expiresAt: Date
}

/** Puts a newer access token of the same session in place of the one a websocket was opened with; nothing on it is interrupted. */
export async function renewConnection(ctx: Context, accessToken: string): Promise<Renewal> {
  const { credential } = requireViewer(ctx)
  const { connection } = ctx.request
  if (!connection) throw new AppError('BAD_REQUEST', 'Only a websocket has a connection to renew.')
  const headers = { ...connection.headers, authorization: `Bearer ${accessToken}`, 'x-api-key': undefined }
  const { viewer: renewed, problem } = await ctx.services.recognise({ headers })
  if (renewed?.credential.kind !== 'session') {
    throw new AppError('UNAUTHENTICATED', problem ?? 'This is not an access token.', { path: ['accessToken'] })
  }
  if (credential.kind !== 'session' || renewed.credential.id !== credential.id) {
    throw new AppError('FORBIDDEN', 'The token is of another session than this websocket.', { path: ['accessToken'] })
  }
  connection.headers = headers
  connection.lifetime.extend(renewed.credential.expiresAt)
  return { expiresAt: new Date(renewed.credential.expiresAt) }
}
