import { beforeAll, describe, expect, test } from 'vitest'
import { schema } from '../../src/app/schema.ts'
import { rootFields } from '../access/doors.ts'
import { STREAM_DOORS } from '../access/streams.ts'
import { graphql, rest } from '../support/clients.ts'
import { cursorOf, newProject, newTask } from '../support/factories.ts'
import { type Caller, call, data } from '../support/operations.ts'
import { apiKey, type Person, signUpAt } from '../support/people.ts'
import { sharedServer, type TestServer } from '../support/server.ts'

let server: TestServer
let owner: Person

beforeAll(async () => {
  server = await sharedServer()
  owner = await signUpAt(server)
})

type Variables = Record<string, unknown>

const transports = Object.entries(STREAM_DOORS)

/** Subscribes over every transport. Returns a function that reads up to the event of a task. */
async function followAll(name: 'events' | 'taskEvents', variables: Variables, caller: Caller = owner) {
  const root = rootFields(schema).find((one) => one.name === `Subscription.${name}`)!
  const opened = await Promise.all(
    transports.map(async ([transport, open]) => ({
      transport,
      next: await open(server, root, variables, { token: caller.token! }),
    })),
  )
  return async (last: string) => {
    const read: Record<string, Variables[]> = {}
    for (const { transport, next } of opened) {
      const events: Variables[] = []
      do {
        const { code, data, exchange } = await next()
        expect(code, `${transport}: ${exchange}`).toBe('OK')
        events.push(data)
      } while (events.at(-1)?.subjectId !== last)
      read[transport] = events.slice(0, -1)
    }
    return read
  }
}

/** Reads the log page by page, over GraphQL and over REST. */
async function readAll(variables: Variables, caller: Caller = owner): Promise<Record<string, Variables[]>> {
  const query = `query ($types: [String!], $projectId: ID, $filter: TaskFilter, $after: String) {
    events(types: $types, projectId: $projectId, filter: $filter, after: $after, first: 2) {
      nodes { type subjectId match cursor } pageInfo { hasNextPage endCursor }
    }
  }`
  const pageOf = {
    GraphQL: async (after: unknown) =>
      (await graphql(server, query, { ...variables, after }, { token: caller.token })).data.events,
    REST: async (after: unknown) => {
      const { types = [], filter, ...others } = { ...variables, after } as Variables & { types?: string[] }
      const given = Object.entries({
        ...others,
        limit: 2,
        ...(filter !== undefined && { filter: JSON.stringify(filter) }),
      })
      const asked = [...given, ...types.map((type) => ['types', type])] as [string, string][]
      return data(await call(caller, `GET /events?${new URLSearchParams(asked)}`))
    },
  }
  const read: Record<string, Variables[]> = {}
  for (const [protocol, page] of Object.entries(pageOf)) {
    const events: Variables[] = []
    for (let after = variables.after, more = true; more; ) {
      const { nodes, pageInfo } = await page(after)
      events.push(...nodes)
      after = pageInfo.endCursor
      more = pageInfo.hasNextPage
    }
    read[protocol] = events
  }
  return read
}

const change = async (id: string, body: object) => data(await call(owner, `PATCH /tasks/${id}`, { ...body }))

/** Expects every transport to have delivered these events in this order. */
function expectEvents(read: Record<string, Variables[]>, wanted: unknown[][]) {
  for (const [transport, events] of Object.entries(read))
    expect(
      events.map(({ type, match }) => [type, match]),
      transport,
    ).toEqual(wanted)
}

describe('filtered events, live and logged,', () => {
  test('cover tasks that enter, stay in or leave the filter, and say which', async () => {
    const [{ id: projectId }, elsewhere] = [await newProject(owner), await newProject(owner)]
    const after = await cursorOf(owner)
    const filter = { status: ['IN_PROGRESS'], and: [{ projectId }] }
    const asked = { filter, after }
    const [read, readTasks] = [await followAll('events', asked), await followAll('taskEvents', asked)]

    const { id } = await newTask(owner, { projectId })
    await change(id, { title: 'Not in it yet' })
    await change(id, { status: 'IN_PROGRESS' })
    await change(id, { title: 'In it' })
    await change(id, { status: 'COMPLETED' })
    await change(id, { status: 'IN_PROGRESS' })
    data(await call(owner, `DELETE /tasks/${id}`))
    data(await call(owner, `POST /tasks/${id}/restore`))
    data(await call(owner, `POST /tasks/${id}/move`, { projectId: elsewhere.id }))
    await change(id, { title: 'In another project' })
    const last = await newTask(owner, { projectId, status: 'IN_PROGRESS' })

    const wanted = [
      ['task.updated', 'ENTERED'],
      ['task.updated', 'STAYED'],
      ['task.updated', 'LEFT'],
      ['task.updated', 'ENTERED'],
      ['task.deleted', 'LEFT'],
      ['task.restored', 'ENTERED'],
      ['task.removed', 'LEFT'],
    ]
    expectEvents(await read(last.id), wanted)
    expectEvents(await readTasks(last.id), wanted)
    expectEvents(await readAll(asked), [...wanted, ['task.created', 'ENTERED']])
  })

  test('match search words against the task at the time of each event', async () => {
    const { id: projectId } = await newProject(owner)
    const after = await cursorOf(owner)
    const asked = { filter: { search: 'zebras' }, projectId, after }
    const read = await followAll('taskEvents', asked)
    const { id } = await newTask(owner, { projectId, title: 'Horses' })
    await change(id, { description: 'A zebra is one, too' })
    await change(id, { title: 'Donkeys' })
    await change(id, { description: null })
    const last = await newTask(owner, { projectId, title: 'The last zebra' })
    const wanted = [
      ['task.updated', 'ENTERED'],
      ['task.updated', 'STAYED'],
      ['task.updated', 'LEFT'],
    ]
    expectEvents(await read(last.id), wanted)
    expectEvents(await readAll(asked), [...wanted, ['task.created', 'ENTERED']])
  })

  test('resolve “me” per viewer, even when two viewers send the same filter', async () => {
    const friend = await signUpAt(server)
    const { id: projectId } = await newProject(owner)
    data(await call(owner, `POST /projects/${projectId}/members`, { email: friend.email, role: 'EDITOR' }))
    const asked = { filter: { assigneeId: ['me'] }, projectId, after: await cursorOf(owner) }
    const [mine, theirs] = [await followAll('events', asked), await followAll('events', asked, friend)]
    const { id } = await newTask(owner, { projectId, assigneeIds: [owner.id] })
    await change(id, { assigneeIds: [owner.id, friend.id] })
    await change(id, { assigneeIds: [friend.id] })
    const last = await newTask(owner, { projectId, assigneeIds: [owner.id, friend.id] })
    expectEvents(await mine(last.id), [
      ['task.created', 'ENTERED'],
      ['task.updated', 'STAYED'],
      ['task.updated', 'LEFT'],
    ])
    expectEvents(await theirs(last.id), [
      ['task.updated', 'ENTERED'],
      ['task.updated', 'STAYED'],
    ])
  })
})

