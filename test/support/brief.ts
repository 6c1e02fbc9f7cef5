import { createAccessTokens } from '../../src/auth/tokens.ts'
import type { TestServer, TestUser } from './server.ts'

/**
 * Returns a lifetime in seconds for a credential that must expire in the middle of a test: two
 * seconds, or more if `action`, which the test does with it, takes long on a busy machine.
 */
export async function briefLife(action: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await action()
  return 2 + Math.ceil(((performance.now() - started) / 1000) * 10)
}

/** Signs an access token of the user's session that expires after this many seconds. */
export async function briefToken(server: TestServer, { id: userId }: TestUser, lifetime: number): Promise<string> {
  const { id: sessionId } = await server.db.session.findFirstOrThrow({ where: { userId } })
  return createAccessTokens({ secrets: server.config.JWT_SECRET ?? [], lifetime }).sign({ userId, sessionId })
}
