import { beforeAll, expect, test } from 'vitest'
import { rest } from '../support/clients.ts'
import { draws } from '../support/draws.ts'
import { atOnce, newTask, eventsSince as readEvents, readTask } from '../support/factories.ts'
import { type Caller, data, describeApi, type Outcome, overGraphql, overRest, refusal } from '../support/operations.ts'
import { ownServerForTest, sharedServer, signUp, type TestServer } from '../support/server.ts'

let server: TestServer
let caller: Caller

beforeAll(async () => {
  server = await sharedServer()
  caller = { url: server.url, token: (await signUp(server)).token }
})

const eventsSince = (cursor: string, taskId?: string) => readEvents(caller, cursor, taskId)

describeApi('concurrent requests', (api) => {
  test('give 100 tasks created in one project consecutive numbers and one event each', async () => {
    const { id: projectId } = data(await api.createProject(caller, { name: 'Busy' }))
    const { cursor } = data(await api.eventCursor(caller))
    const created = (await atOnce(100, (index) => api.createTask(caller, { projectId, title: `Task ${index}` }))).map(
      data,
    )
    const numbers = created.map((task) => task.number).sort((a, b) => a - b)
    expect(numbers).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
    const events = await eventsSince(cursor)
    expect(events.map((event) => event.subjectId).sort()).toEqual(created.map((task) => task.id).sort())
    expect(events.every((event) => event.type === 'task.created' && event.version === 1)).toBe(true)
  })

  test('let one of 50 changes with the same expected version succeed and fail the rest with PRECONDITION_FAILED', async () => {
    const { id } = data(await api.createTask(caller, { title: 'Contended' }))
    const { cursor } = data(await api.eventCursor(caller))
    const outcomes = await atOnce(50, (index) => api.updateTask(caller, id, { title: `Change ${index}` }, 1))
    const won = outcomes.filter((outcome: Outcome) => !outcome.error).map(data)
    const codes = outcomes.filter((outcome) => outcome.error).map((outcome) => refusal(outcome).code)
    expect(won).toHaveLength(1)
    expect(codes).toEqual(Array(49).fill('PRECONDITION_FAILED'))
    expect(data(await api.getTask(caller, id))).toEqual(won[0])
    expect(won[0].version).toBe(2)
    expect(await eventsSince(cursor, id)).toHaveLength(1)
  })

  test('apply all of 30 changes without an expected version, each with its own version and event', async () => {
    const { id } = data(await api.createTask(caller, { title: 'Contended' }))
    const { cursor } = data(await api.eventCursor(caller))
    const changed = (await atOnce(30, (index) => api.updateTask(caller, id, { title: `Change ${index}` }))).map(data)
    const versions = Array.from({ length: 30 }, (_, index) => index + 2)
    expect(changed.map((task) => task.version).sort((a, b) => a - b)).toEqual(versions)
    const last = changed.find((task) => task.version === 31)
    expect(data(await api.getTask(caller, id))).toEqual(last)
    expect((await eventsSince(cursor, id)).map((event) => event.version)).toEqual(versions)
  })

  test('let the last write to a field win without an expected version, and log both events', async () => {
    const { id } = data(await api.createTask(caller, { title: 'Contended', priority: 1 }))
    const { cursor } = data(await api.eventCursor(caller))
    // Two writers read the same version and change different fields: neither undoes the other.
    for (const outcome of await Promise.all([
      api.updateTask(caller, id, { title: 'Changed' }),
      api.updateTask(caller, id, { priority: 5 }),
    ]))
      data(outcome)
    expect(await readTask(caller, id)).toMatchObject({ title: 'Changed', priority: 5, version: 3 })
    const events = await eventsSince(cursor, id)
    expect(events.map(({ type, version }) => [type, version])).toEqual([
      ['task.updated', 2],
      ['task.updated', 3],
    ])
    expect(Object.assign({}, ...events.map(({ changes }) => changes))).toEqual({
      title: ['Contended', 'Changed'],
      priority: [1, 5],
    })
    // For one field the last write wins, and the log records the value it replaced.
    const outcomes = await Promise.all(['One', 'Two'].map((title) => api.updateTask(caller, id, { title })))
    const last = outcomes.map(data).find((task) => task.version === 5)
    expect(await readTask(caller, id)).toEqual(last)
    const [first, second] = (await eventsSince(cursor, id)).slice(2).map(({ changes }) => changes.title)
    expect([first?.[0], second]).toEqual(['Changed', [first?.[1], last.title]])
  })

  test('let one of 20 deletions succeed and fail the rest with NOT_FOUND', async () => {
    const { id } = data(await api.createTask(caller, { title: 'Contended' }))
    const { cursor } = data(await api.eventCursor(caller))
    const outcomes = await atOnce(20, () => api.deleteTask(caller, id))
    const codes = outcomes.map((outcome) => outcome.error?.code).sort()
    expect(codes).toEqual([...Array(19).fill('NOT_FOUND'), undefined])
    expect((await eventsSince(cursor, id)).map((event) => event.type)).toEqual(['task.deleted'])
  })

  test('never leave a deleted task readable after changes race with a deletion', async () => {
    const { id } = data(await api.createTask(caller, { title: 'Contended' }))
    const outcomes = await atOnce(20, (index) =>
      index === 10 ? api.deleteTask(caller, id) : api.updateTask(caller, id, { title: `Change ${index}` }),
    )
    const codes = new Set(outcomes.map((outcome) => outcome.error?.code))
    expect([...codes].filter((code) => code !== undefined && code !== 'NOT_FOUND')).toEqual([])
    expect(refusal(await api.getTask(caller, id)).code).toBe('NOT_FOUND')
  })

  test('create one of 10 projects with the same key and fail the rest with CONFLICT', async () => {
    const key = `K${crypto.randomUUID().slice(0, 8).toUpperCase()}`
    const outcomes = await atOnce(10, () => api.createProject(caller, { name: 'Same', key }))
    expect(outcomes.map((outcome) => outcome.error?.code).sort()).toEqual([...Array(9).fill('CONFLICT'), undefined])
    const refused = outcomes.filter((outcome) => outcome.error).map(refusal)
    expect(refused[0]?.fields, refused[0]?.exchange).toEqual(['key'])
  })

  test('give each of 10 projects with the same name its own key', async () => {
    const created = (await atOnce(10, () => api.createProject(caller, { name: 'Namesake' }))).map(data)
    expect(new Set(created.map((project) => project.key)).size).toBe(10)
  })
})