describe('the types argument', () => {
  test('selects only those types, live and logged, and a noun selects all of its types', async () => {
    const { id: projectId } = await newProject(owner)
    const asked = { types: ['project', 'task.deleted', 'label.created'], projectId, after: await cursorOf(owner) }
    const read = await followAll('events', asked)
    const { id } = await newTask(owner, { projectId })
    await server.db.project.update({ where: { id: projectId }, data: { name: 'Renamed' } })
    data(await call(owner, `POST /projects/${projectId}/labels`, { name: 'New' }))
    data(await call(owner, `DELETE /tasks/${id}`))
    const last = await newTask(owner, { projectId })
    data(await call(owner, `DELETE /tasks/${last.id}`))
    const wanted = [
      ['project.updated', null],
      ['label.created', null],
      ['task.deleted', null],
    ]
    expectEvents(await read(last.id), wanted)
    expectEvents(await readAll(asked), [...wanted, ['task.deleted', null]])
  })

  test('rejects unknown types and reports all of them at once', async () => {
    for (const path of ['/events', '/events/stream']) {
      const { status, body } = await rest(server, `GET ${path}?types=tasks&types=task&types=session.revoked`, owner)
      expect([status, body.errors?.map((issue: { path: unknown }) => issue.path)]).toEqual([
        422,
        [
          ['query', 'types'],
          ['query', 'types'],
        ],
      ])
    }
    expect((await rest(server, 'GET /tasks/events?types=task', owner)).status).toBe(422)
  })

  test('never shows types outside the scopes of an API key', async () => {
    const key = await apiKey(owner, 'tasks:read')
    const { id: projectId } = await newProject(owner)
    const asked = { types: ['project', 'task'], after: await cursorOf(owner) }
    const read = await followAll('events', asked, key)
    await server.db.project.update({ where: { id: projectId }, data: { name: 'Renamed' } })
    await newTask(owner, { projectId })
    const last = await newTask(owner, { projectId })
    expectEvents(await read(last.id), [['task.created', null]])
    expectEvents(await readAll({ ...asked, types: ['project'] }, key), [])
  })
})

test('a page of events without a filter ends at its last event, and an empty one where it started', async () => {
  const { id: projectId } = await newProject(owner)
  const [one, two] = [await newProject(owner), await newProject(owner)]
  const after = await cursorOf(owner)
  await newTask(owner, { projectId: one.id })
  await newTask(owner, { projectId: two.id })
  const page = async (project: string) => data(await call(owner, `GET /events?projectId=${project}&after=${after}`))
  const { nodes, pageInfo } = await page(one.id)
  expect(nodes).toHaveLength(1)
  expect(pageInfo).toMatchObject({ hasNextPage: false, startCursor: nodes[0].cursor, endCursor: nodes[0].cursor })
  expect(await page(projectId)).toMatchObject({ nodes: [], pageInfo: { hasNextPage: false, endCursor: after } })
})

test('the state stored with an event for filters is never exposed and cannot be selected', async () => {
  const { id: projectId } = await newProject(owner)
  const after = await cursorOf(owner)
  const read = await followAll('events', { projectId, after })
  await newTask(owner, { projectId, description: 'Kept' })
  const last = await newTask(owner, { projectId })
  const shown = JSON.stringify([await read(last.id), (await call(owner, `GET /events?after=${after}`)).data])
  expect(shown).toContain('Kept')
  expect(shown).not.toMatch(/earlierUpdatedAt|"state"/)
  for (const place of ['fields=state', 'include=state'])
    expect((await rest(server, `GET /events?${place}`, owner)).status, place).toBe(422)
  const { errors } = await graphql(server, '{ events { nodes { state } } }', {}, owner)
  expect(errors?.[0]?.extensions.code).toBe('BAD_REQUEST')
})
