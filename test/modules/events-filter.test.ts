import { beforeAll, expect, test } from 'vitest'
import { eventStream, type Inbox, rest, subscribe, websocketClient } from '../support/clients.ts'
import { cursorOf, newLabel, newProject, newTask } from '../support/factories.ts'
import { ask, type Caller, call, data, overRest, refusal } from '../support/operations.ts'
import { addTo, type Person, signUpAdminAt, signUpAt } from '../support/people.ts'
import { sharedServer, type TestServer } from '../support/server.ts'
import { graphqlStream } from '../support/sockets.ts'

let server: TestServer
let admin: Person
let ada: Person
let bob: Person

beforeAll(async () => {
  server = await sharedServer()
  admin = await signUpAdminAt(server)
  ada = await signUpAt(server, 'Ada')
  bob = await signUpAt(server, 'Bob')
})

type Filter = Record<string, unknown>

/** Condensed form of an event. An example of `kind` is "task.updated STAYED". */
interface Seen {
  cursor: string
  kind: string
  taskId: string | null
}

// biome-ignore lint/suspicious/noExplicitAny: untyped event from the wire
const pick = ({ cursor, type, match, taskId }: any): Seen => ({ cursor, kind: `${type} ${match}`, taskId })

const FOLLOW = `subscription ($filter: TaskFilter, $after: String, $projectId: ID) {
  taskEvents(filter: $filter, after: $after, projectId: $projectId) { cursor type taskId match }
}`

/** Follows a filter live over a WebSocket. `next(count)` waits for that many events. */
function follow(caller: Caller, variables: { filter?: Filter; after?: string; projectId?: string }) {
  const { inbox } = subscribe(websocketClient(caller, caller.token), FOLLOW, variables)
  return reader(inbox, ({ data, errors }) => {
    if (!data) throw new Error(errors?.[0]?.extensions.code)
    return pick(data.taskEvents)
  })
}

function reader<T, U>(inbox: Inbox<T>, read: (message: T) => U) {
  return {
    inbox,
    async next(count: number): Promise<U[]> {
      const all: U[] = []
      while (all.length < count) all.push(read(await inbox.next()))
      return all
    },
  }
}

/** Reads all events of a filter after a cursor, over REST and over GraphQL. */
async function pages(
  caller: Caller,
  filter: Filter,
  after: string,
): Promise<{ overRest: Seen[]; overGraphql: Seen[] }> {
  const query = `query ($filter: TaskFilter, $after: String) {
    events(filter: $filter, after: $after, first: 100) { nodes { cursor type taskId match } }
  }`
  const overGraphql = data(await ask(caller, query, { filter, after })).nodes
  const overRest = data(
    await call(caller, `GET /events?limit=100&after=${after}&filter=${encodeURIComponent(JSON.stringify(filter))}`),
  ).nodes
  return { overRest: overRest.map(pick), overGraphql: overGraphql.map(pick) }
}

const kinds = (events: Seen[]) => events.map(({ kind }) => kind)
const update = async (caller: Caller, { id }: { id: string }, input: Filter) =>
  data(await overRest.updateTask(caller, id, input))

test('a filter reports the same ENTERED, STAYED and LEFT events on every stream, on pages and after every cursor', async () => {
  const { id: projectId } = await newProject(ada)
  const filter = { status: ['PENDING'], priority: { gte: 3 }, projectId }
  const after = await cursorOf(ada)
  const token = ada.token
  const query = `after=${after}&status=PENDING&priority.gte=3&projectId=${projectId}`
  const json = encodeURIComponent(JSON.stringify(filter))
  const tasksOnly = await eventStream(server, `/tasks/events?${query}`, { token })
  const all = await eventStream(server, `/events/stream?types=task&after=${after}&filter=${json}`, { token })
  const streams = {
    websocket: follow(ada, { filter, after }),
    graphql: reader((await graphqlStream(server, FOLLOW, { token, variables: { filter, after } })).inbox, ({ data }) =>
      pick(data.taskEvents),
    ),
    tasks: reader(tasksOnly.inbox, (event) => pick(event.data)),
    events: reader(all.inbox, (event) => pick(event.data)),
  }

  const first = await newTask(ada, { projectId, priority: 3 })
  const second = await newTask(ada, { projectId, priority: 2 })
  await update(ada, first, { title: 'Another' })
  await update(ada, second, { title: 'Another' })
  await update(ada, second, { priority: 5 })
  await update(ada, first, { status: 'COMPLETED' })
  await update(ada, first, { title: 'Yet another' })
  data(await overRest.deleteTask(ada, second.id))
  data(await overRest.restoreTask(ada, second.id))
  await server.db.task.delete({ where: { id: second.id } })
  const copy = data(await overRest.duplicateTask(ada, first.id))
  await update(ada, copy, { status: 'PENDING' })

  const expected = [
    ['task.created ENTERED', first.id],
    ['task.updated STAYED', first.id],
    ['task.updated ENTERED', second.id],
    ['task.updated LEFT', first.id],
    ['task.deleted LEFT', second.id],
    ['task.restored ENTERED', second.id],
    ['task.deleted LEFT', second.id],
    ...(copy.status === 'PENDING' ? [['task.created ENTERED', copy.id]] : [['task.updated ENTERED', copy.id]]),
  ]
  const received = await streams.websocket.next(expected.length)
  expect(received.map(({ kind, taskId }) => [kind, taskId])).toEqual(expected)
  expect(await streams.graphql.next(expected.length)).toEqual(received)
  expect(await streams.tasks.next(expected.length)).toEqual(received)
  expect(await streams.events.next(expected.length)).toEqual(received)
  const read = await pages(ada, filter, after)
  expect(read).toEqual({ overRest: received, overGraphql: received })
  for (const [index, { cursor }] of received.slice(0, -1).entries()) {
    const rest = received.slice(index + 1)
    expect(await follow(ada, { filter, after: cursor }).next(rest.length)).toEqual(rest)
  }
})

