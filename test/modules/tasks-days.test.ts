import { beforeAll, expect, test } from 'vitest'
import { dayOf } from '../../src/modules/users/time-zone-service.ts'
import { graphql, rest } from '../support/clients.ts'
import { cursorOf, eventsSince, newProject, newTask } from '../support/factories.ts'
import { addTo, type Person, signUpAdminAt, signUpAt } from '../support/people.ts'
import { sharedServer, type TestServer } from '../support/server.ts'

let server: TestServer
let ada: Person
let projectId: string

beforeAll(async () => {
  server = await sharedServer()
  ada = await signUpAdminAt(server, 'Ada')
  projectId = (await newProject(ada)).id
})

type Input = Record<string, unknown>
// biome-ignore lint/suspicious/noExplicitAny: tests assert the shape they expect
type Task = any

const send = (request: string, body?: Input, person = ada) => rest(server, request, { token: person.token, body })
const create = (input: Input) => newTask(ada, { projectId, ...input })

async function titles(query: string, person = ada): Promise<string[]> {
  const { body, text } = await send(`GET /tasks?${query}`, undefined, person)
  if (!body.nodes) throw new Error(text)
  return body.nodes.map(({ title }: Task) => title)
}

/** Sends a request that must be refused. Returns its fields, each with its rule. */
async function refused(request: string, body: Input) {
  const answer = await send(request, body)
  expect(answer.status, answer.text).toBe(422)
  return answer.body.errors.map(({ path, code }: Task) => [path.join('.'), code])
}

test('a day and a start are set, changed, cleared, copied and logged, in both protocols', async () => {
  const cursor = await cursorOf(ada)
  const task = await create({ dueOn: '2026-03-29', startAt: '2026-03-01T09:00:00+02:00' })
  expect(task).toMatchObject({ dueOn: '2026-03-29', dueAt: null, startAt: '2026-03-01T07:00:00.000Z' })
  const query = 'mutation ($id: ID!, $input: UpdateTaskInput!) { updateTask(id: $id, input: $input) { dueOn startAt } }'
  const { data } = await graphql(server, query, { id: task.id, input: { dueOn: '2028-02-29' } }, { token: ada.token })
  expect(data.updateTask).toEqual({ dueOn: '2028-02-29', startAt: '2026-03-01T07:00:00.000Z' })
  const { body: copy } = await send(`POST /tasks/${task.id}/duplicate`, {})
  expect(copy).toMatchObject({ dueOn: '2028-02-29', startAt: '2026-03-01T07:00:00.000Z' })
  expect((await send(`PUT /tasks/${task.id}`, { title: 'A' })).body).toMatchObject({ dueOn: null, startAt: null })
  const dates = (await eventsSince(ada, cursor, task.id)).map(({ changes: { dueOn, startAt } }) => [dueOn, startAt])
  const start = '2026-03-01T07:00:00.000Z'
  expect(dates).toEqual([
    [
      [null, '2026-03-29'],
      [null, start],
    ],
    [['2026-03-29', '2028-02-29'], undefined],
    [
      ['2028-02-29', null],
      [start, null],
    ],
  ])

  const items = [{ dueOn: '0001-01-01' }, { dueOn: '9999-12-31' }].map((one) => ({ projectId, title: 'A', ...one }))
  const { body: batch } = await send('POST /tasks/bulk', { items })
  expect(batch.outcomes.map((one: Task) => one.task.dueOn)).toEqual(['0001-01-01', '9999-12-31'])
  const changed = [{ id: batch.outcomes[0].task.id, dueOn: null, dueAt: '2026-01-01T00:00:00Z' }]
  const { body: update } = await send('PATCH /tasks/bulk', { items: changed })
  expect(update.outcomes[0].task).toMatchObject({ dueOn: null, dueAt: '2026-01-01T00:00:00.000Z' })
})

