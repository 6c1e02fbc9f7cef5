import { randomUUID } from 'node:crypto'
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { tidyAttachments } from '../../src/modules/attachments/housekeeping.ts'
import { openFolder } from '../../src/modules/attachments/storage/folder.ts'
import { graphql, rest } from '../support/clients.ts'
import { atOnce, newProject, newTask } from '../support/factories.ts'
import { storedFiles, textFile } from '../support/files.ts'
import { addTo, type Person, signUpAt } from '../support/people.ts'
import { freshServerForTest, keepingLog, type OwnServer, sharedServer, type TestServer } from '../support/server.ts'
import { until } from '../support/wait.ts'

let server: TestServer
let owner: Person
let projectId: string
let taskId: string

beforeAll(async () => {
  server = await sharedServer()
  owner = await signUpAt(server, 'Owner')
  projectId = (await newProject(owner)).id
  taskId = (await newTask(owner, { projectId })).id
})

const UPLOAD = 'mutation ($id: ID!, $file: Upload!) { uploadAttachment(taskId: $id, file: $file) { id } }'
const send = ({ url }: { url: string }, bytes: number, method: 'POST' | 'PUT' = 'POST') =>
  rest({ url }, `${method} /tasks/${taskId}/attachments`, { token: owner.token, body: textFile('x'.repeat(bytes)) })

/** Opens an upload whose bytes the test sends itself. */
function openUpload(
  { url }: { url: string },
  headers: Record<string, string | number> = {},
  { token } = owner,
): { sent: ClientRequest; answer: Promise<IncomingMessage & { text: string }> } {
  const sent = request(`${url}/api/v1/tasks/${taskId}/attachments?filename=a.bin`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, ...headers },
  })
  const answer = new Promise<IncomingMessage & { text: string }>((resolve, reject) => {
    sent.once('error', reject)
    sent.once('response', async (response) => {
      let text = ''
      for await (const chunk of response) text += chunk
      resolve(Object.assign(response, { text }))
    })
  })
  answer.catch(() => undefined)
  return { sent, answer }
}

describe('UPLOAD_LIMIT', () => {
  let small: OwnServer

  test('refuses a file above it with 413, in any form, and leaves nothing', async () => {
    small = await freshServerForTest({ UPLOAD_LIMIT: '2048' })
    const before = storedFiles(small).length
    expect((await send(small, 2_048)).status).toBe(201)
    for (const method of ['POST', 'PUT'] as const) {
      const { status, body } = await send(small, 2_049, method)
      expect([status, body.detail]).toEqual([413, 'The body is larger than 2048 bytes (UPLOAD_LIMIT).'])
    }
    const { errors } = await graphql(small, UPLOAD, { id: taskId, file: textFile('x'.repeat(2_049)) }, owner)
    expect(errors?.[0]?.extensions.code).toBe('PAYLOAD_TOO_LARGE')
    // In chunks, so that no length tells.
    const { sent, answer } = openUpload(small)
    sent.end('x'.repeat(3_000))
    expect((await answer).statusCode).toBe(413)
    expect(storedFiles(small)).toHaveLength(before + 1)
  })

  test('refuses a declared length before a byte is sent', async () => {
    const { sent, answer } = openUpload(server, { 'content-length': 2 ** 31, expect: '100-continue' })
    let asked = false
    sent.once('continue', () => {
      asked = true
    })
    sent.flushHeaders()
    expect((await answer).statusCode).toBe(413)
    expect(asked).toBe(false)
    sent.destroy()
  })
})

describe('the body of an upload', () => {
  test('is not asked for before its sender is known and allowed', async () => {
    const viewer = await signUpAt(server, 'Viewer')
    await addTo(owner, projectId, viewer.email, 'VIEWER')
    for (const [token, status] of [
      ['garbage', 401],
      [viewer.token, 403],
    ] as const) {
      const { sent, answer } = openUpload(server, { 'content-length': 50_000_000, expect: '100-continue' }, {
        token,
      } as Person)
      sent.once('continue', () => sent.destroy(new Error('the body was asked for')))
      sent.flushHeaders()
      expect((await answer).statusCode).toBe(status)
      sent.destroy()
    }
    const { sent, answer } = openUpload(server, { 'content-length': 4, expect: '100-continue' })
    sent.once('continue', () => sent.end('text'))
    sent.flushHeaders()
    expect((await answer).statusCode).toBe(201)
  })

  test('may go on after a refusal, which its sender still gets', async () => {
    const { sent, answer } = openUpload(server, { 'content-length': 8_000_000 }, { token: 'garbage' } as Person)
    sent.write('x'.repeat(4_000_000))
    const { statusCode, headers, text } = await answer
    expect([statusCode, headers.connection]).toEqual([401, 'close'])
    expect(JSON.parse(text).code).toBe('UNAUTHENTICATED')
    sent.destroy()
  })

  test('leaves nothing if it is cut off', async () => {
    const before = storedFiles(server)
    const { sent, answer } = openUpload(server, { 'content-length': 8_000_000 })
    sent.write('x'.repeat(1_000_000))
    await until('the file is arriving', () => storedFiles(server).length > before.length)
    sent.destroy()
    await expect(answer).rejects.toThrow()
    await until('nothing is left', () => storedFiles(server).length === before.length)
    expect(await server.db.attachment.count({ where: { filename: 'a.bin', size: { gte: 1_000_000 } } })).toBe(0)
    expect(server.log.lines.filter(({ level }) => level === 'error')).toEqual([])
  })

  test('may take longer than a request, and counts for nothing once its sender may not attach', async () => {
    const slow = await freshServerForTest({ REQUEST_TIMEOUT: '1000' })
    const editor = await signUpAt(server, 'Editor')
    await addTo(owner, projectId, editor.email, 'EDITOR')
    const before = storedFiles(slow).length
    const { sent, answer } = openUpload(slow, {}, editor)
    sent.write('first')
    await until('the file is arriving', () => storedFiles(slow).length > before)
    await server.db.membership.deleteMany({ where: { userId: editor.id, projectId } })
    const started = Date.now()
    await until('the deadline of other requests has passed', () => Date.now() - started > 1_200)
    sent.end('last')
    const { statusCode, text } = await answer
    expect([statusCode, JSON.parse(text).code]).toEqual([404, 'NOT_FOUND'])
    expect(storedFiles(slow)).toHaveLength(before)
  })

  test('is answered with 408 if it takes longer than UPLOAD_TIMEOUT', async () => {
    const strict = await freshServerForTest({ UPLOAD_TIMEOUT: '1000' })
    const before = storedFiles(strict).length
    const { sent, answer } = openUpload(strict)
    sent.write('first')
    expect((await answer).statusCode).toBe(408)
    await until('nothing is left', () => storedFiles(strict).length === before)
  })
})