test('no update is lost when many with versions are retried until each succeeds', async () => {
  // Of concurrent writers all but one are refused: more of them would only retry more often.
  const [WRITERS, EACH] = [8, Math.ceil(draws(200) / 8)]
  const { id } = await newTask(caller, { title: 'Start' })
  const cursor = data(await overRest.eventCursor(caller)).cursor
  const made = new Map<number, string>()
  const refused = new Set<string | undefined>()
  await atOnce(WRITERS, async (writer) => {
    const api = writer % 2 ? overRest : overGraphql
    let { version } = await readTask(caller, id)
    for (let written = 0; written < EACH; ) {
      const title = `Writer ${writer}, change ${written}`
      const outcome = await api.updateTask(caller, id, { title }, version)
      if (outcome.error) {
        refused.add(outcome.error.code)
        version = (await readTask(caller, id)).version
        continue
      }
      version = outcome.data.version
      made.set(version, title)
      written++
    }
  })
  expect([...refused]).toEqual(['PRECONDITION_FAILED'])
  const total = WRITERS * EACH
  const versions = Array.from({ length: total }, (_, index) => index + 2)
  expect([...made.keys()].sort((a, b) => a - b)).toEqual(versions)
  expect(await readTask(caller, id)).toMatchObject({ version: 1 + total, title: made.get(1 + total) })
  const events = await eventsSince(cursor, id)
  expect(events.map((event) => event.version)).toEqual(versions)
  // Each event continues from the previous one.
  const titles = ['Start', ...versions.map((version) => made.get(version))]
  expect(events.map(({ changes }) => changes.title)).toEqual(versions.map((_, index) => titles.slice(index, index + 2)))
})

test('exactly one of 20 concurrent first registrations becomes the ADMIN', async () => {
  const fresh = await ownServerForTest()
  const answers = await atOnce(20, (index) => {
    const account = { email: `first-${index}@example.org`, password: 'correct horse', name: 'First' }
    return (index % 2 === 0 ? overRest : overGraphql).register({ url: fresh.url }, account)
  })
  const roles = answers.map((answer) => data(answer).user.role).sort()
  expect(roles).toEqual(['ADMIN', ...Array(19).fill('MEMBER')])
})

test('one of 10 registrations with the same email succeeds and the rest get CONFLICT', async () => {
  const email = `${crypto.randomUUID()}@example.org`
  const body = { email, password: 'correct horse', name: 'Same' }
  const answers = await atOnce(10, () => rest(server, 'POST /auth/register', { body }))
  const shown = answers.map((answer) => answer.text).join('\n')
  expect(answers.map((answer) => answer.status).sort(), shown).toEqual([201, ...Array(9).fill(409)])
  const refused = answers.find((answer) => answer.status === 409)
  expect(
    refused?.body.errors?.map((issue: { path: string[] }) => issue.path),
    shown,
  ).toEqual([['body', 'email']])
})