test('a move to another project is LEFT for followers of the old one and ENTERED for followers of the new one', async () => {
  const [from, to] = [await newProject(ada), await newProject(ada)]
  await addTo(ada, from.id, bob.email, 'VIEWER')
  const task = await newTask(ada, { projectId: from.id })
  const after = await cursorOf(ada)
  const ofFrom = follow(ada, { filter: { projectId: from.id }, after })
  const onlyFrom = follow(ada, { filter: { status: ['PENDING'] }, projectId: from.id, after })
  const ofTo = follow(ada, { filter: { projectId: to.id }, after })
  const ofBoth = follow(ada, { filter: { status: ['PENDING'] }, after })
  const ofBob = follow(bob, { filter: { status: ['PENDING'] }, after })
  data(await overRest.moveTask(ada, task.id, to.id))
  await update(ada, task, { title: 'Over there' })
  data(await overRest.moveTask(ada, task.id, from.id))

  const LEFT = 'task.removed LEFT'
  const ENTERED = 'task.updated ENTERED'
  expect(kinds(await ofFrom.next(2))).toEqual([LEFT, ENTERED])
  expect(kinds(await onlyFrom.next(2))).toEqual([LEFT, ENTERED])
  // Bob cannot see the other project.
  expect(kinds(await ofBob.next(2))).toEqual([LEFT, ENTERED])
  expect(kinds(await ofTo.next(3))).toEqual([ENTERED, 'task.updated STAYED', LEFT])
  expect(kinds(await ofBoth.next(5))).toEqual([LEFT, ENTERED, 'task.updated STAYED', LEFT, ENTERED])
})

test('types and nouns select events, and an unknown type is rejected', async () => {
  const { id: projectId } = await newProject(ada)
  const after = await cursorOf(ada)
  const { token } = ada
  const types = async (query: string) =>
    data(await call(ada, `GET /events?after=${after}&limit=100&projectId=${projectId}&${query}`)).nodes.map(
      (event: { type: string }) => event.type,
    )
  const stream = await eventStream(
    server,
    `/events/stream?types=task.updated&filter={"priority":{"gte":3}}&after=${after}`,
    {
      token,
    },
  )
  const task = await newTask(ada, { projectId, priority: 3 })
  const label = await newLabel(ada, projectId)
  await update(ada, task, { labelIds: [label.id] })
  await update(ada, task, { priority: 1 })
  expect(await types('')).toEqual(['task.created', 'label.created', 'task.updated', 'task.updated'])
  expect(await types('types=label')).toEqual(['label.created'])
  expect(await types('types=task.created&types=label')).toEqual(['task.created', 'label.created'])
  expect(await types('types=task')).toEqual(['task.created', 'task.updated', 'task.updated'])
  // Filters match only tasks, so label events never match.
  expect(await types('types=label&filter={}')).toEqual([])
  expect(await types('filter={"priority":{"gte":3}}')).toEqual(['task.created', 'task.updated', 'task.updated'])
  const live = reader(stream.inbox, (event) => `${event.event} ${event.data.match}`)
  expect(await live.next(2)).toEqual(['task.updated STAYED', 'task.updated LEFT'])

  const overRest = refusal(await call(ada, 'GET /events?types=task.exploded'))
  expect(overRest).toMatchObject({ code: 'VALIDATION_FAILED', fields: ['types'] })
  const overGraphql = await ask(ada, '{ events(types: ["task", "task.exploded"]) { nodes { type } } }')
  expect(refusal(overGraphql)).toMatchObject({ code: 'VALIDATION_FAILED', fields: ['types'] })
  const refused = await rest(server, 'GET /events/stream?types=task.exploded', { token })
  expect(refused).toMatchObject({ status: 422, body: { code: 'VALIDATION_FAILED' } })
  expect(refused.body.errors).toEqual([
    expect.objectContaining({ path: ['query', 'types'], message: expect.stringContaining('"task.exploded"') }),
  ])
})

