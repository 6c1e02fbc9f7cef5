import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rest } from '../support/clients.ts'
import { type TestServer, testServer } from '../support/server.ts'
import { makeWorlds, type World } from './cast.ts'

let server: TestServer
/** One who sees the project, and one who sees everything. */
let viewer: World
let admin: World

beforeAll(async () => {
  server = await testServer({ RATE_LIMIT: 'off' })
})
afterAll(() => server?.close())

const as = (world: World) => async (call: string, body?: unknown) =>
  rest(server, call, { token: world.self.token, ...(body !== undefined && { body }) })

async function inNewWorlds() {
  ;[viewer, admin] = (await makeWorlds(server, ['edit', 'admn'])) as [World, World]
  return { look: as(viewer), act: as(admin) }
}

const DEEP = 'include=project,parent,assignees,labels,creator,relations,subtaskProgress'

const idsOf = ({ body }: { body: { nodes: { id: string }[] } }) => body.nodes.map(({ id }) => id)

describe('a task that moves to a project that is not seen', () => {
  test('is gone, by its id and by either key, with its sub-tasks', async () => {
    const { look, act } = await inNewWorlds()
    const { task, subtask, unseen } = viewer
    const moved = await act(`POST /tasks/${task.key}/move`, { projectId: unseen.projectId })
    expect(moved.status, moved.text).toBe(200)
    const below = (await act(`GET /tasks/${subtask.key}`)).body
    expect([moved.body.projectId, below.projectId]).toEqual([unseen.projectId, unseen.projectId])

    for (const name of [task.id, task.key, moved.body.key, subtask.id, subtask.key, below.key]) {
      for (const call of [`GET /tasks/${name}`, `GET /tasks/${name}/relations`, `DELETE /tasks/${name}`]) {
        expect((await look(call)).status, call).toBe(404)
      }
      expect((await look(`GET /tasks?parentId=${name}`)).status, name).toBe(404)
    }
    expect(idsOf(await look(`GET /tasks?key=${task.key}&key=${moved.body.key}`))).toEqual([])
  })

  test('is in no list, search or trash any more', async () => {
    const { look, act } = await inNewWorlds()
    const { task, subtask, unseen, third, labelId, deletedTask, readable } = viewer
    await act(`POST /tasks/${deletedTask.id}/restore`)
    await act(`POST /tasks/${deletedTask.id}/move`, { projectId: unseen.projectId })
    await act(`DELETE /tasks/${deletedTask.id}`)
    await act(`POST /tasks/${task.id}/relations`, { type: 'BLOCKS', relatedTaskId: readable.task.id })
    await act(`POST /tasks/${task.id}/move`, { projectId: unseen.projectId })

    const seen = [viewer.self.inboxTask.id, readable.task.id].sort()
    expect(idsOf(await look('GET /tasks')).sort()).toEqual(seen)
    for (const query of [
      `projectId=${viewer.projectId}`,
      'search=secret',
      'search=secret&orderBy=createdAt',
      `assigneeId=${third.id}`,
      `labelId=${labelId}`,
      'deleted=true',
      `key=${subtask.key}`,
    ]) {
      expect(idsOf(await look(`GET /tasks?${query}`)), query).toEqual([])
    }
    expect((await look(`GET /tasks/${readable.task.id}/relations`)).body.nodes).toEqual([])
    expect((await look(`GET /tasks/${readable.task.id}?${DEEP}`)).body.relations).toEqual([])
  })

  test('tells those it leaves nothing of where it went', async () => {
    const { look, act } = await inNewWorlds()
    const { task, unseen, projectId } = viewer
    const { body } = await act(`POST /tasks/${task.id}/move`, { projectId: unseen.projectId })
    const log = (await look(`GET /events?projectId=${projectId}&limit=100`)).text
    for (const name of [unseen.projectId, body.key]) expect(log).not.toContain(name)
  })
})

describe('a task that comes from a project that is not seen', () => {
  test('leads to nothing of it', async () => {
    const { look, act } = await inNewWorlds()
    const { task, unseen, projectId } = viewer
    const left = await act(`POST /tasks`, { projectId: unseen.projectId, title: 'Unseen remainder' })
    await act(`PATCH /tasks/${unseen.task.id}`, { parentId: left.body.id })
    await act(`POST /tasks/${unseen.task.id}/relations`, { type: 'BLOCKS', relatedTaskId: left.body.id })
    const moved = await act(`POST /tasks/${unseen.task.id}/move`, { projectId })
    expect(moved.status, moved.text).toBe(200)
    const seen = await look(`GET /tasks/${unseen.task.id}?${DEEP}`)
    expect(seen.body).toMatchObject({ projectId, parentId: null, parent: null, labelIds: [], labels: [] })
    expect(seen.body.relations.map((one: { relatedTaskId: string }) => one.relatedTaskId)).toEqual([task.id])
    for (const name of [unseen.projectId, unseen.labelId, left.body.id]) expect(seen.text).not.toContain(name)
  })

  test('comes without those who are no members here, and with the label of the same name', async () => {
    const { look, act } = await inNewWorlds()
    const { unseen, third, projectId, tag } = viewer
    await server.db.task.update({
      where: { id: unseen.task.id },
      data: { assigneeIds: [unseen.ownerId, third.id] },
    })
    const label = await act(`POST /projects/${projectId}/labels`, { name: `UNSEEN of ${tag}` })
    await act(`POST /tasks/${unseen.task.id}/move`, { projectId })
    const { body } = await look(`GET /tasks/${unseen.task.id}`)
    expect(body).toMatchObject({ labelIds: [label.body.id], assigneeIds: [third.id] })
  })

  test('tells those it joins nothing of where it was', async () => {
    const { look, act } = await inNewWorlds()
    const { unseen, projectId } = viewer
    const left = await act(`POST /tasks`, { projectId: unseen.projectId, title: 'Unseen remainder' })
    await act(`PATCH /tasks/${unseen.task.id}`, { parentId: left.body.id })
    await act(`POST /tasks/${unseen.task.id}/move`, { projectId })
    const log = (await look(`GET /events?projectId=${projectId}&limit=100`)).text
    expect(log).toContain(unseen.task.id)
    const named = { project: unseen.projectId, key: unseen.task.key, label: unseen.labelId, parent: left.body.id }
    expect(Object.entries(named).flatMap(([what, name]) => (log.includes(name) ? [what] : []))).toEqual([])
  })
})