test('a task is due at a time or on a day, and not before it starts', async () => {
  const [dueAt, dueOn] = ['2026-05-05T10:00:00Z', '2026-05-05']
  const both = { title: 'A', projectId, dueAt, dueOn }
  expect(await refused('POST /tasks', both)).toEqual([['body.dueOn', 'exclusive']])
  expect((await send('POST /tasks', both)).body.detail).toContain('dueAt or dueOn')
  const timed = await create({ dueAt })
  const path = `/tasks/${timed.id}`
  expect(await refused(`PATCH ${path}`, { dueOn })).toEqual([['body.dueOn', 'exclusive']])
  expect(await refused(`PUT ${path}`, { title: 'A', dueAt, dueOn })).toEqual([['body.dueOn', 'exclusive']])
  const { body: batch } = await send('PATCH /tasks/bulk', { items: [{ id: timed.id, dueOn }] })
  expect(batch.outcomes[0].error).toMatchObject({ code: 'VALIDATION_FAILED', issues: [{ code: 'exclusive' }] })
  expect((await send(`PATCH ${path}`, { dueOn, dueAt: null })).body).toMatchObject({ dueOn, dueAt: null })
  expect(await refused(`PATCH ${path}`, { dueAt })).toEqual([['body.dueAt', 'exclusive']])
  expect((await send(`PUT ${path}`, { title: 'A', dueAt })).body).toMatchObject({ dueOn: null })

  expect(await refused(`PATCH ${path}`, { startAt: '2026-05-05T10:00:00.001Z' })).toEqual([['body.startAt', 'order']])
  expect((await send(`PATCH ${path}`, { startAt: '2026-05-05T10:00:00Z' })).status).toBe(200)
  expect(await refused(`PATCH ${path}`, { dueAt: '2026-05-05T09:00:00Z' })).toEqual([['body.dueAt', 'order']])
  expect(await refused(`PATCH ${path}`, { dueAt: null, dueOn: '2026-05-03' })).toEqual([['body.dueOn', 'order']])
  expect((await send(`PATCH ${path}`, { dueAt: null, dueOn: '2026-05-04' })).status).toBe(200)
  for (const wrong of ['2026-02-30', '2026-5-5', '0000-01-01', '2026-05-05T00:00:00Z', 'today', 20_260_505])
    expect(await refused(`PATCH ${path}`, { dueOn: wrong }), String(wrong)).toEqual([
      ['body.dueOn', expect.any(String)],
    ])
  // Nothing else may break the rules either.
  const row = { title: 'A', projectId, dueAt: new Date(dueAt), dueOn: new Date(dueOn) }
  await expect(server.db.task.create({ data: row })).rejects.toThrow('Task_dueOn_exclusive')
})

test('tasks are filtered by day and start, and sorted by when they are due', async () => {
  const project = (await newProject(ada)).id
  const at = (title: string, input: Input) => create({ projectId: project, title, ...input })
  await at('never', {})
  await at('day 2', { dueOn: '2026-06-02' })
  await at('day 1', { dueOn: '2026-06-01', startAt: '2026-05-01T00:00:00Z' })
  await at('time 2', { dueAt: '2026-06-02T23:59:00Z' })
  await at('time 3', { dueAt: '2026-06-03T00:00:00Z', startAt: '2026-05-02T00:00:00Z' })
  const list = (query: string) => titles(`projectId=${project}&orderBy=dueAt&${query}`)
  expect(await list('')).toEqual(['day 1', 'time 2', 'day 2', 'time 3', 'never'])
  expect(await titles(`projectId=${project}&orderBy=dueAt:desc`)).toEqual([
    'time 3',
    'day 2',
    'time 2',
    'day 1',
    'never',
  ])
  const found = `projectId=${project}&search=day&orderBy=relevance:desc`
  expect(await titles(`${found}&orderBy=dueAt`)).toEqual(['day 1', 'day 2'])
  expect(await titles(`${found}&orderBy=rank`)).toEqual(['day 2', 'day 1'])
  expect(await list('dueOn.gte=2026-06-01&dueOn.lt=2026-06-02')).toEqual(['day 1'])
  expect(await list('dueOn.gt=2026-06-01')).toEqual(['day 2'])
  expect(await list('dueOn.lte=2026-06-02')).toEqual(['day 1', 'day 2'])
  expect(await list('dueAt.gte=2026-06-01')).toEqual(['time 2', 'time 3'])
  expect(await list('dueAt.lt=2027-01-01')).toEqual(['time 2', 'time 3'])
  expect(await list('startAt.gte=2026-05-02')).toEqual(['time 3'])
  const filter = {
    projectId: project,
    not: { dueOn: { gte: '2026-06-02' } },
    startAt: { lt: '2026-07-01T00:00:00.000Z' },
  }
  const { body: saved } = await send('POST /saved-filters', { name: 'A', filter })
  expect(saved.filter).toEqual(filter)
  expect(await titles(`savedFilterId=${saved.id}&orderBy=dueAt`)).toEqual(['day 1', 'time 3'])
})

