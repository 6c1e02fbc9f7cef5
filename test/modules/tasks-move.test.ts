import { beforeAll, expect, test } from 'vitest'
import { rest } from '../support/clients.ts'
import {
  atOnce,
  type Cast,
  cursorOf,
  eventsSince,
  expectRefused,
  MISSING,
  newCast,
  newChain,
  newLabel,
  newProject,
  newTask,
  readTask,
} from '../support/factories.ts'
import { type Caller, call, data, describeApi } from '../support/operations.ts'
import { addTo } from '../support/people.ts'
import { sharedServer, type TestServer } from '../support/server.ts'

let server: TestServer
let cast: Cast
let owner: Caller
let projectId: string
/** Another project, where VIEWER, COMMENTER, EDITOR and OWNER can all write. */
let target: { id: string; key: string }

beforeAll(async () => {
  server = await sharedServer()
  cast = await newCast(server)
  owner = cast.people.OWNER
  projectId = cast.projectId
  target = await newProject(owner, { name: 'Target' })
  for (const name of ['VIEWER', 'COMMENTER', 'EDITOR'] as const)
    await addTo(owner, target.id, cast.people[name].email, 'EDITOR')
})

const WHOLE = {
  title: 'Whole',
  description: 'All of it',
  status: 'IN_PROGRESS',
  priority: 4,
  dueAt: '2030-01-01T00:00:00.000Z',
}

