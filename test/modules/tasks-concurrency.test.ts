import { afterAll, beforeAll, expect, test } from 'vitest'
import { rest } from '../support/clients.ts'
import { type Caller, data, describeBoth, type Outcome, overGraphql, overRest, refusal } from '../support/operations.ts'
import { serverForTest, signUp, type TestServer, testServer } from '../support/server.ts'

let server: TestServer
let caller: Caller

beforeAll(async () => {
  server = await testServer()
  caller = { url: server.url, token: (await signUp(server)).token }
})
afterAll(() => server?.close())

/** `run` that many times, all at once. */
const atOnce = <T>(times: number, run: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: times }, (_, index) => run(index)))

async function eventsSince(
  cursor: string,
  taskId?: string,
): Promise<{ taskId: string; type: string; version: number }[]> {
  const events = []
  for (let after = cursor, more = true; more; ) {
    const { nodes, pageInfo } = data(await overRest.listEvents(caller, { after, first: 100 }))
    events.push(...nodes)
    after = pageInfo.endCursor
    more = pageInfo.hasNextPage
  }
  return taskId === undefined ? events : events.filter((event) => event.taskId === taskId)
}

describeBoth('many at once', (api) => {
  test('100 tasks created in one project get 100 numbers, without a gap, and an event each', async () => {
    const { id: projectId } = data(await api.createProject(caller, { name: 'Busy' }))
    const { cursor } = data(await api.eventCursor(caller))
    const created = (await atOnce(100, (index) => api.createTask(caller, { projectId, title: `Task ${index}` }))).map(
      data,
    )
    const numbers = created.map((task) => task.number).sort((a, b) => a - b)
    expect(numbers).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
    const events = await eventsSince(cursor)
    expect(events.map((event) => event.taskId).sort()).toEqual(created.map((task) => task.id).sort())
    expect(events.every((event) => event.type === 'task.created' && event.version === 1)).toBe(true)
  })

  test('of 50 changes that expect the same version one wins, and the others hear PRECONDITION_FAILED', async () => {
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

  test('of 30 changes that expect nothing all are made, each with a version and an event of its own', async () => {
    const { id } = data(await api.createTask(caller, { title: 'Contended' }))
    const { cursor } = data(await api.eventCursor(caller))
    const changed = (await atOnce(30, (index) => api.updateTask(caller, id, { title: `Change ${index}` }))).map(data)
    const versions = Array.from({ length: 30 }, (_, index) => index + 2)
    expect(changed.map((task) => task.version).sort((a, b) => a - b)).toEqual(versions)
    const last = changed.find((task) => task.version === 31)
    expect(data(await api.getTask(caller, id))).toEqual(last)
    expect((await eventsSince(cursor, id)).map((event) => event.version)).toEqual(versions)
  })

  test('of 20 deletions one is made, and the others do not find the task any more', async () => {
    const { id } = data(await api.createTask(caller, { title: 'Contended' }))
    const { cursor } = data(await api.eventCursor(caller))
    const outcomes = await atOnce(20, () => api.deleteTask(caller, id))
    const codes = outcomes.map((outcome) => outcome.error?.code).sort()
    expect(codes).toEqual([...Array(19).fill('NOT_FOUND'), undefined])
    expect((await eventsSince(cursor, id)).map((event) => event.type)).toEqual(['task.deleted'])
  })

  test('changes and a deletion never leave a task that is both deleted and found', async () => {
    const { id } = data(await api.createTask(caller, { title: 'Contended' }))
    const outcomes = await atOnce(20, (index) =>
      index === 10 ? api.deleteTask(caller, id) : api.updateTask(caller, id, { title: `Change ${index}` }),
    )
    const codes = new Set(outcomes.map((outcome) => outcome.error?.code))
    expect([...codes].filter((code) => code !== undefined && code !== 'NOT_FOUND')).toEqual([])
    expect(refusal(await api.getTask(caller, id)).code).toBe('NOT_FOUND')
  })

  test('of 10 projects with one key one is made, and the others hear CONFLICT', async () => {
    const key = `K${crypto.randomUUID().slice(0, 8).toUpperCase()}`
    const outcomes = await atOnce(10, () => api.createProject(caller, { name: 'Same', key }))
    expect(outcomes.map((outcome) => outcome.error?.code).sort()).toEqual([...Array(9).fill('CONFLICT'), undefined])
    const refused = outcomes.filter((outcome) => outcome.error).map(refusal)
    expect(refused[0]?.fields, refused[0]?.exchange).toEqual(['key'])
  })

  test('10 projects of one name all get a key of their own', async () => {
    const created = (await atOnce(10, () => api.createProject(caller, { name: 'Namesake' }))).map(data)
    expect(new Set(created.map((project) => project.key)).size).toBe(10)
  })
})

test('of 20 first registrations at once exactly one becomes the ADMIN', async () => {
  const fresh = await serverForTest()
  const answers = await atOnce(20, (index) => {
    const account = { email: `first-${index}@example.org`, password: 'correct horse', name: 'First' }
    return (index % 2 === 0 ? overRest : overGraphql).register({ url: fresh.url }, account)
  })
  const roles = answers.map((answer) => data(answer).user.role).sort()
  expect(roles).toEqual(['ADMIN', ...Array(19).fill('MEMBER')])
})

test('of 10 registrations of one address one is made, and the others hear CONFLICT', async () => {
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