test('a follower without a filter receives every event, even beside a follower with one', async () => {
  const { id: projectId } = await newProject(ada)
  const after = await cursorOf(ada)
  const whole = follow(ada, { projectId, after })
  const part = follow(ada, { projectId, after, filter: { priority: { gte: 4 } } })
  const task = await newTask(ada, { projectId })
  await update(ada, task, { priority: 4 })
  await update(ada, task, { priority: 3 })
  expect(kinds(await whole.next(3))).toEqual(['task.created null', 'task.updated null', 'task.updated null'])
  expect(kinds(await part.next(2))).toEqual(['task.updated ENTERED', 'task.updated LEFT'])
})

test('“me” means the follower, even when two followers send the same filter', async () => {
  const { id: projectId } = await newProject(ada)
  await addTo(ada, projectId, bob.email, 'EDITOR')
  const after = await cursorOf(ada)
  const filter = { assigneeId: ['me'] }
  const [ofAda, ofBob] = [follow(ada, { filter, after }), follow(bob, { filter, after })]
  const task = await newTask(bob, { projectId, assigneeIds: [ada.id] })
  await update(bob, task, { assigneeIds: [ada.id, bob.id] })
  await update(bob, task, { assigneeIds: [bob.id] })
  await update(bob, task, { assigneeIds: [] })
  expect(kinds(await ofAda.next(3))).toEqual(['task.created ENTERED', 'task.updated STAYED', 'task.updated LEFT'])
  expect(kinds(await ofBob.next(3))).toEqual(['task.updated ENTERED', 'task.updated STAYED', 'task.updated LEFT'])
})

test('search matches word stems, both before and after a change', async () => {
  const { id: projectId } = await newProject(ada)
  const after = await cursorOf(ada)
  const filter = { projectId, search: 'reports' }
  const live = follow(ada, { filter, after })
  const task = await newTask(ada, { projectId, title: 'Reporting' })
  await update(ada, task, { title: 'Something else', description: 'It was reported.' })
  await update(ada, task, { description: null })
  await update(ada, task, { title: 'Nothing of it' })
  await update(ada, task, { title: 'A report' })
  const received = await live.next(4)
  expect(kinds(received)).toEqual([
    'task.created ENTERED',
    'task.updated STAYED',
    'task.updated LEFT',
    'task.updated ENTERED',
  ])
  expect((await pages(ada, filter, after)).overRest).toEqual(received)
})

test('a filter by an unused key matches the task that later receives the key', async () => {
  const [one, other] = [await newProject(ada), await newProject(ada)]
  const after = await cursorOf(ada)
  const live = follow(ada, { filter: { key: [`${one.key.toLowerCase()}-1`, `${other.key}-1`] }, after })
  const task = await newTask(ada, { projectId: one.id })
  await newTask(ada, { projectId: one.id })
  data(await overRest.moveTask(ada, task.id, other.id))
  await update(ada, task, { title: 'Over there' })
  expect(kinds(await live.next(4))).toEqual([
    'task.created ENTERED',
    'task.removed LEFT',
    'task.updated ENTERED',
    'task.updated STAYED',
  ])
})

test('a permanently deleted task is LEFT for a filter by the key it had before it moved', async () => {
  const [one, other] = [await newProject(admin), await newProject(admin)]
  const task = await newTask(admin, { projectId: one.id })
  data(await overRest.moveTask(admin, task.id, other.id))
  const after = await cursorOf(admin)
  await server.db.project.delete({ where: { id: other.id } })
  const { overGraphql } = await pages(admin, { key: [task.key] }, after)
  expect(overGraphql).toMatchObject([{ kind: 'task.deleted LEFT', taskId: task.id }])
})

