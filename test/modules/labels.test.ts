import { afterAll, beforeAll, expect, test } from 'vitest'
import { rest } from '../support/clients.ts'
import {
  atOnce,
  type Cast,
  cursorOf,
  eventsSince,
  expectRefused,
  expectRoles,
  type Guarded,
  INSTANT,
  MISSING,
  newCast,
  newKey,
  newLabel,
  newProject,
  newTask,
  readTask,
} from '../support/factories.ts'
import { type Caller, data, describeBoth } from '../support/operations.ts'
import { apiKey } from '../support/people.ts'
import { type TestServer, testServer } from '../support/server.ts'

let server: TestServer
let cast: Cast
let owner: Caller
let projectId: string

beforeAll(async () => {
  server = await testServer({ RATE_LIMIT: 'off' })
  cast = await newCast(server)
  owner = cast.people.OWNER
  projectId = cast.projectId
})
afterAll(() => server?.close())

const labelsOf = (project: string) =>
  server.db.label.findMany({ where: { projectId: project }, orderBy: { id: 'asc' } })
/** A name no other label has. */
const newName = () => `Name ${newKey()}`

const OPERATIONS: Guarded[] = [
  ['listLabels', 'VIEWER', (api, caller) => api.listLabels(caller, projectId)],
  ['createLabel', 'EDITOR', (api, caller) => api.createLabel(caller, projectId, { name: newName() })],
  [
    'updateLabel',
    'EDITOR',
    async (api, caller) => api.updateLabel(caller, (await newLabelQuietly()).id, { name: newName() }),
  ],
  ['deleteLabel', 'EDITOR', async (api, caller) => api.deleteLabel(caller, (await newLabelQuietly()).id)],
]

/** The label that a refused operation is tried on is there before it is looked at what the operation did. */
let spare: { id: string }[] = []
const newLabelQuietly = async () => spare.pop() ?? (await newLabel(owner, projectId))

