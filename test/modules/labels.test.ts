import { beforeAll, expect, test } from 'vitest'
import { rest } from '../support/clients.ts'
import {
  atOnce,
  type Cast,
  cursorOf,
  eventsSince,
  expectRefused,
  INSTANT,
  MISSING,
  newCast,
  newKey,
  newLabel,
  newProject,
  newTask,
  readTask,
} from '../support/factories.ts'
import { type Caller, data, describeApi } from '../support/operations.ts'
import { sharedServer, type TestServer } from '../support/server.ts'

let server: TestServer
let cast: Cast
let owner: Caller
let projectId: string

beforeAll(async () => {
  server = await sharedServer()
  cast = await newCast(server)
  owner = cast.people.OWNER
  projectId = cast.projectId
})

const labelsOf = (project: string) =>
  server.db.label.findMany({ where: { projectId: project }, orderBy: { id: 'asc' } })
/** Returns a unique label name. */
const newName = () => `Name ${newKey()}`

describeApi('labels', (api) => {
  test('look the same to a stranger whether hidden or missing', async () => {
    const { id } = await newLabel(owner, projectId)
    for (const one of [id, MISSING, 'nothing', '\u0000']) {
      expectRefused(await api.updateLabel(cast.people.stranger, one, { name: 'A' }), 'NOT_FOUND', ['id'])
      expectRefused(await api.deleteLabel(cast.people.stranger, one, 1), 'NOT_FOUND', ['id'])
    }
    for (const one of [projectId, MISSING, 'nothing', '\u0000']) {
      expectRefused(await api.listLabels(cast.people.stranger, one), 'NOT_FOUND', ['projectId'])
      expectRefused(await api.createLabel(cast.people.stranger, one, { name: 'A' }), 'NOT_FOUND', ['projectId'])
    }
  })

  test('are created with a name and a color, gray by default', async () => {
    const { id } = await newProject(owner)
    const cursor = await cursorOf(owner)
    const red = data(await api.createLabel(owner, id, { name: '  Ships  today ', color: '#FF00aa' }))
    expect(red).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{14}7/),
      projectId: id,
      name: 'Ships  today',
      color: '#ff00aa',
      version: 1,
      createdAt: expect.stringMatching(INSTANT),
      updatedAt: expect.stringMatching(INSTANT),
    })
    const gray = data(await api.createLabel(owner, id, { name: 'Gray' }))
    expect(gray.color).toMatch(/^#[0-9a-f]{6}$/)
    expect(data(await api.listLabels(owner, id)).nodes).toEqual([gray, red])
    expect(await eventsSince(owner, cursor)).toEqual([
      {
        type: 'label.created',
        subjectId: red.id,
        projectId: id,
        version: 1,
        actorId: cast.people.OWNER.id,
        changes: { name: [null, 'Ships  today'], color: [null, '#ff00aa'] },
      },
      expect.objectContaining({ type: 'label.created', subjectId: gray.id, version: 1 }),
    ])
  })

  test('have names that are unique within a project, ignoring case and how accents are encoded', async () => {
    const [one, two] = [await newProject(owner), await newProject(owner)]
    const made = data(await api.createLabel(owner, one.id, { name: 'Übung' }))
    const other = data(await api.createLabel(owner, one.id, { name: 'Other' }))
    for (const name of ['Übung', 'übung', 'ÜBUNG', ' Übung ', 'U\u0308BUNG']) {
      expectRefused(await api.createLabel(owner, one.id, { name }), 'CONFLICT', ['name'])
      expectRefused(await api.updateLabel(owner, other.id, { name }), 'CONFLICT', ['name'])
    }
    for (const [name = '', same = ''] of [
      ['Straße', 'STRASSE'],
      ['Σίσυφος', 'ΣΊΣΥΦΟΣ'],
    ]) {
      data(await api.createLabel(owner, two.id, { name }))
      expectRefused(await api.createLabel(owner, two.id, { name: same }), 'CONFLICT', ['name'])
    }
    for (const name of ['übung', 'Ubung']) data(await api.createLabel(owner, two.id, { name }))
    // A label may change the case of its own name.
    expect(data(await api.updateLabel(owner, made.id, { name: 'ÜBUNG' }))).toMatchObject({ name: 'ÜBUNG', version: 2 })
    expect((await labelsOf(one.id)).map(({ name }) => name)).toEqual(['ÜBUNG', 'Other'])
  })

  test('are created once when 20 requests with the same name race', async () => {
    const { id } = await newProject(owner)
    const outcomes = await atOnce(20, (index) => api.createLabel(owner, id, { name: index % 2 ? 'Same' : 'SAME' }))
    expect(outcomes.map((outcome) => outcome.error?.code).sort()).toEqual([...Array(19).fill('CONFLICT'), undefined])
    expect(await labelsOf(id)).toHaveLength(1)
  })

  test.each<[string, Record<string, unknown>, string[]]>([
    ['no name', { color: '#ffffff' }, ['name']],
    ['an empty name', { name: '' }, ['name']],
    ['a name of white space', { name: ' \n ' }, ['name']],
    ['a name of 51 characters', { name: 'x'.repeat(51) }, ['name']],
    ['a name with a NUL', { name: 'a\u0000b' }, ['name']],
    ['a name with a lone surrogate', { name: 'a\ud800' }, ['name']],
    ['a number for a name', { name: 5 }, ['name']],
    ['a color in words', { name: 'A', color: 'red' }, ['color']],
    ['a color of three digits', { name: 'A', color: '#fff' }, ['color']],
    ['a color of eight digits', { name: 'A', color: '#ffffffff' }, ['color']],
    ['a color without its #', { name: 'A', color: 'ffffff' }, ['color']],
    ['a color with digits that are not hexadecimal', { name: 'A', color: '#gggggg' }, ['color']],
    ['a color followed by a line break', { name: 'A', color: '#ffffff\n' }, ['color']],
    ['an unknown field', { name: 'A', icon: 'star' }, ['icon']],
    ['several invalid fields', { name: '', color: 'red' }, ['color', 'name']],
  ])('are rejected with %s', async (_what, input, fields) => {
    const label = await newLabel(owner, projectId)
    const before = await labelsOf(projectId)
    expectRefused(await api.createLabel(owner, projectId, input), 'VALIDATION_FAILED', fields)
    // Updates may omit the name.
    if (input.name !== undefined)
      expectRefused(await api.updateLabel(owner, label.id, input), 'VALIDATION_FAILED', fields)
    expect(await labelsOf(projectId)).toEqual(before)
  })

  test('have names of up to 50 characters, where an emoji counts as one', async () => {
    const name = `${'🌉'.repeat(42)}${newKey()}`
    expect([...name]).toHaveLength(50)
    expect(data(await api.createLabel(owner, projectId, { name }))).toMatchObject({ name })
  })

  test('are updated only from the expected version, and log what changed', async () => {
    const label = await newLabel(owner, projectId)
    const cursor = await cursorOf(owner)
    const name = newName()
    expect(data(await api.updateLabel(owner, label.id, { name }, 1))).toMatchObject({
      name,
      color: label.color,
      version: 2,
    })
    expectRefused(await api.updateLabel(owner, label.id, { name: newName() }, 1), 'PRECONDITION_FAILED', [
      'expectedVersion',
    ])
    data(await api.updateLabel(owner, label.id.toUpperCase(), { color: '#000000' }))
    // An update to the current values does not change the version.
    expect(data(await api.updateLabel(owner, label.id, { name, color: '#000000' }))).toMatchObject({ version: 3 })
    expect(data(await api.updateLabel(owner, label.id, {}))).toMatchObject({ version: 3 })
    for (const field of ['name', 'color'])
      expectRefused(await api.updateLabel(owner, label.id, { [field]: null }), 'VALIDATION_FAILED', [field])
    expectRefused(await api.deleteLabel(owner, label.id, 2), 'PRECONDITION_FAILED', ['expectedVersion'])
    expect(await eventsSince(owner, cursor, label.id)).toMatchObject([
      { type: 'label.updated', version: 2, changes: { name: [label.name, name] } },
      { type: 'label.updated', version: 3, changes: { color: [label.color, '#000000'] } },
    ])
  })

  test('are updated once when 20 requests expect the same version', async () => {
    const { id } = await newLabel(owner, projectId)
    const outcomes = await atOnce(20, () => api.updateLabel(owner, id, { name: newName() }, 1))
    const codes = outcomes.map((outcome) => outcome.error?.code).sort()
    expect(codes).toEqual([...Array(19).fill('PRECONDITION_FAILED'), undefined])
  })

  test('are removed from their tasks when deleted, with one event per task', async () => {
    const { id } = await newProject(owner)
    const [label, kept] = [await newLabel(owner, id), await newLabel(owner, id)]
    const labelled = [
      await newTask(owner, { projectId: id, labelIds: [label.id, kept.id] }),
      await newTask(owner, { projectId: id, labelIds: [label.id] }),
    ]
    const trashed = await newTask(owner, { projectId: id, labelIds: [label.id] })
    data(await api.deleteTask(owner, trashed.id))
    const other = await newTask(owner, { projectId: id, labelIds: [kept.id] })
    const cursor = await cursorOf(owner)
    data(await api.deleteLabel(cast.people.ADMIN, label.id, 1))
    expect(await readTask(owner, labelled[0].id)).toMatchObject({ labelIds: [kept.id], version: 2 })
    expect(await readTask(owner, labelled[1].id)).toMatchObject({ labelIds: [], version: 2 })
    expect(await readTask(owner, other.id)).toEqual(other)
    const events = await eventsSince(owner, cursor)
    const [deleted, ...updated] = [...events].sort((a, b) => a.type.localeCompare(b.type))
    const actorId = cast.people.ADMIN.id
    expect(deleted).toMatchObject({ type: 'label.deleted', subjectId: label.id, projectId: id, actorId, changes: {} })
    const updateOf = (task: { id: string }, from: string[], to: string[], version: number) =>
      expect.objectContaining({
        type: 'task.updated',
        subjectId: task.id,
        version,
        actorId,
        changes: { labelIds: [from, to] },
      })
    expect(updated).toHaveLength(3)
    expect(updated).toEqual(
      expect.arrayContaining([
        updateOf(labelled[0], [label.id, kept.id], [kept.id], 2),
        updateOf(labelled[1], [label.id], [], 2),
        updateOf(trashed, [label.id], [], 3),
      ]),
    )
    expect(data(await api.restoreTask(owner, trashed.id))).toMatchObject({ labelIds: [] })
    expectRefused(await api.deleteLabel(owner, label.id), 'NOT_FOUND', ['id'])
    expectRefused(await api.updateLabel(owner, label.id, { name: 'A' }, 1), 'NOT_FOUND', ['id'])
    expectRefused(await api.listTasks(owner, { filter: { labelId: { any: [label.id] } } }), 'NOT_FOUND', ['labelId'])
    data(await api.createLabel(owner, id, { name: label.name }))
  })

  test('are deleted once by concurrent requests, and never remain on tasks that receive them meanwhile', async () => {
    for (let round = 0; round < 5; round++) {
      const { id } = await newProject(owner)
      const [label, kept] = [await newLabel(owner, id), await newLabel(owner, id)]
      // Half of the tasks already have the label.
      const tasks = await atOnce(8, (index) => newTask(owner, { projectId: id, labelIds: index % 2 ? [label.id] : [] }))
      const outcomes = await atOnce(12, (index) =>
        index % 3 < 2
          ? api.updateTask(owner, tasks[index - Math.floor(index / 3)].id, { labelIds: [label.id, kept.id] })
          : api.deleteLabel(owner, label.id),
      )
      const shown = outcomes.map((outcome) => outcome.exchange).join('\n')
      const codes = (third: boolean) =>
        outcomes.flatMap(({ error }, index) => ((index % 3 === 2) === third ? [error?.code] : []))
      expect(codes(true).sort(), shown).toEqual(['NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', undefined])
      for (const code of codes(false)) expect([undefined, 'NOT_FOUND'], shown).toContain(code)
      for (const task of tasks) expect((await readTask(owner, task.id)).labelIds).not.toContain(label.id)
    }
  })

  test('are listed by name, ignoring case, in pages and with a count on request', async () => {
    const { id } = await newProject(owner)
    for (const name of ['b', 'C', 'a', 'D']) data(await api.createLabel(owner, id, { name }))
    await newLabel(owner, projectId)
    const names = (page: { nodes: { name: string }[] }) => page.nodes.map(({ name }) => name)
    const whole = data(await api.listLabels(cast.people.ADMIN, id, { totalCount: true }))
    expect(names(whole)).toEqual(['a', 'b', 'C', 'D'])
    expect(whole).toMatchObject({ totalCount: 4, pageInfo: { hasNextPage: false, hasPreviousPage: false } })
    const first = data(await api.listLabels(owner, id, { first: 2 }))
    expect([names(first), first.pageInfo.hasNextPage]).toEqual([['a', 'b'], true])
    const { endCursor } = first.pageInfo
    expect(names(data(await api.listLabels(owner, id, { first: 2, after: endCursor })))).toEqual(['C', 'D'])
    const before = { last: 1, before: whole.pageInfo.endCursor }
    expect(names(data(await api.listLabels(owner, id, before)))).toEqual(['C'])
    expectRefused(await api.listLabels(owner, id, { first: 0, offset: -1 }), 'VALIDATION_FAILED', ['limit', 'offset'])
    expectRefused(await api.listLabels(owner, id, { after: 'made-up' }), 'VALIDATION_FAILED', ['after'])
  })
})

test('POST returns 201 with the Location of the list, PATCH an ETag, and DELETE 204 without a body', async () => {
  const { token } = owner
  const path = `/projects/${projectId}/labels`
  const made = await rest(server, `POST ${path}`, { token, body: { name: newName() } })
  expect([made.status, made.headers.get('location')]).toEqual([201, `/api/v1${path}`])
  expect(made.headers.get('etag')).toMatch(/^"v1\./)
  const headers = { 'if-match': made.headers.get('etag') ?? '' }
  const patched = await rest(server, `PATCH /labels/${made.body.id}`, { token, headers, body: { color: '#123456' } })
  expect([patched.status, patched.headers.get('etag')]).toEqual([200, expect.stringMatching(/^"v2\./)])
  expect((await rest(server, `DELETE /labels/${made.body.id}`, { token, headers })).status).toBe(412)
  const gone = await rest(server, `DELETE /labels/${made.body.id}`, { token })
  expect([gone.status, gone.text]).toEqual([204, ''])
})
