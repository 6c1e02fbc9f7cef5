import { createHmac, generateKeyPairSync, randomUUID } from 'node:crypto'
import jwt from 'jsonwebtoken'
import type { DoorName } from '../support/doors.ts'

/** Input for forging tokens: everything an attacker could know, and in places the secret itself. */
export interface Facts {
  secret: string
  /** A valid access token of the victim. */
  token: string
  refreshToken: string
  /** A stream ticket of the victim. */
  ticket: string
  /** Claims of a valid access token of another user. */
  other: { sub: string; sid: string }
  /** Claims of sessions that are no longer valid, by reason. */
  dead: Record<'ended' | 'expired' | 'disabled' | 'deleted', { sub: string; sid: string }>
}

export interface Hostile {
  name: string
  make(facts: Facts): string
  /** Doors that legitimately accept this token. */
  except?: DoorName[]
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const rsaPem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString()
const jwk = rsa.publicKey.export({ format: 'jwk' })

const now = () => Math.floor(Date.now() / 1000)
const base64 = (text: string) => Buffer.from(text).toString('base64url')
const encode = (part: unknown) => base64(JSON.stringify(part))
const claimsOf = ({ token }: Facts) => jwt.decode(token) as jwt.JwtPayload
const without = (claims: object, ...names: string[]) =>
  Object.fromEntries(Object.entries(claims).filter(([name]) => !names.includes(name)))

/** Signs arbitrary text as header and payload, because libraries refuse most of these. */
function handmade(header: string, payload: string, key: string, hash = 'sha256'): string {
  const signed = `${base64(header)}.${base64(payload)}`
  return `${signed}.${createHmac(hash, key).update(signed).digest('base64url')}`
}

const HEADER = '{"alg":"HS256","typ":"JWT"}'
/** Re-signs our token with changed claims. */
const claiming = (change: object) => (facts: Facts) =>
  handmade(HEADER, JSON.stringify({ ...claimsOf(facts), ...change }), facts.secret)
const lacking = (name: string) => (facts: Facts) =>
  handmade(HEADER, JSON.stringify(without(claimsOf(facts), name)), facts.secret)
/** Re-signs our token with a changed header. */
const headed = (header: object) => (facts: Facts) =>
  handmade(JSON.stringify({ alg: 'HS256', typ: 'JWT', ...header }), JSON.stringify(claimsOf(facts)), facts.secret)
/** Signs valid claims with the attacker's key, under a header meant to make the server use it. */
const persuading =
  (header: object, key = 'a key that the attacker knows, long enough') =>
  (facts: Facts) =>
    handmade(JSON.stringify({ alg: 'HS256', typ: 'JWT', ...header }), JSON.stringify(claimsOf(facts)), key)
const unsigned = (header: object) => (facts: Facts) => `${encode(header)}.${encode(claimsOf(facts))}.`
/** Changes the payload as JSON text, for values that JSON.stringify cannot write. */
const worded = (change: (json: string) => string) => (facts: Facts) =>
  handmade(HEADER, change(JSON.stringify(claimsOf(facts))), facts.secret)
const parts = ({ token }: Facts) => token.split('.') as [string, string, string]
const signedBy = (algorithm: jwt.Algorithm, key: jwt.Secret) => (facts: Facts) =>
  jwt.sign(claimsOf(facts), key, { algorithm })

const list: [string, (facts: Facts) => string, DoorName[]?][] = [
  // No signature.
  ['alg none', unsigned({ alg: 'none', typ: 'JWT' })],
  ['alg None', unsigned({ alg: 'None', typ: 'JWT' })],
  ['alg NONE', unsigned({ alg: 'NONE', typ: 'JWT' })],
  ['alg nOnE', unsigned({ alg: 'nOnE', typ: 'JWT' })],
  ['alg none with a signature', (facts) => `${unsigned({ alg: 'none' })(facts)}${parts(facts)[2]}`],
  ['an empty alg', unsigned({ alg: '', typ: 'JWT' })],
  ['alg null', unsigned({ alg: null, typ: 'JWT' })],
  ['alg as an array', unsigned({ alg: ['HS256', 'none'], typ: 'JWT' })],
  ['no alg', unsigned({ typ: 'JWT' })],
  ['an empty signature', (facts) => `${parts(facts)[0]}.${parts(facts)[1]}.`],
  ['a token without signature and last dot', (facts) => `${parts(facts)[0]}.${parts(facts)[1]}`],
  ['a token truncated by one character', (facts) => facts.token.slice(0, -1)],
  ['a token truncated in the middle', (facts) => facts.token.slice(0, facts.token.length / 2)],
  ['a token with one signature bit changed', (facts) => flip(facts.token)],
  ['padding after the signature', (facts) => `${facts.token}=`],
  ['a fourth part after the signature', (facts) => `${facts.token}.${parts(facts)[2]}`],
  // Algorithms and keys.
  ['HS384 with our secret', (facts) => signedBy('HS384', facts.secret)(facts)],
  ['HS512 with our secret', (facts) => signedBy('HS512', facts.secret)(facts)],
  ['hs256 in lower case', headed({ alg: 'hs256' })],
  ['RS256 with a key pair of the attacker', signedBy('RS256', rsa.privateKey)],
  ['PS256 with a key pair of the attacker', signedBy('PS256', rsa.privateKey)],
  ['ES256 with a key pair of the attacker', signedBy('ES256', ec.privateKey)],
  ['HS256 signed with a public key', persuading({}, rsaPem)],
  ['alg RS256 over a signature with our secret', headed({ alg: 'RS256' })],
  ['another secret', persuading({})],
  ['an empty secret', persuading({}, '')],
  ['a payload changed under the old signature', (facts) => payloadOf(facts, { exp: now() + 99_999 })],
  // Headers that bring or name a key.
  ['a kid that is a path', persuading({ kid: '../../../../dev/null' }, '')],
  ['a kid that is SQL', persuading({ kid: "x' UNION SELECT 'a key that the attacker knows, long enough" })],
  ['a kid that is a URL', persuading({ kid: 'http://127.0.0.1:9/key' })],
  ['a kid that is a command', persuading({ kid: '|cat /etc/hostname' })],
  ['a kid that is a prototype', persuading({ kid: '__proto__' })],
  ['a jku of the attacker', persuading({ jku: 'http://127.0.0.1:9/jwks.json', kid: '1' })],
  ['an x5u of the attacker', persuading({ x5u: 'http://127.0.0.1:9/chain.pem' })],
  ['an embedded x5c', persuading({ x5c: ['MIIB'] })],
  ['an embedded jwk', (facts) => jwt.sign(claimsOf(facts), rsa.privateKey, { header: { alg: 'RS256', jwk } as never })],
  // Headers that change what is signed, or what it means.
  ['typ at+jwt', headed({ typ: 'at+jwt' })],
  ['typ JWE', headed({ typ: 'JWE' })],
  ['typ null', headed({ typ: null })],
  ['an unknown critical extension', headed({ crit: ['urgent'], urgent: true })],
  ['an empty crit', headed({ crit: [] })],
  ['b64 false, declared critical', headed({ b64: false, crit: ['b64'] })],
  ['b64 false with an unencoded payload', (facts) => notEncoded(facts)],
  ['a header that is not an object', (facts) => handmade('[]', JSON.stringify(claimsOf(facts)), facts.secret)],
  ['a header that is not JSON', (facts) => handmade('{"alg":', JSON.stringify(claimsOf(facts)), facts.secret)],
  [
    'a header with alg twice',
    (facts) => handmade('{"alg":"HS256","alg":"none"}', JSON.stringify(claimsOf(facts)), facts.secret),
  ],
  // Times.
  ['no exp', lacking('exp')],
  ['exp null', claiming({ exp: null })],
  ['exp as a string', claiming({ exp: String(now() + 900) })],
  ['exp as an array', claiming({ exp: [now() + 900] })],
  ['exp true', claiming({ exp: true })],
  ['exp a second ago', claiming({ exp: now() - 1 })],
  ['exp 0', claiming({ exp: 0 })],
  ['exp before 1970', claiming({ exp: -1 })],
  ['exp at infinity', worded((json) => json.replace(/"exp":\d+/, '"exp":1e400'))],
  ['exp twice, the last one in the past', worded((json) => json.replace(/\}$/, ',"exp":1}'))],
  ['nbf in the future', claiming({ nbf: now() + 60 })],
  ['nbf as a string', claiming({ nbf: 'now' })],
  ['iat in the future', claiming({ iat: now() + 3_600, exp: now() + 7_200 })],
  // Other claims.
  ['another issuer', claiming({ iss: 'https://attacker.example' })],
  ['an array of issuers', claiming({ iss: ['taskwire'] })],
  ['no issuer', lacking('iss')],
  ['another audience', claiming({ aud: 'somebody' })],
  ['an array of audiences, ours among them', claiming({ aud: ['somebody', 'taskwire'] })],
  ['an array of our audience alone', claiming({ aud: ['taskwire'] })],
  ['the audience of tickets', claiming({ aud: 'taskwire:stream' }), ['REST stream by ticket']],
  ['no audience', lacking('aud')],
  ['no subject', lacking('sub')],
  ['a subject as an object', claiming({ sub: { not: '' } })],
  ['a subject that is not an id', claiming({ sub: "x' OR '1'='1" })],
  ['a subject with a NUL', claiming({ sub: '\u0000' })],
  ['no session', lacking('sid')],
  ['a session as an object', claiming({ sid: { not: '' } })],
  ['a session that is not an id', claiming({ sid: 'the first' })],
  ['an unknown session', claiming({ sid: randomUUID() })],
  ['a subject of another user', (facts) => claiming({ sub: facts.other.sub })(facts)],
  ['a session of another user', (facts) => claiming({ sid: facts.other.sid })(facts)],
  [
    'the subject twice, the last one of another user',
    (facts) => worded((json) => json.replace(/\}$/, `,"sub":"${facts.other.sub}"}`))(facts),
  ],
  ['a session that was ended', (facts) => claiming(facts.dead.ended)(facts)],
  ['a session that has expired', (facts) => claiming(facts.dead.expired)(facts)],
  ['a disabled user', (facts) => claiming(facts.dead.disabled)(facts)],
  ['a deleted user', (facts) => claiming(facts.dead.deleted)(facts)],
  // Payloads that are not claims.
  ['a payload that is a string', (facts) => handmade(HEADER, '"let me in"', facts.secret)],
  ['a payload that is an array', (facts) => handmade(HEADER, JSON.stringify([claimsOf(facts)]), facts.secret)],
  ['a payload that is null', (facts) => handmade(HEADER, 'null', facts.secret)],
  ['a payload that is not JSON', (facts) => handmade(HEADER, '{"sub":', facts.secret)],
  ['an empty payload', (facts) => handmade(HEADER, '', facts.secret)],
  ['a token within a token', (facts) => handmade('{"alg":"HS256","typ":"JWT","cty":"JWT"}', facts.token, facts.secret)],
  // Credentials in the wrong place.
  ['a stream ticket', ({ ticket }) => ticket, ['REST stream by ticket']],
  ['an access token as a ticket', ({ token }) => token, everyDoorButTicket()],
  ['a refresh token', ({ refreshToken }) => refreshToken, ['refresh token']],
  ['an unknown API key', () => `tw_${'A'.repeat(43)}`],
  ['a truncated API key', () => `tw_${'A'.repeat(42)}`],
  ['the bare prefix of API keys', () => 'tw_'],
  // Text that is not a token.
  ['nothing', () => ''],
  ['dots', () => '...'],
  ['two tokens', ({ token }) => `${token},${token}`],
  ['a token with a space in it', ({ token }) => token.replace('.', '. ')],
  ['a token with a repeated scheme', ({ token }) => `Bearer ${token}`],
  ['a token with a tab', ({ token }) => token.replace('.', '\t.')],
  ['a token with a line break', ({ token }) => token.replace('.', '.\r\n')],
  ['a token with a NUL', ({ token }) => token.replace('.', '.\u0000')],
  ['a token with full-width dots', ({ token }) => token.replaceAll('.', '\uff0e')],
  ['emoji', () => '🔑.🔑.🔑'],
  ['lone surrogates', () => '\ud83d.\ud83d.\ud83d'],
  ['a token of 12,000 characters', ({ token }) => token + 'A'.repeat(12_000)],
  ['SQL', () => "' OR 1=1 --"],
]

export const CORPUS: Hostile[] = list.map(([name, make, except]) => ({ name, make, ...(except && { except }) }))

function everyDoorButTicket(): DoorName[] {
  return [
    'GraphQL over HTTP',
    'REST',
    'REST stream',
    'GraphQL stream',
    'websocket, authorization',
    'websocket, header',
    'renewConnection',
  ]
}

function flip(token: string): string {
  const at = token.lastIndexOf('.') + 5
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
}

function payloadOf(facts: Facts, change: object): string {
  const [header, , signature] = parts(facts)
  return `${header}.${encode({ ...claimsOf(facts), ...change })}.${signature}`
}

/** Builds a token with an unencoded payload (RFC 7797). */
function notEncoded(facts: Facts): string {
  const signed = `${encode({ alg: 'HS256', b64: false, crit: ['b64'] })}.${JSON.stringify(claimsOf(facts))}`
  return `${signed}.${createHmac('sha256', facts.secret).update(signed).digest('base64url')}`
}
