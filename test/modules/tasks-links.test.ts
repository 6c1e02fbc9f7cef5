import { beforeAll, expect, test } from 'vitest'
import { hashPassword } from '../../src/auth/passwords.ts'
import {
  atOnce,
  type Cast,
  cursorOf,
  eventsSince,
  expectRefused,
  MISSING,
  newCast,
  newLabel,
  newProject,
  newTask,
  readTask,
} from '../support/factories.ts'
import type { Operations } from '../support/operation-types.ts'
import { ask, type Caller, call, data, describeApi, type Outcome, refusal } from '../support/operations.ts'
import { addTo, signUpAt } from '../support/people.ts'
import { makeUser } from '../support/rows.ts'
import { sharedServer, type TestServer } from '../support/server.ts'

/** Maximum number of assignees, and of labels, per task. */
const MAX_LINKS = 20

let server: TestServer
let cast: Cast
let owner: Caller
let projectId: string
/** Labels of the shared project, and one from another project of the owner. */
let labels: string[]
let foreign: string

beforeAll(async () => {
  server = await sharedServer()
  cast = await newCast(server)
  owner = cast.people.OWNER
  projectId = cast.projectId
  labels = (await atOnce(4, () => newLabel(owner, projectId))).map(({ id }) => id)
  foreign = (await newLabel(owner, (await newProject(owner)).id)).id
})

type Write = (api: Operations, input: Record<string, unknown>) => Promise<Outcome>

/** Every operation that accepts assignees and labels. */
const WRITES: [string, Write][] = [
  ['createTask', (api, input) => api.createTask(owner, { title: 'New', projectId, ...input })],
  ['updateTask', async (api, input) => api.updateTask(owner, (await newTask(owner, { projectId })).id, input)],
  [
    'replaceTask',
    async (api, input) => api.replaceTask(owner, (await newTask(owner, { projectId })).id, { title: 'New', ...input }),
  ],
]

/** Creates members of the project directly in the database. */
async function members(count: number): Promise<string[]> {
  const people = await atOnce(count, () => makeUser(server.db))
  await server.db.membership.createMany({
    data: people.map((person) => ({ projectId, userId: person.id, role: 'VIEWER' as const })),
  })
  return people.map((person) => person.id)
}

const idsOf = (page: { nodes: { id: string }[] }) => page.nodes.map(({ id }) => id).sort()

