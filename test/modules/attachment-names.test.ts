import { beforeAll, describe, expect, test } from 'vitest'
import { rest } from '../support/clients.ts'
import { atOnce, newProject, newTask } from '../support/factories.ts'
import { storedFiles, textFile } from '../support/files.ts'
import { type Person, signUpAt } from '../support/people.ts'
import { sharedServer, type TestServer } from '../support/server.ts'

let server: TestServer
let owner: Person

beforeAll(async () => {
  server = await sharedServer()
  owner = await signUpAt(server, 'Owner')
})

const upload = (body: File, path: string) => rest(server, `POST ${path}`, { token: owner.token, body })

describe('hostile file names', () => {
  const NAMES = [
    '../../../../etc/passwd',
    '..\\..\\boot.ini',
    '/etc/shadow',
    'C:\\con',
    'a/../../b',
    '....//....//x',
    '%2e%2e%2fx',
    'con',
    'NUL.txt',
    'aux',
    'COM1.log',
    'file.txt:stream',
    'name.',
    'name ',
    '~',
    '-rf',
    '$(id)',
    '`id`',
    '|id',
    ';id',
    'a\u202egnp.exe',
    '\ufeffbom',
    'e\u0301',
    '\uff0e\uff0e\uff0fetc',
    'a\u0000b',
    'a\nb',
    'a"b',
    "a'b",
    'a;filename=b',
    '.htaccess',
    '\ud83d\ude00'.repeat(60),
    'x'.repeat(255),
    'x'.repeat(1_000),
    '<img src=x>',
    '{{7*7}}',
    '.',
    '..',
    '/',
    '\\',
    '',
  ]

  test('land nowhere but in the folder of files, under the id', async () => {
    const before = new Set(storedFiles(server))
    const project = await newProject(owner)
    const own = await newTask(owner, { projectId: project.id })
    const answers = await atOnce(NAMES.length * 3, (index) => {
      const name = `${NAMES[index % NAMES.length]}`
      const path = `/tasks/${own.id}/attachments`
      if (index < NAMES.length)
        return rest(server, `PUT ${path}?filename=${encodeURIComponent(name)}`, { token: owner.token, raw: 'x' })
      if (index < NAMES.length * 2) return upload(textFile('x', name), path)
      return upload(textFile('x', `${'../'.repeat(index % 7)}${name}`), path)
    })
    for (const { status, text } of answers) expect([201, 422], text).toContain(status)
    const created = answers.flatMap(({ body }) => body.id ?? [])
    expect(
      storedFiles(server)
        .filter((name) => !before.has(name))
        .sort(),
    ).toEqual(created.sort())
    for (const { body } of answers.filter(({ status }) => status === 201)) {
      expect(body.filename).not.toMatch(/[/\\\p{Cc}\u202e]|^\.{1,2}$/u)
      const disposition =
        (await rest(server, `HEAD /attachments/${body.id}/content`, owner)).headers.get('content-disposition') ?? ''
      expect(disposition).toMatch(/^attachment; filename/)
      expect(disposition).toMatch(/^[\x20-\x7e]*$/)
    }
  })
})
