import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

export interface ProviderKey {
  kid: string
  alg: string
  privateKey: CryptoKey
  /** The public key as PEM, known to attackers. */
  pem: string
  jwk: object
}

export const ISSUER = 'https://login.example'
export const AUDIENCE = 'taskwire-test'

/** Opens an external identity provider that publishes its keys at a URL. */
export async function openProvider() {
  const keys = new Map<string, ProviderKey>()
  let fetches = 0
  const server = createServer((_request, response) => {
    fetches++
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ keys: [...keys.values()].map(({ jwk }) => jwk) }))
  })
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  await listen(0)
  const { port } = server.address() as AddressInfo

  return {
    settings: { JWT_JWKS_URL: `http://127.0.0.1:${port}/jwks.json`, JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE },
    /** Number of requests for the keys. */
    get fetches() {
      return fetches
    },
    publish(key: ProviderKey): ProviderKey {
      keys.set(key.kid, key)
      return key
    },
    withdraw: (key: ProviderKey) => void keys.delete(key.kid),
    goDown() {
      server.closeAllConnections()
      return new Promise<void>((resolve) => server.close(() => resolve()))
    },
    comeUp: () => listen(port),
    async close() {
      server.closeAllConnections()
      if (server.listening) await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

export async function makeKey(alg: string, kid: string): Promise<ProviderKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }
  return { kid, alg, privateKey, pem: await exportSPKI(publicKey), jwk }
}

/** Signs a valid provider token with changed claims. An undefined claim is omitted. */
export function providerToken(key: ProviderKey, change: JWTPayload = {}, header: object = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: ISSUER, aud: AUDIENCE, iat: now, exp: now + 300, ...change }
  const payload = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))
  return new SignJWT(payload).setProtectedHeader({ alg: key.alg, kid: key.kid, ...header }).sign(key.privateKey)
}
