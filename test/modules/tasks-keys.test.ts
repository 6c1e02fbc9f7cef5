import { beforeAll, expect, test } from 'vitest'
import { rest } from '../support/clients.ts'
import {
  atOnce,
  type Cast,
  cursorOf,
  eventsSince,
  expectRefused,
  newCast,
  newKey,
  newLabel,
  newProject,
  newTask,
  readTask,
} from '../support/factories.ts'
import { data, describeApi, overRest } from '../support/operations.ts'
import { sharedServer, type TestServer } from '../support/server.ts'

let server: TestServer
let cast: Cast

beforeAll(async () => {
  server = await sharedServer()
  cast = await newCast(server)
})

const owner = () => cast.people.OWNER
/** Creates a new project that belongs to the owner. */
const ownProject = () => newProject(owner())

describeApi('a task key', (api) => {
  test('combines the project key with a number counted from 1, and survives updates', async () => {
    const { id: projectId, key } = await ownProject()
    const first = data(await api.createTask(owner(), { projectId, title: 'First' }))
    const second = data(await api.createTask(owner(), { projectId, title: 'Second' }))
    expect([first.key, second.key]).toEqual([`${key}-1`, `${key}-2`])
    await api.deleteTask(owner(), second.id)
    expect(data(await api.createTask(owner(), { projectId, title: 'Third' })).key).toBe(`${key}-3`)
    expect(data(await api.updateTask(owner(), first.id, { title: 'Renamed' }))).toMatchObject({ key: `${key}-1` })
  })

  test('is accepted in any letter case wherever a task id is', async () => {
    const { id: projectId, key } = await ownProject()
    const elsewhere = await ownProject()
    const task = await newTask(owner(), { projectId })
    const other = await newTask(owner(), { projectId })
    const names = [`${key}-1`, `${key.toLowerCase()}-1`, `${key[0]?.toLowerCase()}${key.slice(1)}-1`]
    for (const name of names) {
      expect(data(await api.getTask(owner(), name))).toEqual(await readTask(owner(), task.id))
      expect(data(await api.updateTask(owner(), name, { title: name })).id).toBe(task.id)
      expect(data(await api.replaceTask(owner(), name, { title: `${name} again` })).id).toBe(task.id)
      data(await api.deleteTask(owner(), name))
      expect(data(await api.restoreTask(owner(), name)).id).toBe(task.id)
      expect(data(await api.duplicateTask(owner(), name))).toMatchObject({ title: `${name} again`, projectId })
      const related = data(await api.createRelation(owner(), name, { type: 'BLOCKS', relatedTaskId: other.key }))
      expect(related).toMatchObject({ taskId: task.id, relatedTaskId: other.id })
      expect(data(await api.listRelations(owner(), name))).toEqual([related])
      data(await api.deleteRelation(owner(), name, related.id))
      const child = data(await api.createTask(owner(), { title: 'Below', parentId: name }))
      expect(child).toMatchObject({ parentId: task.id, projectId })
      const below = data(await api.listTasks(owner(), { filter: { parentId: name } })).nodes
      expect(below.map((one: { id: string }) => one.id)).toContain(child.id)
      expect(data(await api.listTasks(owner(), { filter: { key: [name] } })).nodes).toMatchObject([{ id: task.id }])
      for (const item of [
        data(await api.bulkUpdateTasks(owner(), { items: [{ id: name, priority: 4 }] })),
        data(await api.bulkDeleteTasks(owner(), { items: [{ id: name }] })),
      ])
        expect(item.outcomes).toMatchObject([{ status: 'SUCCEEDED', task: { id: task.id } }])
      await api.restoreTask(owner(), name)
    }
    expect(data(await api.moveTask(owner(), names[1] ?? '', elsewhere.id)).key).toBe(`${elsewhere.key}-1`)
  })

  test('finds nothing if the task is hidden or the key is malformed', async () => {
    const { key } = await newTask(owner(), { projectId: cast.projectId })
    expectRefused(await api.getTask(cast.people.stranger, key), 'NOT_FOUND', ['id'])
    expectRefused(await api.getTask({ url: cast.url }, key), 'UNAUTHENTICATED', [])
    expectRefused(await api.updateTask(cast.people.VIEWER, key, { title: 'A' }), 'FORBIDDEN', [])
    const others = ['WEB', 'WEB-', '-1', `${key}0000`, `${cast.key}-0`, `${key}.0`, ` ${key}`, `${key}\n`]
    const odd = [
      `${cast.key}-99999999999`,
      `${cast.key}--1`,
      `${cast.key}_1`,
      'ÄÖ-1',
      'ß-1',
      '🌉-1',
      `${key}\u0000`,
      '%',
    ]
    const mass = await newProject(owner(), { key: `MASS${newKey().slice(-5)}` })
    const task = await newTask(owner(), { projectId: mass.id })
    // Upper-casing each of these gives the task's key.
    const alike = [task.key.replaceAll('S', '\u017F'), task.key.replace('SS', 'ß')]
    for (const name of alike) {
      expectRefused(await api.listTasks(owner(), { filter: { key: [name] } }), 'VALIDATION_FAILED', ['key'])
    }
    for (const name of [...others, ...odd, ...alike])
      expectRefused(await api.getTask(owner(), name), 'NOT_FOUND', ['id'])
  })

  test('changes on a move, and every former key still finds the task', async () => {
    const [web, ops, web2] = [await ownProject(), await ownProject(), await ownProject()]
    const { id, key: first } = await newTask(owner(), { projectId: web.id })
    const second = data(await api.moveTask(owner(), first, ops.id)).key
    const third = data(await api.moveTask(owner(), first, web2.id)).key
    const back = data(await api.moveTask(owner(), second, web.id)).key
    expect([first, second, third, back]).toEqual([`${web.key}-1`, `${ops.key}-1`, `${web2.key}-1`, `${web.key}-2`])
    for (const key of [first, second, third.toLowerCase(), back]) {
      expect(data(await api.getTask(owner(), key))).toMatchObject({ id, key: back })
      expect(data(await api.listTasks(owner(), { filter: { key: [key] } })).nodes).toMatchObject([{ id, key: back }])
    }
    expect(data(await api.updateTask(owner(), first, { title: 'By an old key' })).id).toBe(id)
    // An old key grants no more access than the id.
    expectRefused(await api.getTask(cast.people.stranger, first), 'NOT_FOUND', ['id'])
    // Old keys are never given to another task.
    expect((await newTask(owner(), { projectId: web.id })).key).toBe(`${web.key}-3`)
  })

  test('finds the task that holds it now before one that held it earlier', async () => {
    const key = newKey()
    const gone = await newProject(owner(), { key })
    const moved = await newTask(owner(), { projectId: gone.id, title: 'Moved away' })
    await newTask(owner(), { projectId: gone.id, title: 'Gone' })
    const label = await newLabel(owner(), gone.id)
    data(await api.moveTask(owner(), moved.id, cast.projectId))
    // No operation deletes a project yet.
    await server.db.project.delete({ where: { id: gone.id } })
    expect(data(await api.getTask(owner(), `${key}-1`))).toMatchObject({ title: 'Moved away' })
    expectRefused(await api.getTask(owner(), `${key}-2`), 'NOT_FOUND', ['id'])
    expectRefused(await api.updateLabel(owner(), label.id, { name: 'A' }), 'NOT_FOUND', ['id'])
    const again = await newProject(owner(), { key })
    const taken = await newTask(owner(), { projectId: again.id, title: 'New' })
    expect(taken.key).toBe(`${key}-1`)
    expect(data(await api.getTask(owner(), taken.key))).toMatchObject({ id: taken.id, title: 'New' })
    // After this task moves too, the key finds it as its last holder.
    data(await api.moveTask(owner(), taken.id, cast.projectId))
    expect(data(await api.getTask(owner(), taken.key))).toMatchObject({ id: taken.id })
  })

  test('is unique for each of 100 tasks created at once in one project, and finds its task', async () => {
    const { id: projectId, key } = await ownProject()
    const cursor = await cursorOf(owner())
    const created = (await atOnce(100, (index) => api.createTask(owner(), { projectId, title: `Task ${index}` }))).map(
      data,
    )
    const expected = Array.from({ length: 100 }, (_, index) => `${key}-${index + 1}`)
    expect(created.map((task) => task.key).sort()).toEqual(expected.sort())
    const events = await eventsSince(owner(), cursor)
    expect(events.map(({ type, changes }) => [type, changes.key?.[1]]).sort()).toEqual(
      expected.map((one) => ['task.created', one]).sort(),
    )
    const found = await Promise.all(created.slice(0, 10).map((task) => api.getTask(owner(), task.key)))
    expect(found.map((outcome) => data(outcome).id)).toEqual(created.slice(0, 10).map((task) => task.id))
  })
})