describeApi('moving a task', (api) => {
  test('needs EDITOR on the target project, too, and does not reveal whether a hidden one exists', async () => {
    const { EDITOR, stranger } = cast.people
    const task = await newTask(owner, { projectId })
    const [hidden, shown] = [await newProject(stranger), await newProject(owner)]
    await addTo(owner, shown.id, EDITOR.email, 'COMMENTER')
    for (const project of [hidden.id, MISSING]) {
      const outcome = await api.moveTask(EDITOR, task.id, project)
      expectRefused(outcome, 'NOT_FOUND', ['projectId'])
    }
    expectRefused(await api.moveTask(EDITOR, task.id, shown.id), 'FORBIDDEN', [])
    expect(await readTask(owner, task.id)).toEqual(task)
  })

  test('gives the task a key in the target and leaves its other fields unchanged', async () => {
    const there = await newProject(owner)
    await newTask(owner, { projectId: there.id })
    // So that its number and rank change, too.
    await newTask(owner, { projectId })
    await newTask(owner, { projectId })
    const task = await newTask(owner, { ...WHOLE, projectId })
    const cursor = await cursorOf(owner)
    const moved = data(await api.moveTask(cast.people.ADMIN, task.key, there.id.toUpperCase(), 1))
    expect(moved).toEqual({
      ...task,
      projectId: there.id,
      key: `${there.key}-2`,
      number: 2,
      rank: 'h00000200',
      version: 2,
      updatedAt: expect.any(String),
    })
    expect(await readTask(owner, task.key)).toEqual(moved)
    const event = { subjectId: task.id, version: 2, actorId: cast.people.ADMIN.id }
    expect(await eventsSince(cast.people.ADMIN, cursor)).toEqual([
      // Members of either project may not see the other one, so no event names both.
      { ...event, type: 'task.removed', projectId, changes: {} },
      {
        ...event,
        type: 'task.updated',
        projectId: there.id,
        changes: { projectId: [null, there.id], key: [null, moved.key], rank: [null, moved.rank] },
      },
    ])
  })

  test('hides the task from the events of its former project', async () => {
    const there = await newProject(owner)
    const task = await newTask(owner, { projectId })
    const cursor = await cursorOf(owner)
    data(await api.updateTask(owner, task.id, { title: 'Renamed' }))
    data(await api.moveTask(owner, task.id, there.id))
    const { nodes } = data(await api.listEvents(owner, { after: cursor }))
    const shown = nodes.map((event: { type: string; task: { id: string } | null }) => [event.type, event.task?.id])
    expect(shown).toEqual([
      ['task.updated', undefined],
      ['task.removed', undefined],
      ['task.updated', task.id],
    ])
  })

  test('moves sub-tasks along, including those in the trash, and detaches the parent', async () => {
    const there = await newProject(owner)
    const chain = await newChain(owner, projectId, 4)
    const [top, moved, child, grandchild] = chain
    const trashed = await newTask(owner, { parentId: child.id, title: 'Trashed' })
    data(await api.deleteTask(owner, trashed.id))
    const cursor = await cursorOf(owner)
    expect(data(await api.moveTask(owner, moved.id, there.id))).toMatchObject({ projectId: there.id, parentId: null })
    expect(await readTask(owner, top.id)).toEqual(top)
    expect(await readTask(owner, child.id)).toMatchObject({ projectId: there.id, parentId: moved.id, version: 2 })
    expect(await readTask(owner, grandchild.id)).toMatchObject({ projectId: there.id, parentId: child.id, version: 2 })
    expect(data(await api.restoreTask(owner, trashed.id))).toMatchObject({ projectId: there.id, parentId: child.id })
    const inside = data(await api.listTasks(owner, { filter: { projectId: there.id } })).nodes
    expect(inside.map((task: { number: number }) => task.number).sort()).toEqual([1, 2, 3, 4])
    for (const task of [moved, child, grandchild, trashed])
      expect((await readTask(owner, task.key)).id, task.key).toBe(task.id)
    const events = (await eventsSince(owner, cursor)).filter(({ changes }) => changes.projectId)
    expect(events.map(({ subjectId }) => subjectId).sort()).toEqual(
      [moved, child, grandchild, trashed].map(({ id }) => id).sort(),
    )
    expect(JSON.stringify(events)).not.toContain(top.id)
    expect(events.find(({ subjectId }) => subjectId === child.id)?.changes).not.toHaveProperty('parentId')
  })

  test('maps labels by name, ignoring case, and drops those missing in the target', async () => {
    const there = await newProject(owner)
    const named = async (project: string, name: string): Promise<string> => (await newLabel(owner, project, name)).id
    const mark = crypto.randomUUID().slice(0, 8)
    const here = [await named(projectId, `Übung ${mark}`), await named(projectId, `Only here ${mark}`)]
    const matching = await named(there.id, `ÜBUNG ${mark.toUpperCase()}`)
    await named(there.id, 'Another')
    const task = await newTask(owner, { projectId, labelIds: here })
    const child = await newTask(owner, { parentId: task.id, labelIds: [here[0]] })
    const cursor = await cursorOf(owner)
    expect(data(await api.moveTask(owner, task.id, there.id)).labelIds).toEqual([matching])
    expect((await readTask(owner, child.id)).labelIds).toEqual([matching])
    const [removed, moved] = await eventsSince(owner, cursor, task.id)
    expect([removed?.changes, moved?.changes.labelIds]).toEqual([{}, [null, [matching]]])
    const bearing = data(await api.listTasks(owner, { filter: { labelId: { any: [matching] } } })).nodes
    expect(bearing).toHaveLength(2)
    expect(data(await api.listTasks(owner, { filter: { labelId: { any: here } } })).nodes).toEqual([])
  })

  test('keeps only assignees who are members of the target', async () => {
    const { VIEWER, EDITOR, OWNER } = cast.people
    const there = await newProject(owner)
    await addTo(owner, there.id, EDITOR.email, 'VIEWER')
    const task = await newTask(owner, { projectId, assigneeIds: [VIEWER.id, EDITOR.id, OWNER.id] })
    const child = await newTask(owner, { parentId: task.id, assigneeIds: [VIEWER.id] })
    const moved = data(await api.moveTask(owner, task.id, there.id))
    expect([...moved.assigneeIds].sort()).toEqual([EDITOR.id, OWNER.id].sort())
    expect((await readTask(owner, child.id)).assigneeIds).toEqual([])
    const filter = { projectId: there.id, assigneeId: ['me'] }
    expect(data(await api.listTasks(EDITOR, { filter })).nodes).toEqual([moved])
    // A user who is not a member of the target cannot see the task by any key.
    for (const name of [task.id, task.key, moved.key])
      expectRefused(await api.getTask(VIEWER, name), 'NOT_FOUND', ['id'])
  })

  test('changes nothing if the task is already in the target', async () => {
    const [parent, child] = await newChain(owner, projectId, 2)
    const cursor = await cursorOf(owner)
    expect(data(await api.moveTask(owner, child.id, projectId))).toEqual(child)
    expect(data(await api.moveTask(owner, parent.id, projectId, 1))).toEqual(parent)
    expect(await eventsSince(owner, cursor)).toEqual([])
  })

  test('rejects a stale version, an invalid or unknown project and an unknown task', async () => {
    const there = await newProject(owner)
    const task = await newTask(owner, { projectId })
    expectRefused(await api.moveTask(owner, task.id, there.id, 2), 'PRECONDITION_FAILED', ['expectedVersion'])
    for (const id of ['x', '', '\u0000', MISSING])
      expectRefused(await api.moveTask(owner, task.id, id), 'NOT_FOUND', ['projectId'])
    expectRefused(await api.moveTask(owner, task.id, null), 'VALIDATION_FAILED', ['projectId'])
    for (const id of [MISSING, 'x', '\u0000', 'WEB-99999'])
      expectRefused(await api.moveTask(owner, id, there.id), 'NOT_FOUND', ['id'])
    expect(await readTask(owner, task.id)).toEqual(task)
  })

  test('gives 50 tasks moved at once consecutive numbers', async () => {
    const there = await newProject(owner)
    const tasks = await atOnce(50, (index) => newTask(owner, { projectId, title: `Move ${index}` }))
    const moved = (await atOnce(50, (index) => api.moveTask(owner, tasks[index].id, there.id, 1))).map(data)
    const numbers = moved.map((task) => task.number).sort((a, b) => a - b)
    expect(numbers).toEqual(Array.from({ length: 50 }, (_, index) => index + 1))
    const found = await atOnce(50, (index) => api.getTask(owner, tasks[index].key))
    expect(found.map((outcome) => data(outcome).id)).toEqual(tasks.map(({ id }) => id))
  })

  test('ends in exactly one of two concurrent targets, with the whole tree', async () => {
    const projects = await atOnce(2, () => newProject(owner))
    const [parent, child] = await newChain(owner, projectId, 2)
    const outcomes = await atOnce(10, (index) => api.moveTask(owner, parent.id, projects[index % 2].id))
    for (const outcome of outcomes) data(outcome)
    const [above, below] = [await readTask(owner, parent.id), await readTask(owner, child.id)]
    expect(projects.map(({ id }) => id)).toContain(above.projectId)
    expect(below).toMatchObject({ projectId: above.projectId, parentId: parent.id })
    const again = await atOnce(10, () => api.moveTask(owner, parent.id, projectId, above.version))
    const codes = again.map((outcome) => outcome.error?.code).sort()
    expect(codes).toEqual([...Array(9).fill('PRECONDITION_FAILED'), undefined])
  })

  test('never splits a tree across projects under concurrent changes of parents', async () => {
    for (let round = 0; round < 5; round++) {
      const there = await newProject(owner)
      const [task, child, above] = await atOnce(3, () => newTask(owner, { projectId }))
      const outcomes = await Promise.all([
        api.updateTask(owner, child.id, { parentId: task.id }),
        api.moveTask(owner, task.id, there.id),
        api.updateTask(owner, task.id, { parentId: above.id }),
        api.createTask(owner, { title: 'New', parentId: task.id }),
      ])
      const shown = outcomes.map((outcome) => outcome.exchange).join('\n')
      expect(outcomes[1]?.error, shown).toBeUndefined()
      for (const outcome of outcomes)
        expect([undefined, 'VALIDATION_FAILED', 'NOT_FOUND'], shown).toContain(outcome.error?.code)
      const torn = await server.db.$queryRaw`
        SELECT c."key" FROM "Task" c JOIN "Task" p ON p."id" = c."parentId" WHERE p."projectId" <> c."projectId"`
      expect(torn, shown).toEqual([])
    }
  })
})

