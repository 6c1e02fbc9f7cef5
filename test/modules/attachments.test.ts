import { createHash, randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { graphql, rest } from '../support/clients.ts'
import { atOnce, cursorOf, eventsSince, newCast, newProject, newTask } from '../support/factories.ts'
import { storedFiles, textFile } from '../support/files.ts'
import { type Person, signUpAt } from '../support/people.ts'
import { sharedServer, type TestServer } from '../support/server.ts'
import { until } from '../support/wait.ts'

let server: TestServer
let owner: Person
let task: { id: string; key: string; projectId: string }

beforeAll(async () => {
  server = await sharedServer()
  owner = await signUpAt(server, 'Owner')
  const project = await newProject(owner)
  task = await newTask(owner, { projectId: project.id })
})

const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex')
const upload = (file: File, { token } = owner, call = `POST /tasks/${task.id}/attachments`, headers = {}) =>
  rest(server, call, { token, body: file, headers })
const bytesOf = (id: string, headers: Record<string, string> = {}) =>
  fetch(`${server.url}/api/v1/attachments/${id}/content`, {
    headers: { authorization: `Bearer ${owner.token}`, ...headers },
  })

describe('an upload', () => {
  test('in a form stores the bytes, and describes them', async () => {
    const { status, headers, body } = await upload(textFile('Some notes'))
    expect(status).toBe(201)
    expect(headers.get('location')).toBe(`/api/v1/attachments/${body.id}`)
    const described = { filename: 'notes.txt', contentType: 'text/plain', size: 10, sha256: sha256('Some notes') }
    expect(body).toMatchObject({ ...described, taskId: task.id, uploaderId: owner.id })
    expect(await (await bytesOf(body.id)).text()).toBe('Some notes')
    expect(storedFiles(server)).toContain(body.id)
    const { data } = await graphql(
      server,
      'query ($id: ID!) { task(id: $id) { attachments(first: 1) { totalCount nodes { id uploader { id } } } } }',
      { id: task.id },
      owner,
    )
    expect(data.task.attachments).toMatchObject({ nodes: [{ id: body.id, uploader: { id: owner.id } }] })
  })

  test.each([
    ['in a query parameter', 'POST', '?filename=%C3%BCber.txt', {}],
    ['in Content-Disposition', 'POST', '', { 'content-disposition': "attachment; filename*=UTF-8''%C3%BCber.txt" }],
    [
      'as raw UTF-8 in Content-Disposition',
      'PUT',
      '',
      { 'content-disposition': 'attachment; filename="\u00c3\u00bcber.txt"' },
    ],
    ['at the end of the path', 'PUT', '/%C3%BCber.txt', {}],
    ['as a path, of which the last part counts', 'PUT', '?filename=C%3A%5CUsers%5C%C3%BCber.txt', {}],
  ])('as bytes takes its name %s', async (_, method, suffix, headers) => {
    const raw = new Uint8Array(randomBytes(100_000))
    const { body, text } = await rest(server, `${method} /tasks/${task.key}/attachments${suffix}`, {
      token: owner.token,
      raw,
      headers,
    })
    expect(body, text).toMatchObject({
      filename: 'über.txt',
      contentType: 'application/octet-stream',
      sha256: sha256(Buffer.from(raw)),
    })
  })

  test('over GraphQL takes several files in their order', async () => {
    const query = `mutation ($id: ID!, $a: Upload!, $b: Upload!) {
      first: uploadAttachment(taskId: $id, file: $a) { filename size }
      second: uploadAttachment(taskId: $id, file: $b, filename: "other.txt") { filename size }
    }`
    const files = { a: textFile('1'), b: textFile('22') }
    const { data } = await graphql(server, query, { id: task.id, ...files }, owner)
    expect(data).toEqual({ first: { filename: 'notes.txt', size: 1 }, second: { filename: 'other.txt', size: 2 } })
    const { b, a } = files
    const swapped = await graphql(server, query, { id: task.id, b, a }, owner)
    expect(swapped.data).toMatchObject({ first: null })
    expect(swapped.errors?.[0]?.message).toContain('in the order in which the operation reads them')
  })

  test('is judged by its first bytes rather than by what the client says', async () => {
    const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')
    const { body } = await upload(new File([png], 'page.html', { type: 'text/html' }))
    expect(body.contentType).toBe('image/png')
    const page = await upload(new File(['<script>alert(1)</script>'], 'page.html', { type: 'text/html; charset=x' }))
    expect(page.body.contentType).toBe('text/html')
  })

  test('may be empty', async () => {
    const { body } = await upload(textFile(''))
    expect(body).toMatchObject({ size: 0, sha256: sha256('') })
    const answer = await bytesOf(body.id)
    expect([answer.status, await answer.text()]).toEqual([200, ''])
  })

  test.each([
    ['no file', [], 'file'],
    ['a text field', [['file', 'text']], 'file'],
    ['a field before the file', [['comment', 'text']], 'comment'],
    ['another file', [['picture', textFile()]], 'picture'],
    [
      'a second part',
      [
        ['file', textFile()],
        ['more', 'text'],
      ],
      'more',
    ],
    ['a name without a visible character', [['file', textFile('a', '\u200b')]], undefined],
    ['too long a name', [['file', textFile('a', 'x'.repeat(256))]], undefined],
    ['the name of a folder', [['file', textFile('a', 'a/..')]], undefined],
  ] as [string, [string, string | File][], string | undefined][])('with %s leaves nothing', async (_, parts, at) => {
    const before = storedFiles(server).length
    const form = new FormData()
    for (const [name, value] of parts) form.append(name, value)
    const { status, body, text } = await rest(server, `POST /tasks/${task.id}/attachments`, {
      token: owner.token,
      raw: form,
    })
    expect(status, text).toBe(422)
    expect(body.errors[0].path).toEqual(at === undefined ? ['query', 'filename'] : ['body', at])
    expect(storedFiles(server)).toHaveLength(before)
  })

  test('without a name is refused before its bytes are read', async () => {
    const { status, body } = await rest(server, `POST /tasks/${task.id}/attachments`, {
      token: owner.token,
      raw: 'text',
    })
    expect([status, body.errors]).toEqual([
      422,
      [{ path: ['query', 'filename'], code: 'required', message: 'is required: name the file' }],
    ])
  })

  test.each([
    ['no boundary', 'multipart/form-data', 'x'],
    [
      'no end',
      'multipart/form-data; boundary=x',
      '--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\ntext',
    ],
    ['no parts', 'multipart/form-data; boundary=x', 'nothing of the kind'],
    [
      'a part without a name',
      'multipart/form-data; boundary=x',
      '--x\r\nContent-Disposition: form-data\r\n\r\ntext\r\n--x--\r\n',
    ],
    [
      'a file without a name',
      'multipart/form-data; boundary=x',
      '--x\r\nContent-Disposition: form-data; filename="a"\r\n\r\ntext\r\n--x--\r\n',
    ],
  ])('in a form with %s is a BAD_REQUEST and leaves nothing', async (_, type, raw) => {
    const before = storedFiles(server).length
    const headers = { 'content-type': type }
    const { status, text } = await rest(server, `POST /tasks/${task.id}/attachments`, {
      token: owner.token,
      raw,
      headers,
    })
    expect(status, text).toBe(400)
    const { errors } = await graphql(server, '{ me { id } }', {}, { token: owner.token, headers })
    expect(errors?.[0]?.extensions.code).toBe('BAD_REQUEST')
    expect(storedFiles(server)).toHaveLength(before)
  })

  test('with a content coding is refused', async () => {
    const headers = { 'content-encoding': 'gzip' }
    const { status } = await upload(textFile(), owner, `PUT /tasks/${task.id}/attachments`, headers)
    expect(status).toBe(415)
  })

  test('with an Idempotency-Key happens once, and the key is bound to the bytes', async () => {
    const before = storedFiles(server).length
    const send = (text: string) => upload(textFile(text), owner, undefined, { 'idempotency-key': 'the-same-file' })
    const [first, again, other] = [await send('one'), await send('one'), await send('two')]
    expect([first.status, again.status, other.status]).toEqual([201, 201, 422])
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(again.body).toEqual(first.body)
    expect(other.body.code).toBe('IDEMPOTENCY_KEY_REUSED')
    const query = 'mutation ($id: ID!, $file: Upload!) { uploadAttachment(taskId: $id, file: $file) { id } }'
    const keyed = { token: owner.token, headers: { 'idempotency-key': 'over-graphql' } }
    const variables = { id: task.id, file: textFile('three') }
    const answers = [await graphql(server, query, variables, keyed), await graphql(server, query, variables, keyed)]
    expect(answers[1]?.data).toEqual(answers[0]?.data)
    expect(storedFiles(server)).toHaveLength(before + 2)
  })
})

describe('the life of an attachment', () => {
  test('is in the log, and a deleted one takes its file along', async () => {
    const cursor = await cursorOf(owner)
    const { body } = await upload(textFile('short lived'))
    const gone = await rest(server, `DELETE /attachments/${body.id}`, owner)
    expect(gone.status).toBe(204)
    expect((await bytesOf(body.id)).status).toBe(404)
    await until('the file is gone', () => !storedFiles(server).includes(body.id))
    const told = await eventsSince(owner, cursor, body.id)
    expect(told.map(({ type, actorId }) => [type, actorId])).toEqual([
      ['attachment.created', owner.id],
      ['attachment.deleted', owner.id],
    ])
    expect(told[0]?.changes).toMatchObject({ filename: [null, 'notes.txt'], size: [null, 11], taskId: [null, task.id] })
    expect(JSON.stringify(told)).not.toContain(body.sha256)
  })

  test('ends with its task and with its project', async () => {
    const project = await newProject(owner)
    const [first, second] = await atOnce(2, () => newTask(owner, { projectId: project.id }))
    const files = await atOnce(2, (index) =>
      upload(textFile('x'), owner, `POST /tasks/${[first, second][index].id}/attachments`),
    )
    const [one, two] = files.map(({ body }) => body.id)
    await server.db.task.delete({ where: { id: first.id } })
    await rest(server, `DELETE /projects/${project.id}`, owner)
    await until('both files are gone', () => !storedFiles(server).some((name) => [one, two].includes(name)))
  })

  test('follows its task to another project', async () => {
    const target = await newProject(owner)
    const own = await newTask(owner, { projectId: task.projectId })
    const { body } = await upload(textFile('x'), owner, `POST /tasks/${own.id}/attachments`)
    await rest(server, `POST /tasks/${own.id}/move`, { token: owner.token, body: { projectId: target.id } })
    expect((await server.db.attachment.findUniqueOrThrow({ where: { id: body.id } })).projectId).toBe(target.id)
  })

  test('stays as it is while the project is archived', async () => {
    const cast = await newCast(server)
    const own = await newTask(cast.people.EDITOR, { projectId: cast.projectId })
    const path = `/tasks/${own.id}/attachments`
    const { body } = await upload(textFile('x'), cast.people.EDITOR, `POST ${path}`)
    await rest(server, `POST /projects/${cast.projectId}/archive`, cast.people.OWNER)
    expect((await upload(textFile('y'), cast.people.EDITOR, `POST ${path}`)).body.code).toBe('CONFLICT')
    expect((await rest(server, `DELETE /attachments/${body.id}`, cast.people.EDITOR)).body.code).toBe('CONFLICT')
    expect((await rest(server, `GET ${path}`, cast.people.VIEWER)).body.nodes).toHaveLength(1)
  })
})
