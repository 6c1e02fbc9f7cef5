import { beforeAll, describe, expect, test } from 'vitest'
import { rest } from '../support/clients.ts'
import { sharedServer, type TestServer } from '../support/server.ts'
import { makeWorlds } from './cast.ts'
import type { World } from './world.ts'

let server: TestServer
/** Sees the project only; `admin` sees everything. */
let viewer: World
let admin: World

beforeAll(async () => {
  server = await sharedServer()
})

const as = (world: World) => async (call: string, body?: unknown) =>
  rest(server, call, { token: world.self.token, ...(body !== undefined && { body }) })

async function inNewWorlds() {
  ;[viewer, admin] = (await makeWorlds(server, ['edit', 'admn'])) as [World, World]
  return { look: as(viewer), act: as(admin) }
}

const DEEP = 'include=project,parent,assignees,labels,creator,relations,subtaskProgress'

const idsOf = ({ body }: { body: { nodes: { id: string }[] } }) => body.nodes.map(({ id }) => id)

describe('a task moved to a hidden project', () => {
  test('disappears with its sub-tasks, by id and by both keys', async () => {
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

  test('disappears from lists, searches and the trash', async () => {
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

  test('does not reveal its destination in the log of the old project', async () => {
    const { look, act } = await inNewWorlds()
    const { task, unseen, projectId } = viewer
    const { body } = await act(`POST /tasks/${task.id}/move`, { projectId: unseen.projectId })
    const log = (await look(`GET /events?projectId=${projectId}&limit=100`)).text
    for (const name of [unseen.projectId, body.key]) expect(log).not.toContain(name)
  })
})

describe('a task moved from a hidden project', () => {
  test('keeps no reference to the hidden project', async () => {
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

  test('drops assignees who are not members and keeps labels by name', async () => {
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

  test('does not reveal its origin in the log of the new project', async () => {
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