describeApi('the assignees of a task', (api) => {
  test.each(WRITES)('can be set to members of the project by %s, without duplicates', async (_name, write) => {
    const { OWNER, VIEWER, EDITOR } = cast.people
    const assigneeIds = [VIEWER.id, EDITOR.id.toUpperCase(), VIEWER.id, OWNER.id]
    const task = data(await write(api, { assigneeIds }))
    expect([...task.assigneeIds].sort()).toEqual([VIEWER.id, EDITOR.id, OWNER.id].sort())
    const shown = data(await api.getTask(owner, task.id, ['assignees'])).assignees
    expect(shown.map(({ id }: { id: string }) => id).sort()).toEqual([...task.assigneeIds].sort())
  })

  test.each(WRITES)('are rejected by %s if they are not members, even an ADMIN', async (_name, write) => {
    const { ADMIN, stranger, VIEWER } = cast.people
    const outcome = await write(api, { assigneeIds: [VIEWER.id, stranger.id, ADMIN.id, MISSING] })
    expectRefused(outcome, 'VALIDATION_FAILED', ['assigneeIds'])
    expect(refusal(outcome).rules, outcome.exchange).toEqual({ assigneeIds: 'not_a_member' })
    for (const place of [1, 2, 3]) expect(outcome.exchange).toMatch(new RegExp(`"assigneeIds",${place}\\]`))
    expect(outcome.exchange).not.toMatch(/"assigneeIds",0\]/)
  })

  test('change with a version and an event, and stay if omitted', async () => {
    const { VIEWER, EDITOR } = cast.people
    const task = await newTask(owner, { projectId, assigneeIds: [VIEWER.id] })
    const cursor = await cursorOf(owner)
    data(await api.updateTask(owner, task.id, { title: 'Other' }, 1))
    expect(data(await api.updateTask(owner, task.id, { assigneeIds: [EDITOR.id, VIEWER.id] }, 2)).version).toBe(3)
    expectRefused(await api.updateTask(owner, task.id, { assigneeIds: [] }, 2), 'PRECONDITION_FAILED', [
      'expectedVersion',
    ])
    // Setting the same assignees again changes nothing.
    expect(data(await api.updateTask(owner, task.id, { assigneeIds: [EDITOR.id, VIEWER.id] })).version).toBe(3)
    expect(data(await api.updateTask(owner, task.id, { assigneeIds: null })).assigneeIds).toEqual([])
    data(await api.updateTask(owner, task.id, { assigneeIds: [VIEWER.id] }))
    expect(data(await api.updateTask(owner, task.id, { assigneeIds: [] })).assigneeIds).toEqual([])
    data(await api.updateTask(owner, task.id, { assigneeIds: [VIEWER.id] }))
    expect(data(await api.replaceTask(owner, task.id, { title: 'Other' })).assigneeIds).toEqual([])
    const reported = (await eventsSince(owner, cursor, task.id)).flatMap(({ version, changes }) =>
      changes.assigneeIds ? [[version, ...changes.assigneeIds]] : [],
    )
    expect(reported).toEqual([
      [3, [VIEWER.id], [EDITOR.id, VIEWER.id]],
      [4, [EDITOR.id, VIEWER.id], []],
      [5, [], [VIEWER.id]],
      [6, [VIEWER.id], []],
      [7, [], [VIEWER.id]],
      [8, [VIEWER.id], []],
    ])
  })

  test(`are limited to ${MAX_LINKS}`, async () => {
    const people = await members(MAX_LINKS + 1)
    for (const [, write] of WRITES) {
      expectRefused(await write(api, { assigneeIds: people }), 'VALIDATION_FAILED', ['assigneeIds'])
      expect(data(await write(api, { assigneeIds: people.slice(1) })).assigneeIds).toHaveLength(MAX_LINKS)
    }
  })

  test('are rejected together with all other issues', async () => {
    for (const [, write] of WRITES) {
      expectRefused(
        await write(api, { assigneeIds: ['x', 'me', '', '\u0000'], labelIds: ['x'], parentId: 'x', priority: 9 }),
        'VALIDATION_FAILED',
        ['assigneeIds', 'labelIds', 'parentId', 'priority'],
      )
      expectRefused(await write(api, { assigneeIds: [MISSING], labelIds: [foreign], parentId: MISSING }), 'NOT_FOUND', [
        'assigneeIds',
        'labelIds',
        'parentId',
      ])
    }
  })

  test('can be filtered exactly, with "me" and "none"', async () => {
    const { VIEWER, EDITOR } = cast.people
    const { id } = await newProject(owner)
    await server.db.membership.createMany({
      data: [VIEWER, EDITOR].map((person) => ({ projectId: id, userId: person.id, role: 'EDITOR' as const })),
    })
    const make = async (assigneeIds: string[], status = 'PENDING'): Promise<string> =>
      (await newTask(owner, { projectId: id, assigneeIds, status })).id
    const [nobody, viewer, editor, both] = [
      await make([]),
      await make([VIEWER.id]),
      await make([EDITOR.id], 'COMPLETED'),
      await make([VIEWER.id, EDITOR.id]),
    ]
    const trashed = await make([VIEWER.id])
    data(await api.deleteTask(owner, trashed))
    const list = async (filter: object, caller: Caller = VIEWER) =>
      idsOf(data(await api.listTasks(caller, { filter: { projectId: id, ...filter } })))
    expect(await list({ assigneeId: ['me'] })).toEqual([viewer, both].sort())
    expect(await list({ assigneeId: ['me'] }, EDITOR)).toEqual([editor, both].sort())
    expect(await list({ assigneeId: [VIEWER.id.toUpperCase()] }, EDITOR)).toEqual([viewer, both].sort())
    expect(await list({ assigneeId: [VIEWER.id, EDITOR.id] })).toEqual([viewer, editor, both].sort())
    expect(await list({ assigneeId: ['none'] })).toEqual([nobody])
    expect(await list({ assigneeId: ['none', 'me'] })).toEqual([nobody, viewer, both].sort())
    expect(await list({ assigneeId: ['me'], status: ['COMPLETED'] }, EDITOR)).toEqual([editor])
    expect(await list({ and: [{ assigneeId: [VIEWER.id] }, { assigneeId: [EDITOR.id] }] })).toEqual([both])
    expect(await list({ not: { assigneeId: ['me'] } })).toEqual([nobody, editor].sort())
    expect(await list({ assigneeId: ['me'], deleted: true })).toEqual([trashed])
    // An unknown user matches nothing, so the filter does not reveal who exists.
    expect(await list({ assigneeId: [MISSING] })).toEqual([])
    expectRefused(await api.listTasks(owner, { filter: { assigneeId: ['you'] } }), 'VALIDATION_FAILED', ['assigneeId'])
  })

  test('are removed from their tasks when they are deleted, with one event per task', async () => {
    const passwordHash = await hashPassword('correct horse battery staple')
    const { id } = await server.db.user.create({
      data: { email: `${crypto.randomUUID()}@example.org`, name: 'Leaving', passwordHash },
    })
    await server.db.membership.create({ data: { projectId, userId: id, role: 'VIEWER' } })
    const task = await newTask(owner, { projectId, assigneeIds: [cast.people.VIEWER.id, id] })
    const cursor = await cursorOf(owner)
    const { ADMIN } = cast.people
    const outcome =
      api.protocol === 'REST'
        ? await call(ADMIN, `DELETE /users/${id}`)
        : await ask(ADMIN, 'mutation ($id: ID!) { deleteUser(id: $id) { id } }', { id })
    expect(outcome.error, outcome.exchange).toBeUndefined()
    expect(await readTask(owner, task.id)).toMatchObject({ assigneeIds: [cast.people.VIEWER.id], version: 2 })
    expect(await eventsSince(owner, cursor, task.id)).toMatchObject([
      {
        type: 'task.updated',
        version: 2,
        changes: { assigneeIds: [[cast.people.VIEWER.id, id], [cast.people.VIEWER.id]] },
      },
    ])
  })
})