test('deleting a label makes its tasks leave a filter by that label', async () => {
  const { id: projectId } = await newProject(ada)
  const label = await newLabel(ada, projectId)
  const after = await cursorOf(ada)
  const live = follow(ada, { filter: { labelId: { any: [label.id] } }, after })
  const task = await newTask(ada, { projectId, labelIds: [label.id] })
  data(await overRest.deleteLabel(ada, label.id))
  expect(kinds(await live.next(2))).toEqual(['task.created ENTERED', 'task.updated LEFT'])
  await update(ada, task, { title: 'Without it' })
  expect(live.inbox.size).toBe(0)
})

test('dates are compared as instants, whatever time zone they were written in', async () => {
  const { id: projectId } = await newProject(ada)
  const after = await cursorOf(ada)
  const last = '9999-12-31T23:59:59.999Z'
  const late = follow(ada, { filter: { projectId, dueAt: { gte: last } }, after })
  const early = follow(ada, { filter: { projectId, dueAt: { lte: '0001-01-01T00:00:00.000Z' } }, after })
  const task = await newTask(ada, { projectId })
  const write = (timeZone: string, dueAt: string) =>
    server.db.$transaction(async (tx) => {
      await tx.$executeRaw`SELECT set_config('TimeZone', ${timeZone}, true)`
      await tx.$executeRaw`UPDATE "Task" SET "dueAt" = ${dueAt}::text::timestamptz WHERE "id" = ${task.id}::uuid`
    })
  await write('Pacific/Kiritimati', last)
  await write('America/St_Johns', '0001-01-01T00:00:00.000Z')
  expect(kinds(await late.next(2))).toEqual(['task.updated ENTERED', 'task.updated LEFT'])
  expect(kinds(await early.next(1))).toEqual(['task.updated ENTERED'])
})

test('a removed member receives no filtered events of the project until they are added again', async () => {
  const { id: projectId } = await newProject(ada)
  const kept = await newProject(ada)
  for (const id of [projectId, kept.id]) await addTo(ada, id, bob.email, 'VIEWER')
  const after = await cursorOf(bob)
  const live = follow(bob, { filter: { priority: { lte: 5 } }, after })
  const task = await newTask(ada, { projectId })
  expect(kinds(await live.next(1))).toEqual(['task.created ENTERED'])
  data(await call(ada, `DELETE /projects/${projectId}/members/${bob.id}`))
  await update(ada, task, { title: 'Not for Bob' })
  const other = await newTask(ada, { projectId: kept.id })
  expect(await live.next(1)).toMatchObject([{ kind: 'task.created ENTERED', taskId: other.id }])
  await addTo(ada, projectId, bob.email, 'VIEWER')
  await update(ada, task, { title: 'For Bob again' })
  expect(await live.next(1)).toMatchObject([{ kind: 'task.updated STAYED', taskId: task.id }])
  // Deleting the project sends nothing to its members and LEFT to an ADMIN.
  const seen = follow(admin, { filter: { priority: { lte: 5 } }, after: await cursorOf(admin) })
  await server.db.project.delete({ where: { id: projectId } })
  expect(await seen.next(1)).toMatchObject([{ kind: 'task.deleted LEFT', taskId: task.id }])
  const last = await newTask(ada, { projectId: kept.id })
  expect(await live.next(1)).toMatchObject([{ kind: 'task.created ENTERED', taskId: last.id }])
})

test('filtering events logged without a task state fails with CURSOR_EXPIRED', async () => {
  const { id: projectId } = await newProject(ada)
  const after = await cursorOf(ada)
  const task = await newTask(ada, { projectId })
  await server.db.$executeRaw`UPDATE "Event" SET "state" = NULL WHERE "subjectId" = ${task.id}::uuid`
  const filter = encodeURIComponent(JSON.stringify({ projectId }))
  const { token } = ada
  const page = await rest(server, `GET /events?after=${after}&filter=${filter}`, { token })
  expect(page).toMatchObject({ status: 410, body: { code: 'CURSOR_EXPIRED', errors: [{ path: ['query', 'after'] }] } })
  expect(data(await call(ada, `GET /events?after=${after}&projectId=${projectId}`)).nodes).toHaveLength(1)

  await expect(follow(ada, { filter: { projectId }, after }).next(1)).rejects.toThrow('CURSOR_EXPIRED')
  const ended = await eventStream(server, `/tasks/events?after=${after}&filter=${filter}`, { token })
  expect(await ended.inbox.next()).toMatchObject({ event: 'error', data: { code: 'CURSOR_EXPIRED' } })
  expect(kinds(await follow(ada, { projectId, after }).next(1))).toEqual(['task.created null'])

  const fromNow = follow(ada, { filter: { projectId }, after: await cursorOf(ada) })
  await update(ada, task, { priority: 2 })
  expect(kinds(await fromNow.next(1))).toEqual(['task.updated STAYED'])
})