test('a day ends when it ends in the viewer’s time zone, on lists and on streams', async () => {
  const project = (await newProject(ada)).id
  const zones = { 'Pacific/Kiritimati': 14, UTC: 0, 'Etc/GMT+12': -12 }
  const people: [Person, string][] = []
  for (const [timeZone, offset] of Object.entries(zones)) {
    const person = await signUpAt(server, timeZone)
    await addTo(ada, project, person.email, 'VIEWER')
    expect((await send('PATCH /me', { timeZone }, person)).body).toMatchObject({ timeZone })
    people.push([person, new Date(Date.now() + offset * 3_600_000).toISOString().slice(0, 10)])
  }
  const cursor = await cursorOf(ada)
  const days = [-3, -2, -1, 0, 1, 2].map((day) => new Date(Date.now() + day * 86_400_000).toISOString().slice(0, 10))
  for (const dueOn of days) await create({ projectId: project, title: dueOn, dueOn })
  await create({ projectId: project, title: 'done', dueOn: days[0], status: 'COMPLETED' })
  await create({ projectId: project, title: 'past', dueAt: new Date(Date.now() - 1_000).toISOString() })
  await create({ projectId: project, title: 'soon', dueAt: new Date(Date.now() + 3_600_000).toISOString() })
  for (const [person, today] of people) {
    const overdue = [...days.filter((day) => day < today), 'past']
    const [yes, no] = await Promise.all(
      [true, false].map((wanted) => titles(`projectId=${project}&overdue=${wanted}`, person)),
    )
    expect(yes, today).toEqual(overdue)
    expect(no, today).toEqual([...days.filter((day) => day >= today), 'done', 'soon'])
    // All-day tasks show the same day to everyone.
    const query = `{ tasks(filter: { projectId: "${project}", dueOn: { gte: "0001-01-01" } }) { nodes { title dueOn } } }`
    const { data } = await graphql(server, query, {}, { token: person.token })
    expect(data.tasks.nodes.map(({ dueOn }: Task) => dueOn)).toEqual([...days, days[0]])
    const { body } = await send(
      `GET /events?after=${cursor}&projectId=${project}&overdue=true&limit=100`,
      undefined,
      person,
    )
    const created = await Promise.all(
      body.nodes.map(async ({ taskId }: Task) => (await send(`GET /tasks/${taskId}`, undefined, person)).body.title),
    )
    expect(created, today).toEqual(overdue)
  }
})

test('a time zone is any name of the IANA database, and shown to its user and ADMINs only', async () => {
  const register = (timeZone?: unknown) =>
    send('POST /auth/register', {
      email: `${crypto.randomUUID()}@example.org`,
      password: 'one long enough',
      name: 'A',
      timeZone,
    })
  expect((await register('europe/berlin')).body.user.timeZone).toBe('Europe/Berlin')
  const { body } = await register()
  expect(body.user.timeZone).toBe('UTC')
  for (const name of ['Asia/Kolkata', 'Europe/Kyiv', 'America/Argentina/Buenos_Aires'])
    expect((await send('PATCH /me', { timeZone: name }, { ...ada, token: body.accessToken })).body.timeZone).toBe(name)
  for (const wrong of ['+02:00', 'Mars/Base', '', '../etc/passwd', null])
    expect(await refused('PATCH /me', { timeZone: wrong }), String(wrong)).toEqual([
      ['body.timeZone', expect.any(String)],
    ])
  const viewer = await signUpAt(server, 'Viewer')
  await addTo(ada, projectId, viewer.email, 'VIEWER')
  const query = `query ($id: ID!) { members(projectId: $id) { nodes { user { name timeZone } } } }`
  const { data } = await graphql(server, query, { id: projectId }, { token: viewer.token })
  expect(data.members.nodes.map(({ user }: Task) => user)).toEqual([
    { name: 'Ada', timeZone: null },
    { name: 'Viewer', timeZone: 'UTC' },
  ])
})

test.each([
  ['Europe/Berlin', '2026-03-29T21:59:59Z', '2026-03-29'],
  ['Europe/Berlin', '2026-03-29T22:00:00Z', '2026-03-30'],
  ['Europe/Berlin', '2026-03-28T22:59:59Z', '2026-03-28'],
  ['Europe/Berlin', '2026-10-25T22:59:59Z', '2026-10-25'],
  ['America/New_York', '2026-11-01T03:59:59Z', '2026-10-31'],
  ['America/New_York', '2026-11-02T04:59:59Z', '2026-11-01'],
  ['Pacific/Kiritimati', '2026-01-01T10:00:00Z', '2026-01-02'],
  ['Etc/GMT+12', '2026-01-01T11:59:59Z', '2025-12-31'],
])('in %s, %s is on %s', (timeZone, at, day) => {
  expect(dayOf(new Date(at), timeZone)).toBe(day)
})
