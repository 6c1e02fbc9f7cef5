import { beforeAll, describe, expect, test } from 'vitest'
import { emailAddress } from '../../src/auth/email-address.ts'
import { rest } from '../support/clients.ts'
import { sharedServer, signUp, type TestServer } from '../support/server.ts'

let server: TestServer

beforeAll(async () => {
  server = await sharedServer()
})

const password = 'correct horse battery'
const unique = () => crypto.randomUUID().slice(0, 8)

test('an account with a Unicode address signs in with each form of its domain, and is one account', async () => {
  const local = `jürgen.${unique()}`
  const registered = await rest(server, 'POST /auth/register', {
    body: { email: `${local}@münchen.example`, name: 'Jürgen', password },
  })
  expect(registered.status, registered.text).toBe(201)
  const kept = `${local}@xn--mnchen-3ya.example`
  expect(registered.body.user.email).toBe(kept)
  for (const domain of ['münchen.example', 'MÜNCHEN.Example', 'mu\u0308nchen.example', 'xn--mnchen-3ya.EXAMPLE']) {
    const email = `${local}@${domain}`
    const signedIn = await rest(server, 'POST /auth/sign-in', { body: { email, password } })
    expect(signedIn.status, signedIn.text).toBe(200)
    const again = await rest(server, 'POST /auth/register', { body: { email, name: 'Another', password } })
    expect([again.status, again.body.code]).toEqual([409, 'CONFLICT'])
  }
  const form = new URLSearchParams({ grant_type: 'password', username: `${local}@münchen.example`, password })
  const oauth = await fetch(`${server.url}/api/v1/auth/token`, { method: 'POST', body: form })
  expect(oauth.status).toBe(200)
  const owner = await signUp(server)
  const project = (await rest(server, 'POST /projects', { token: owner.token, body: { name: 'A' } })).body
  const member = await rest(server, `POST /projects/${project.id}/members`, {
    token: owner.token,
    body: { email: `${local}@münchen.example`, role: 'VIEWER' },
  })
  expect(member.status, member.text).toBe(201)
})

describe('an address', () => {
  test.each([
    ['jürgen@münchen.de', 'jürgen@xn--mnchen-3ya.de'],
    ['Ada@Example.ORG', 'ada@example.org'],
    ['用户@例子.广告', '用户@xn--fsqu00a.xn--4rr70v'],
    ['x@straße.de', 'x@xn--strae-oqa.de'],
    ['x@strasse.de', 'x@strasse.de'],
    ['👍@ü.de', '👍@xn--tda.de'],
    // Another local part is another address: only ASCII letters have a case.
    ['Ärger@a.de', 'Ärger@a.de'],
  ])('%s is kept as %s, which stays as it is', (typed, kept) => {
    expect(emailAddress.parse(typed)).toBe(kept)
    expect(emailAddress.parse(kept)).toBe(kept)
  })

  test.each([
    'a@ü',
    'ü@localhost',
    '@ü.de',
    'ü',
    'a@ü..de',
    'a@münchen.de:80',
    'a@ü/x.de',
    'a b@ü.de',
    'a@ü b.de',
    'a\u0000@ü.de',
    'a\u200b@ü.de',
    'a\u202e@ü.de',
    'ju\u0308rgen@a.de',
    '\u212Aate@example.org',
    'kate@\u212Aate.org',
    'kate@\u212Aäte.org',
    '\u017Fam@example.org',
    'a@ｅxample.org',
    'a@b\u00adc.de',
    `${'ü'.repeat(125)}@a.de`,
  ])('%j is rejected', (typed) => {
    expect(emailAddress.safeParse(typed).success).toBe(false)
  })
})