test('POST under a project creates the task there and rejects a body that names another', async () => {
  const { id, key } = await ownProject()
  const other = await ownProject()
  const { token } = owner()
  const create = (body: object) => rest(server, `POST /projects/${id}/tasks`, { token, body })
  const created = await create({ title: 'Here' })
  expect({ status: created.status, location: created.headers.get('location') }, created.text).toEqual({
    status: 201,
    location: `/api/v1/tasks/${created.body.id}`,
  })
  expect(created.body).toMatchObject({ projectId: id, key: `${key}-1`, title: 'Here', version: 1 })
  expect((await create({ title: 'The same', projectId: id })).body).toMatchObject({ projectId: id })
  const refused = await create({ title: 'There', projectId: other.id })
  expect(refused.status, refused.text).toBe(422)
  expect(refused.body.errors).toMatchObject([{ path: ['body', 'projectId'], code: 'contradiction' }])
  expect(data(await overRest.listTasks(owner(), { filter: { projectId: other.id } })).nodes).toEqual([])
})

test('POST under a project requires EDITOR and reports issues at their path in the request', async () => {
  const create = (token: string | undefined, id: string, body: object) =>
    rest(server, `POST /projects/${id}/tasks`, { token, body })
  const { VIEWER, stranger, EDITOR } = cast.people
  const seen = [
    await create(undefined, cast.projectId, { title: 'A' }),
    await create(VIEWER.token, cast.projectId, { title: 'A' }),
    await create(stranger.token, cast.projectId, { title: 'A' }),
    await create(EDITOR.token, 'no-id', { title: 'A' }),
    await create(EDITOR.token, cast.projectId, { title: '' }),
    await create(EDITOR.token, cast.projectId, { title: 'A' }),
  ].map(({ status, body }) => [status, body.errors?.map((issue: { path: string[] }) => issue.path)])
  expect(seen).toEqual([
    [401, undefined],
    [403, undefined],
    [404, [['path', 'id']]],
    [404, [['path', 'id']]],
    [422, [['body', 'title']]],
    [201, undefined],
  ])
})