describe('the limits of space', () => {
  test('hold for uploads at once, and name their setting', async () => {
    const project = await newProject(owner)
    const own = await newTask(owner, { projectId: project.id })
    const tight = await freshServerForTest({ ATTACHMENTS_PROJECT_LIMIT: '40960' })
    const before = storedFiles(tight).length
    const answers = await atOnce(20, () =>
      rest(tight, `POST /tasks/${own.id}/attachments`, { token: owner.token, body: textFile('x'.repeat(10_000)) }),
    )
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(4)
    const refused = answers.filter(({ status }) => status === 409)
    expect(refused).toHaveLength(16)
    expect(refused[0]?.body).toMatchObject({
      detail: 'The limit is 40,960 bytes of attachments per project: delete some first (ATTACHMENTS_PROJECT_LIMIT).',
      errors: [{ path: ['body', 'file'], code: 'quota' }],
    })
    expect(storedFiles(tight)).toHaveLength(before + 4)
    // Elsewhere there is space.
    expect((await send(tight, 10_000)).status).toBe(201)
  })

  test('count all projects together, and an empty file as a block', async () => {
    const { used } = (
      await server.db.$queryRaw<[{ used: number }]>`
      SELECT sum(greatest("size", 4096))::float8 AS used FROM "Attachment"`
    )[0]
    const tight = await freshServerForTest({ ATTACHMENTS_LIMIT: String(used + 8_192) })
    const statuses = [await send(tight, 0), await send(tight, 0), await send(tight, 0)].map(({ status }) => status)
    expect(statuses).toEqual([201, 201, 409])
    const { sent, answer } = openUpload(tight, { 'content-length': 50_000_000, expect: '100-continue' })
    sent.flushHeaders()
    expect((await answer).text).toContain('(ATTACHMENTS_LIMIT)')
    sent.destroy()
  })
})

describe('housekeeping', () => {
  test('removes files without a row and rows without a file, but nothing recent', async () => {
    const files = await openFolder(join(server.config.DATA_DIR, randomUUID()))
    const root = join(server.config.DATA_DIR, randomUUID())
    const own = await openFolder(root)
    const [stray, cut, recent, kept, lost] = Array.from({ length: 5 }, () => randomUUID())
    const place = (id: string, folder = id.slice(-2)) => {
      mkdirSync(join(root, folder), { recursive: true })
      writeFileSync(join(root, folder, id), 'x')
      return join(root, folder, id)
    }
    const old = new Date('2020-01-01')
    for (const path of [place(stray!), place(kept!), place(cut!, 'arriving')]) utimesSync(path, old, old)
    place(recent!)
    const row = { taskId, projectId, filename: 'a', contentType: 'text/plain', size: 1, sha256: 'a'.repeat(64) }
    const ids = [kept!, lost!]
    await server.db.attachment.createMany({ data: ids.map((id) => ({ ...row, id, createdAt: old })) })
    const log = keepingLog()
    const left = async () => {
      const found: string[] = []
      for await (const { id } of own.list()) found.push(id)
      return found.sort()
    }
    const rows = () => server.db.attachment.count({ where: { id: { in: ids } } })

    // An empty storage is the wrong one.
    await tidyAttachments({ db: server.db, files, log })
    expect([await rows(), log.lines[0]?.message]).toEqual([2, expect.stringContaining('ATTACHMENTS_DIR')])

    expect(await tidyAttachments({ db: server.db, files: own, log })).toBe(3)
    expect(await left()).toEqual([kept, recent].sort())
    expect(await rows()).toBe(1)
    rmSync(root, { recursive: true })
  })
})
