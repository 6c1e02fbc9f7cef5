import { beforeAll, describe, expect, test } from 'vitest'
import type { Operations } from '../support/operation-types.ts'
import { type Caller, data, describeBoth, overGraphql, overRest, refusal } from '../support/operations.ts'
import { sharedServer, signUp, type TestServer } from '../support/server.ts'

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const MISSING = '01890000-0000-7000-8000-000000000000'

let server: TestServer

beforeAll(async () => {
  server = await sharedServer()
  // The shared server already has its first account, the ADMIN. The tests use only members.
})

async function newCaller(name = 'Test Person'): Promise<Caller & { id: string; email: string }> {
  const { id, email, token } = await signUp(server, name)
  return { url: server.url, token, id, email }
}

describeBoth('a task', (api) => {
  test('gets default values and goes to the Inbox if only a title is given', async () => {
    const caller = await newCaller()
    const [inbox] = data(await api.listProjects(caller)).nodes
    expect(data(await api.createTask(caller, { title: '  Buy milk ' }))).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{14}7/),
      key: `${inbox.key}-1`,
      projectId: inbox.id,
      number: 1,
      title: 'Buy milk',
      description: null,
      status: 'PENDING',
      priority: 1,
      startAt: null,
      dueAt: null,
      dueOn: null,
      rank: 'h00000100',
      completedAt: null,
      parentId: null,
      assigneeIds: [],
      labelIds: [],
      creatorId: caller.id,
      deletedAt: null,
      version: 1,
      createdAt: expect.stringMatching(INSTANT),
      updatedAt: expect.stringMatching(INSTANT),
    })
  })

  test('keeps every given field and reads back as returned', async () => {
    const caller = await newCaller()
    const project = data(await api.createProject(caller, { name: 'Bridge' }))
    const input = {
      projectId: project.id,
      title: 'Paint it — 日本 🌉',
      description: '  *twice*\n',
      status: 'COMPLETED',
      priority: 5,
      dueAt: '2027-01-31T17:00:00+02:00',
    }
    const created = data(await api.createTask(caller, input))
    expect(created).toMatchObject({
      ...input,
      dueAt: '2027-01-31T15:00:00.000Z',
      completedAt: expect.stringMatching(INSTANT),
    })
    expect(data(await api.getTask(caller, created.id))).toEqual(created)
  })

  test('is updated field by field: absent fields stay, null clears', async () => {
    const caller = await newCaller()
    const created = data(
      await api.createTask(caller, {
        title: 'A',
        description: 'B',
        priority: 3,
        startAt: '2027-01-01',
        dueOn: '2027-01-31',
      }),
    )
    const cleared = data(await api.updateTask(caller, created.id, { dueAt: null, description: null }))
    expect(cleared).toEqual({ ...created, dueAt: null, description: null, version: 2, updatedAt: cleared.updatedAt })
    const renamed = data(await api.updateTask(caller, created.id, { title: 'C', status: 'IN_PROGRESS' }))
    expect(renamed).toMatchObject({ title: 'C', status: 'IN_PROGRESS', priority: 3, version: 3 })
    expect(data(await api.updateTask(caller, created.id, {}))).toEqual(renamed)
  })

  test('has a completion time only while it is COMPLETED', async () => {
    const caller = await newCaller()
    const { id } = data(await api.createTask(caller, { title: 'A' }))
    const completed = data(await api.updateTask(caller, id, { status: 'COMPLETED' }))
    expect(completed.completedAt).toMatch(INSTANT)
    expect(data(await api.updateTask(caller, id, { title: 'B' })).completedAt).toBe(completed.completedAt)
    expect(data(await api.updateTask(caller, id, { status: 'CANCELLED' })).completedAt).toBeNull()
  })

  test('is replaced as a whole: absent fields get their defaults', async () => {
    const caller = await newCaller()
    const input = { title: 'A', description: 'B', status: 'COMPLETED', priority: 4, dueAt: '2027-01-31' }
    const created = data(await api.createTask(caller, input))
    const replaced = data(await api.replaceTask(caller, created.id, { title: 'C' }))
    const defaults = { title: 'C', description: null, status: 'PENDING', priority: 1, dueAt: null, completedAt: null }
    expect(replaced).toEqual({ ...created, ...defaults, version: 2, updatedAt: replaced.updatedAt })
  })

  test('changes only at the expected version', async () => {
    const caller = await newCaller()
    const created = data(await api.createTask(caller, { title: 'A' }))
    const { id } = created
    expect(data(await api.updateTask(caller, id, { title: 'B' }, 1)).version).toBe(2)
    for (const late of [
      await api.updateTask(caller, id, { title: 'C' }, 1),
      await api.replaceTask(caller, id, { title: 'C' }, 1),
      await api.deleteTask(caller, id, 1),
    ]) {
      expect(refusal(late)).toMatchObject({ code: 'PRECONDITION_FAILED', fields: ['expectedVersion'] })
    }
    expect(data(await api.getTask(caller, id))).toMatchObject({ title: 'B', version: 2 })
    expect(data(await api.replaceTask(caller, id, { title: 'C' }, 2)).version).toBe(3)
    data(await api.deleteTask(caller, id, 3))
  })

  test('is NOT_FOUND for every operation once it is deleted', async () => {
    const caller = await newCaller()
    const kept = data(await api.createTask(caller, { title: 'kept' }))
    const { id } = data(await api.createTask(caller, { title: 'gone' }))
    data(await api.deleteTask(caller, id))
    for (const outcome of [
      await api.getTask(caller, id),
      await api.updateTask(caller, id, { title: 'B' }),
      await api.updateTask(caller, id, { title: 'B' }, 1),
      await api.replaceTask(caller, id, { title: 'B' }),
      await api.deleteTask(caller, id),
    ]) {
      expect(refusal(outcome)).toMatchObject({ code: 'NOT_FOUND', fields: ['id'] })
    }
    const { nodes, totalCount } = data(await api.listTasks(caller, { totalCount: true }))
    expect({ ids: nodes.map((task: { id: string }) => task.id), totalCount }).toEqual({ ids: [kept.id], totalCount: 1 })
  })

  test('has its history in the event log', async () => {
    const caller = await newCaller('Ada Lovelace')
    const { cursor } = data(await api.eventCursor(caller))
    const { id } = data(await api.createTask(caller, { title: 'A', priority: 2 }))
    data(await api.updateTask(caller, id, { title: 'B', dueAt: '2027-01-31' }))
    data(await api.deleteTask(caller, id))
    const { nodes, pageInfo } = data(await api.listEvents(caller, { after: cursor }))
    expect(nodes.map(({ type, version }: { type: string; version: number }) => [type, version])).toEqual([
      ['task.created', 1],
      ['task.updated', 2],
      ['task.deleted', 3],
    ])
    expect(nodes[1]).toMatchObject({
      taskId: id,
      subjectId: id,
      task: null,
      actor: { id: caller.id, name: 'Ada Lovelace' },
      changes: expect.arrayContaining([
        { field: 'title', from: 'A', to: 'B' },
        { field: 'dueAt', from: null, to: '2027-01-31T00:00:00.000Z' },
      ]),
    })
    expect(pageInfo).toMatchObject({ hasNextPage: false, endCursor: nodes[2].cursor })
    const rest = data(await api.listEvents(caller, { after: nodes[0].cursor, first: 1 }))
    expect(rest).toMatchObject({ nodes: [nodes[1]], pageInfo: { hasNextPage: true } })
  })
})