describeApi('the labels of a task', (api) => {
  test.each(WRITES)('can be set to labels of the project by %s, without duplicates', async (_name, write) => {
    const [a = '', b = ''] = labels
    const task = data(await write(api, { labelIds: [a, b.toUpperCase(), a] }))
    expect([...task.labelIds].sort()).toEqual([a, b].sort())
    const shown = data(await api.getTask(owner, task.id, ['labels'])).labels as { id: string; name: string }[]
    expect(shown.map(({ id }) => id).sort()).toEqual([a, b].sort())
    expect(shown.map(({ name }) => name)).toEqual(shown.map(({ name }) => name).sort())
  })

  test.each(WRITES)('are rejected by %s if unknown or from another project', async (_name, write) => {
    const outcome = await write(api, { labelIds: [labels[0], foreign] })
    expectRefused(outcome, 'VALIDATION_FAILED', ['labelIds'])
    expect(refusal(outcome).rules, outcome.exchange).toEqual({ labelIds: 'another_project' })
    expect(outcome.exchange).toMatch(/"labelIds",1\]/)
    const { stranger } = cast.people
    const hidden = await newLabel(stranger, (await newProject(stranger)).id)
    for (const id of [MISSING, hidden.id]) {
      const refused = await write(api, { labelIds: [id] })
      expectRefused(refused, 'NOT_FOUND', ['labelIds'])
      expect(refusal(refused).rules, refused.exchange).toEqual({ labelIds: 'not_found' })
    }
  })

  test('change with a version and an event, and stay if omitted', async () => {
    const [a, b] = labels
    const task = await newTask(owner, { projectId, labelIds: [a] })
    const cursor = await cursorOf(owner)
    data(await api.updateTask(owner, task.id, { priority: 3 }, 1))
    data(await api.updateTask(owner, task.id, { labelIds: [b] }, 2))
    expect(data(await api.updateTask(owner, task.id, { labelIds: null }, 3)).labelIds).toEqual([])
    expect(await eventsSince(owner, cursor, task.id)).toMatchObject([
      { version: 2, changes: { priority: [1, 3] } },
      { version: 3, changes: { labelIds: [[a], [b]] } },
      { version: 4, changes: { labelIds: [[b], []] } },
    ])
  })

  test(`are limited to ${MAX_LINKS}`, async () => {
    const { id } = await newProject(owner)
    const many = (await atOnce(MAX_LINKS + 1, () => newLabel(owner, id))).map((label) => label.id)
    const create = (labelIds: string[]) => api.createTask(owner, { title: 'A', projectId: id, labelIds })
    expectRefused(await create(many), 'VALIDATION_FAILED', ['labelIds'])
    expect(data(await create(many.slice(1))).labelIds).toHaveLength(MAX_LINKS)
  })

  test('can be filtered exactly by any and by all', async () => {
    const { id } = await newProject(owner)
    const [a, b, c] = [await newLabel(owner, id), await newLabel(owner, id), await newLabel(owner, id)]
    const make = async (...bears: { id: string }[]): Promise<string> =>
      (await newTask(owner, { projectId: id, labelIds: bears.map((label) => label.id) })).id
    const [none, onlyA, onlyB, ab, abc] = [
      await make(),
      await make(a),
      await make(b),
      await make(a, b),
      await make(a, b, c),
    ]
    const trashed = await make(a)
    data(await api.deleteTask(owner, trashed))
    const list = async (labelId: object, more: object = {}) =>
      idsOf(data(await api.listTasks(owner, { filter: { labelId, ...more } })))
    expect(await list({ any: [a.id] })).toEqual([onlyA, ab, abc].sort())
    expect(await list({ any: [b.id.toUpperCase(), c.id] })).toEqual([onlyB, ab, abc].sort())
    expect(await list({ all: [a.id, b.id] })).toEqual([ab, abc].sort())
    expect(await list({ any: [c.id], all: [a.id] })).toEqual([abc])
    expect(await list({ all: [a.id] }, { not: { labelId: { any: [b.id] } } })).toEqual([onlyA])
    expect(await list({ any: [a.id] }, { deleted: true })).toEqual([trashed])
    const others = data(await api.listTasks(owner, { filter: { projectId: id, not: { labelId: { any: [a.id] } } } }))
    expect(idsOf(others)).toEqual([none, onlyB].sort())
    expectRefused(await api.listTasks(owner, { filter: { labelId: { any: [MISSING] } } }), 'NOT_FOUND', ['labelId'])
    expectRefused(await api.listTasks(owner, { filter: { labelId: { all: [a.id, 'x'] } } }), 'VALIDATION_FAILED', [
      'labelId.all',
    ])
  })
})