test('moving returns 200 with an ETag and honours If-Match', async () => {
  const { token } = owner
  const task = await newTask(owner, { projectId })
  const there = await newProject(owner)
  const move = (etag: string) =>
    rest(server, `POST /tasks/${task.id}/move`, { token, headers: { 'if-match': etag }, body: { projectId: there.id } })
  const stale = await move('"v7.x"')
  expect([stale.status, stale.body.code]).toEqual([412, 'PRECONDITION_FAILED'])
  const moved = await move('"v1.x"')
  expect([moved.status, moved.headers.get('etag')]).toEqual([200, expect.stringMatching(/^"v2\./)])
})

test('a move of more than 1,000 tasks is rejected', async () => {
  const parent = await newTask(owner, { projectId })
  const items = (count: number) => Array.from({ length: count }, () => ({ title: 'One of many', parentId: parent.id }))
  data(await call(owner, 'POST /tasks/bulk', { items: items(999) }))
  expect(data(await call(owner, `POST /tasks/${parent.id}/move`, { projectId: target.id })).projectId).toBe(target.id)
  data(await call(owner, 'POST /tasks/bulk', { items: items(1) }))
  expectRefused(await call(owner, `POST /tasks/${parent.id}/move`, { projectId }), 'VALIDATION_FAILED', ['id'])
})
