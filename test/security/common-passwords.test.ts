import { beforeAll, describe, expect, test } from 'vitest'
import { commonPasswordProblem } from '../../src/auth/common-passwords.ts'
import { hashPassword } from '../../src/auth/passwords.ts'
import { rest } from '../support/clients.ts'
import { newAccount } from '../support/people.ts'
import { sharedServer, signUp, type TestServer } from '../support/server.ts'

let server: TestServer

beforeAll(async () => {
  server = await sharedServer()
})

describe('a common password is rejected because it', () => {
  test.each([
    ['is one of the most common passwords', ['1234567890', 'PASSWORD123', 'qwertyuiop', '1q2w3e4r5t', 'Administrator']],
    [
      'is a common password with digits or symbols around it',
      ['Welcome2024!', '!!monkey12', 'michael1985', 'P4ssw0rd!!', 'letmein-2026', 'football1234567890'],
    ],
    ['is a common password with symbols in place of letters', ['b4sketb@ll', 'adm1n1strator', 'bask3tball']],
    ['is a row of neighboring keys or letters', ['0987654321', 'abcdefghijklm', 'zyxwvutsrqp', 'asdfghjklqwertz']],
    [
      'repeats a few characters',
      ['aaaaaaaaaaaa', '🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑', 'trustno1trustno1', 'adminadminad', 'xy!xy!xy!xy!'],
    ],
  ])('%s', (problem, passwords) => {
    for (const password of passwords) expect([password, commonPasswordProblem(password)]).toEqual([password, problem])
  })

  test('has full-width letters, which are equal to the others', () => {
    expect(commonPasswordProblem('ｐａｓｓｗｏｒｄ１２３')).toBeDefined()
  })
})

test.each([
  'correct horse battery',
  'demo-password',
  'a good one',
  'kx7#qzv9w2',
  '83749283740182',
  'пароль для друзей',
  '3f2504e0-4f89-11d3-9a0c-0305e82c3301',
  'password 3f2504e0-4f89-11d3-9a0c-0305e82c3301',
  'a line\nwith another',
])('%s is not a common password', (password) => {
  expect(commonPasswordProblem(password)).toBeUndefined()
})

test('says why, and what to choose instead, beside all other problems', async () => {
  const { status, body } = await rest(server, 'POST /auth/register', {
    body: { email: 'x', name: 'Ada', password: 'Welcome2024!' },
  })
  expect(status).toBe(422)
  expect(body.errors).toEqual([
    { path: ['body', 'email'], code: expect.any(String), message: expect.any(String) },
    {
      path: ['body', 'password'],
      code: 'common_password',
      message:
        'is a common password with digits or symbols around it: choose one that is harder to guess, such as several unrelated words',
    },
  ])
})

test('an old account with a weak password still signs in, and must choose a better one when it changes', async () => {
  const user = await signUp(server)
  const weak = 'monkey1'
  await server.db.user.update({ where: { id: user.id }, data: { passwordHash: await hashPassword(weak) } })
  const signedIn = await rest(server, 'POST /auth/sign-in', { body: { email: user.email, password: weak } })
  expect(signedIn.status, signedIn.text).toBe(200)
  const token = signedIn.body.accessToken
  const change = (newPassword: string) =>
    rest(server, 'POST /me/password', { token, body: { currentPassword: weak, newPassword } })
  expect((await change('password123')).body.errors).toMatchObject([
    { path: ['body', 'newPassword'], code: 'common_password' },
  ])
  expect((await change('monkey123')).body.errors).toMatchObject([{ path: ['body', 'newPassword'], code: 'too_small' }])
  expect((await change(newAccount().password)).status).toBe(204)
})