describe('both protocols', () => {
  /** Runs one operation over both protocols and compares the results. */
  async function same(run: (api: Operations) => Promise<{ data: unknown }>): Promise<unknown> {
    const [one, other] = [await run(overGraphql), await run(overRest)]
    expect(one.data, `GraphQL and REST differ in ${run}`).toEqual(other.data)
    return one.data
  }

  test('return the same complete entity for every read', async () => {
    const caller = await newCaller('Grace Hopper')
    const project = data(await overRest.createProject(caller, { name: 'Ship', description: 'of the line' }))
    const task = data(await overRest.createTask(caller, { title: 'A', projectId: project.id, dueAt: '2027-01-31' }))
    data(await overGraphql.createTask(caller, { title: 'B', projectId: project.id, priority: 4 }))
    expect(await same((api) => api.getTask(caller, task.id))).toEqual(task)
    expect(await same((api) => api.getProject(caller, project.id))).toEqual(project)
    expect(await same((api) => api.me(caller))).toMatchObject({ id: caller.id, email: caller.email })
    expect(await same((api) => api.listProjects(caller, { totalCount: true }))).toMatchObject({ totalCount: 2 })
    const orderBy = [{ field: 'PRIORITY', direction: 'DESC' }]
    const page = await same((api) => api.listTasks(caller, { orderBy, first: 1, totalCount: true }))
    expect(page).toMatchObject({ nodes: [{ title: 'B' }], totalCount: 2, pageInfo: { hasNextPage: true } })
    expect(await same((api) => api.listEvents(caller))).toMatchObject({ nodes: { length: expect.any(Number) } })
    expect(await same((api) => api.eventCursor(caller))).toEqual({ cursor: expect.any(String) })
  })

  test('return the same entity for every write, except for ids, keys and times', async () => {
    const caller = await newCaller()
    const input = { title: 'A', description: 'B', priority: 3, dueAt: '2027-01-31' }
    const [one, other] = [await overGraphql.createTask(caller, input), await overRest.createTask(caller, input)].map(
      data,
    )
    const own = {
      id: expect.any(String),
      key: expect.any(String),
      number: expect.any(Number),
      rank: expect.any(String),
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    }
    expect(one).toEqual({ ...other, ...own })
    const steps: ((api: Operations, id: string) => ReturnType<Operations['getTask']>)[] = [
      (api, id) => api.updateTask(caller, id, { status: 'COMPLETED', description: null }, 1),
      (api, id) => api.replaceTask(caller, id, { title: 'C' }, 2),
    ]
    for (const step of steps) {
      const [a, b] = [data(await step(overGraphql, one.id)), data(await step(overRest, other.id))]
      expect(a).toEqual({ ...b, ...own, completedAt: b.completedAt === null ? null : expect.stringMatching(INSTANT) })
    }
  })

  test('reject with the same code and the same fields', async () => {
    const caller = await newCaller()
    const attempts: ((api: Operations) => ReturnType<Operations['getTask']>)[] = [
      (api) => api.createTask(caller, { title: '', priority: 9, dueAt: 'soon' }),
      (api) => api.updateTask(caller, MISSING, { title: 'A' }),
      (api) => api.getProject(caller, MISSING),
      (api) => api.listTasks(caller, { first: 0, filter: { priority: { gte: 9 } } }),
      (api) => api.listTasks(caller, { after: 'nonsense' }),
      (api) => api.me({ url: server.url }),
    ]
    for (const attempt of attempts) {
      const [one, other] = [refusal(await attempt(overGraphql)), refusal(await attempt(overRest))]
      expect({ ...one, exchange: '' }, `${one.exchange}\n${other.exchange}`).toEqual({ ...other, exchange: '' })
    }
  })
})