describeBoth('labels', (api) => {
  test.each(OPERATIONS)('%s is for %s and up', async (...operation) => {
    spare = await atOnce(10, () => newLabel(owner, projectId))
    await expectRoles(api, cast, operation)
  })

  test('cannot be told by a stranger from labels that are not there', async () => {
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

  test('need the scopes of tasks of an API key', async () => {
    const reader = await apiKey(cast.people.OWNER, 'tasks:read')
    data(await api.listLabels(reader, projectId))
    expectRefused(await api.createLabel(reader, projectId, { name: newName() }), 'FORBIDDEN', [])
    const writer = await apiKey(cast.people.OWNER, 'tasks:write')
    expectRefused(await api.listLabels(writer, projectId), 'FORBIDDEN', [])
    data(await api.createLabel(writer, projectId, { name: newName() }))
  })

  test('are made with a name and a color, gray unless told', async () => {
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

  test('of one project have distinct names, whatever their case, and those of another may have the same', async () => {
    const [one, two] = [await newProject(owner), await newProject(owner)]
    const made = data(await api.createLabel(owner, one.id, { name: 'Übung' }))
    const other = data(await api.createLabel(owner, one.id, { name: 'Other' }))
    for (const name of ['Übung', 'übung', 'ÜBUNG', ' Übung ']) {
      expectRefused(await api.createLabel(owner, one.id, { name }), 'CONFLICT', ['name'])
      expectRefused(await api.updateLabel(owner, other.id, { name }), 'CONFLICT', ['name'])
    }
    data(await api.createLabel(owner, two.id, { name: 'übung' }))
    // Its own name in another case is no other label's.
    expect(data(await api.updateLabel(owner, made.id, { name: 'ÜBUNG' }))).toMatchObject({ name: 'ÜBUNG', version: 2 })
    expect((await labelsOf(one.id)).map(({ name }) => name)).toEqual(['ÜBUNG', 'Other'])
  })

  test('of one name are made once by 20 at once', async () => {
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
    ['a color that is no hexadecimal number', { name: 'A', color: '#gggggg' }, ['color']],
    ['a color with a line behind it', { name: 'A', color: '#ffffff\n' }, ['color']],
    ['an unknown field', { name: 'A', icon: 'star' }, ['icon']],
    ['several mistakes', { name: '', color: 'red' }, ['color', 'name']],
  ])('with %s are refused', async (_what, input, fields) => {
    const label = await newLabel(owner, projectId)
    const before = await labelsOf(projectId)
    expectRefused(await api.createLabel(owner, projectId, input), 'VALIDATION_FAILED', fields)
    // A change may leave the name as it is.
    if (input.name !== undefined)
      expectRefused(await api.updateLabel(owner, label.id, input), 'VALIDATION_FAILED', fields)
    expect(await labelsOf(projectId)).toEqual(before)
  })

  test('have names of up to 50 characters, of which emoji count one each', async () => {
    const name = `${'🌉'.repeat(42)}${newKey()}`
    expect([...name]).toHaveLength(50)
    expect(data(await api.createLabel(owner, projectId, { name }))).toMatchObject({ name })
  })

  test('change from the version that is expected, with an event of what changed', async () => {
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
    // What changes nothing is no change.
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

  test('change once from one version, by 20 at once', async () => {
    const { id } = await newLabel(owner, projectId)
    const outcomes = await atOnce(20, () => api.updateLabel(owner, id, { name: newName() }, 1))
    const codes = outcomes.map((outcome) => outcome.error?.code).sort()
    expect(codes).toEqual([...Array(19).fill('PRECONDITION_FAILED'), undefined])
  })

  test('that are deleted are taken off their tasks, each with one event of its own', async () => {
    const { id } = await newProject(owner)
    const [label, kept] = [await newLabel(owner, id), await newLabel(owner, id)]
    const bearing = [
      await newTask(owner, { projectId: id, labelIds: [label.id, kept.id] }),
      await newTask(owner, { projectId: id, labelIds: [label.id] }),
    ]
    const trashed = await newTask(owner, { projectId: id, labelIds: [label.id] })
    data(await api.deleteTask(owner, trashed.id))
    const other = await newTask(owner, { projectId: id, labelIds: [kept.id] })
    const cursor = await cursorOf(owner)
    data(await api.deleteLabel(cast.people.ADMIN, label.id, 1))
    expect(await readTask(owner, bearing[0].id)).toMatchObject({ labelIds: [kept.id], version: 2 })
    expect(await readTask(owner, bearing[1].id)).toMatchObject({ labelIds: [], version: 2 })
    expect(await readTask(owner, other.id)).toEqual(other)
    const events = await eventsSince(owner, cursor)
    const [deleted, ...updated] = [...events].sort((a, b) => a.type.localeCompare(b.type))
    const actorId = cast.people.ADMIN.id
    expect(deleted).toMatchObject({ type: 'label.deleted', subjectId: label.id, projectId: id, actorId, changes: {} })
    const told = (task: { id: string }, from: string[], to: string[], version: number) =>
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
        told(bearing[0], [label.id, kept.id], [kept.id], 2),
        told(bearing[1], [label.id], [], 2),
        told(trashed, [label.id], [], 3),
      ]),
    )
    expect(data(await api.restoreTask(owner, trashed.id))).toMatchObject({ labelIds: [] })
    expectRefused(await api.deleteLabel(owner, label.id), 'NOT_FOUND', ['id'])
    expectRefused(await api.updateLabel(owner, label.id, { name: 'A' }, 1), 'NOT_FOUND', ['id'])
    expectRefused(await api.listTasks(owner, { filter: { labelId: { any: [label.id] } } }), 'NOT_FOUND', ['labelId'])
    data(await api.createLabel(owner, id, { name: label.name }))
  })

  test('are deleted once by many at once, and tasks that get them meanwhile never bear what is gone', async () => {
    for (let round = 0; round < 5; round++) {
      const { id } = await newProject(owner)
      const [label, kept] = [await newLabel(owner, id), await newLabel(owner, id)]
      // Half of them bear it already.
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

  test('are listed by name, whatever its case, in pages, counted on request', async () => {
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

test('POST answers 201 with the Location of the list, PATCH an ETag, and DELETE 204 with nothing', async () => {
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
