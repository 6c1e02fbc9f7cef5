import { createAccessTokens } from '../../src/auth/tokens.ts'
import type { TestServer, TestUser } from './server.ts'

/**
 * Returns a life in seconds for a credential that is to expire in the middle of a test: two seconds, or longer where the
 * machine is so busy that `action`, which the test does with it, takes long.
 */
export async function briefLife(action: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await action()
  return 2 + Math.ceil(((performance.now() - started) / 1000) * 10)
}

/** Signs an access token of the user's session that lives for so many seconds. */
export async function briefToken(server: TestServer, { id: userId }: TestUser, lifetime: number): Promise<string> {
  const { id: sessionId } = await server.db.session.findFirstOrThrow({ where: { userId } })
  return createAccessTokens({ secret: server.config.JWT_SECRET ?? '', lifetime }).sign({ userId, sessionId })
}