describeApi('a task with links that a new task could not have', (api) => {
  test('can be saved unchanged with a parent in the trash and an assignee who left', async () => {
    const leaving = await signUpAt(server)
    const { id: memberProject } = await newProject(owner)
    await addTo(owner, memberProject, leaving.email, 'EDITOR')
    const parent = await newTask(owner, { projectId: memberProject })
    const links = { parentId: parent.id, assigneeIds: [leaving.id] }
    const task = await newTask(owner, { projectId: memberProject, ...links })
    await call(owner, `DELETE /tasks/${parent.id}`)
    // As it was before members who leave stopped being assignees.
    await server.db.membership.delete({ where: { userId_projectId: { userId: leaving.id, projectId: memberProject } } })
    const replaced = data(await api.replaceTask(owner, task.id, { title: 'Put back', ...links }))
    expect(replaced).toMatchObject(links)
    const [outcome] = data(
      await api.bulkUpdateTasks(owner, { items: [{ id: task.id, title: 'Again', ...links }] }),
    ).outcomes
    expect(outcome).toMatchObject({ status: 'SUCCEEDED', task: links })
    expectRefused(await api.createTask(owner, { projectId: memberProject, title: 'New', ...links }), 'NOT_FOUND', [
      'assigneeIds',
      'parentId',
    ])
  })
})
