import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { rest } from '../support/clients.ts'
import type { ListArguments } from '../support/operation-types.ts'
import { type Caller, data, describeBoth, type Outcome, overRest, refusal } from '../support/operations.ts'
import { sharedServer, signUp, signUpAdmin, type TestServer } from '../support/server.ts'

const MISSING = '01890000-0000-7000-8000-000000000000'
const long = (length: number) => 'x'.repeat(length)

let server: TestServer
let admin: Caller
let caller: Caller
let task: { id: string; version: number }
let before: unknown

beforeAll(async () => {
  server = await sharedServer()
  admin = { url: server.url, token: (await signUpAdmin(server)).token }
  caller = { url: server.url, token: (await signUp(server)).token }
  task = data(await overRest.createTask(caller, { title: 'The one there is' }))
})

/** Returns the task count and the end of the event log, which every write moves. */
async function stateOfDatabase() {
  const { totalCount } = data(await overRest.listTasks(admin, { totalCount: true }))
  return { totalCount, ...data(await overRest.eventCursor(admin)) }
}

// Every test in this file checks that rejected requests write nothing.
beforeEach(async () => {
  before = await stateOfDatabase()
})
afterEach(async () => {
  expect(await stateOfDatabase(), 'something was written').toEqual(before)
})

function expectRefusal(outcome: Outcome, code: string, fields: string[]): void {
  const { exchange, ...error } = refusal(outcome)
  expect({ code: error.code, fields: error.fields }, exchange).toEqual({ code, fields })
}

const BAD_TITLES: [string, unknown][] = [
  ['an empty title', ''],
  ['a title of only white space', ' \t\n '],
  ['a title of 201 characters', long(201)],
  ['a title of 201 emoji', '🌉'.repeat(201)],
  ['a number for a title', 5],
  ['a title with a NUL', 'a\u0000b'],
  ['a title with a lone surrogate', 'a\ud800b'],
]
const BAD_VALUES: [string, string, unknown][] = [
  ...BAD_TITLES.map(([what, title]): [string, string, unknown] => [what, 'title', title]),
  ['a description of 2,001 characters', 'description', long(2001)],
  ['a description with a NUL', 'description', '\u0000'],
  ['a description with a lone surrogate', 'description', '\udfff'],
  ['priority 0', 'priority', 0],
  ['priority 6', 'priority', 6],
  ['priority 2.5', 'priority', 2.5],
  ['priority "high"', 'priority', 'high'],
  ['priority "3"', 'priority', '3'],
  ['priority true', 'priority', true],
  ['an unknown status', 'status', 'DONE'],
  ['a status in lower case', 'status', 'pending'],
  ['a number for a status', 'status', 1],
  ['a nonexistent due date', 'dueAt', '2026-02-30'],
  ['a nonexistent due month', 'dueAt', '2026-13-01T00:00:00Z'],
  ['a nonexistent due hour', 'dueAt', '2026-01-01T25:00:00Z'],
  ['a due date in words', 'dueAt', 'tomorrow'],
  ['a due date as a number', 'dueAt', 1_800_000_000],
  ['an unknown field', 'colour', 'red'],
  ['a field named like an Object property', 'constructor', {}],
]

describeBoth('writing a task', (api) => {
  test.each(BAD_VALUES)('rejects %s', async (_what, field, value) => {
    const input = { title: 'A', [field]: value }
    expectRefusal(await api.createTask(caller, input), 'VALIDATION_FAILED', [field])
    expectRefusal(await api.replaceTask(caller, task.id, input), 'VALIDATION_FAILED', [field])
    expectRefusal(await api.updateTask(caller, task.id, { [field]: value }), 'VALIDATION_FAILED', [field])
  })

  test('rejects a task without a title', async () => {
    expectRefusal(await api.createTask(caller, { priority: 1 }), 'VALIDATION_FAILED', ['title'])
    expectRefusal(await api.createTask(caller, { title: null }), 'VALIDATION_FAILED', ['title'])
    expectRefusal(await api.replaceTask(caller, task.id, {}), 'VALIDATION_FAILED', ['title'])
  })

  test.each(['title', 'status', 'priority'])('rejects clearing the %s', async (field) => {
    expectRefusal(await api.updateTask(caller, task.id, { [field]: null }), 'VALIDATION_FAILED', [field])
  })

  test('rejects an unknown project and an invalid project id', async () => {
    expectRefusal(await api.createTask(caller, { title: 'A', projectId: MISSING }), 'NOT_FOUND', ['projectId'])
    expectRefusal(await api.createTask(caller, { title: 'A', projectId: 'x' }), 'VALIDATION_FAILED', ['projectId'])
    expectRefusal(await api.createTask(caller, { title: 'A', projectId: '\u0000' }), 'VALIDATION_FAILED', ['projectId'])
  })

  test('rejects moving a task by replacing or updating it', async () => {
    const input = { title: 'A', projectId: MISSING }
    expectRefusal(await api.replaceTask(caller, task.id, input), 'VALIDATION_FAILED', ['projectId'])
    expectRefusal(await api.updateTask(caller, task.id, input), 'VALIDATION_FAILED', ['projectId'])
  })

  test('reports all type errors at once, and all rule violations at once', async () => {
    const shape = { priority: 'high', status: 'DONE', dueAt: '2026-02-30', colour: 'red' }
    const shapeFields = ['colour', 'dueAt', 'priority', 'status', 'title']
    expectRefusal(await api.createTask(caller, shape), 'VALIDATION_FAILED', shapeFields)
    const rules = { title: '', description: long(2001), priority: 9 }
    const ruleFields = ['description', 'priority', 'title']
    expectRefusal(await api.createTask(caller, rules), 'VALIDATION_FAILED', ruleFields)
    expectRefusal(await api.replaceTask(caller, task.id, rules), 'VALIDATION_FAILED', ruleFields)
    expectRefusal(await api.updateTask(caller, task.id, rules), 'VALIDATION_FAILED', ruleFields)
  })

  test.each([
    ['an unknown id', MISSING],
    ['an invalid id', 'nonsense'],
    ['a truncated id', MISSING.slice(1)],
    ['an id with a NUL', '\u0000'],
    ['an id with slashes', '../../me'],
    ['an id of 1,000 characters', long(1000)],
  ])('returns NOT_FOUND for %s', async (_what, id) => {
    const outcomes = [
      await api.getTask(caller, id),
      await api.updateTask(caller, id, { title: 'A' }),
      await api.replaceTask(caller, id, { title: 'A' }, 1),
      await api.deleteTask(caller, id),
      await api.getProject(caller, id),
    ]
    for (const outcome of outcomes) expect(refusal(outcome), outcome.exchange).toMatchObject({ code: 'NOT_FOUND' })
  })

  test.each([
    ['no token', undefined],
    ['a garbage token', 'garbage'],
    ['a forged token', 'eyJhbGciOiJIUzI1NiJ9.e30.AAAA'],
  ])('rejects %s', async (_what, token) => {
    const stranger = { url: server.url, token }
    const outcomes = [
      await api.createTask(stranger, { title: 'A' }),
      await api.getTask(stranger, task.id),
      await api.listTasks(stranger),
      await api.updateTask(stranger, task.id, { title: 'A' }),
      await api.replaceTask(stranger, task.id, { title: 'A' }),
      await api.deleteTask(stranger, task.id),
    ]
    for (const outcome of outcomes) expectRefusal(outcome, 'UNAUTHENTICATED', [])
  })
})

describeBoth('a list', (api) => {
  test.each<[string, ListArguments, string[]]>([
    ['limit 0', { first: 0 }, ['limit']],
    ['limit 101', { first: 101 }, ['limit']],
    ['limit -1', { first: -1 }, ['limit']],
    ['a limit in words', { first: 'ten' }, ['limit']],
    ['a limit beyond 32 bits', { first: 2 ** 31 }, ['limit']],
    ['offset -1', { offset: -1 }, ['offset']],
    ['a made-up cursor', { after: 'made-up' }, ['after']],
    ['an empty cursor', { after: '' }, ['after']],
    ['a cursor with a NUL', { before: '\u0000', last: 5 }, ['before']],
    ['a cursor of 10,000 characters', { after: long(10_000) }, ['after']],
    ['an unknown order', { orderBy: [{ field: 'COLOUR' }] }, ['orderBy']],
    ['an unknown direction', { orderBy: [{ field: 'TITLE', direction: 'UP' }] }, ['orderBy']],
    ['three order terms', { orderBy: ['TITLE', 'PRIORITY', 'DUE_AT'].map((field) => ({ field })) }, ['orderBy']],
    ['an unknown status', { filter: { status: ['PENDING', 'DONE'] } }, ['status']],
    ['priority.gte 9', { filter: { priority: { gte: 9 } } }, ['priority.gte']],
    ['priority.lte "high"', { filter: { priority: { lte: 'high' } } }, ['priority.lte']],
    ['an invalid project id', { filter: { projectId: 'x' } }, ['projectId']],
    ['a project with a NUL', { filter: { projectId: '\u0000' } }, ['projectId']],
    ['three issues', { first: 0, offset: -1, filter: { priority: { gte: 0 } } }, ['limit', 'offset', 'priority.gte']],
  ])('rejects %s', async (_what, args, fields) => {
    expectRefusal(await api.listTasks(caller, args), 'VALIDATION_FAILED', fields)
  })

  test('rejects an unknown project', async () => {
    expectRefusal(await api.listTasks(caller, { filter: { projectId: MISSING } }), 'NOT_FOUND', ['projectId'])
  })

  test('rejects a cursor from another order or another list', async () => {
    const cursor = data(await api.listTasks(caller, { orderBy: [{ field: 'TITLE' }] })).pageInfo.endCursor
    const projectCursor = data(await api.listProjects(caller)).pageInfo.endCursor
    const falling = [{ field: 'TITLE', direction: 'DESC' }]
    expectRefusal(await api.listTasks(caller, { after: cursor }), 'VALIDATION_FAILED', ['after'])
    expectRefusal(await api.listTasks(caller, { after: cursor, orderBy: falling }), 'VALIDATION_FAILED', ['after'])
    expectRefusal(await api.listTasks(caller, { after: projectCursor }), 'VALIDATION_FAILED', ['after'])
    expectRefusal(
      await api.listTasks(caller, { after: data(await api.eventCursor(caller)).cursor }),
      'VALIDATION_FAILED',
      ['after'],
    )
  })

  test('rejects the combination of after and before', async () => {
    const { startCursor, endCursor } = data(await api.listTasks(caller)).pageInfo
    const outcome = await api.listTasks(caller, { after: startCursor, before: endCursor })
    expectRefusal(outcome, 'VALIDATION_FAILED', ['before'])
  })

  test('of events rejects sizes out of range, invalid cursors and an unknown project', async () => {
    expectRefusal(await api.listEvents(caller, { first: 0 }), 'VALIDATION_FAILED', ['limit'])
    expectRefusal(await api.listEvents(caller, { first: 101 }), 'VALIDATION_FAILED', ['limit'])
    expectRefusal(await api.listEvents(caller, { after: 'made-up' }), 'VALIDATION_FAILED', ['after'])
    const future = Buffer.from('event:999999').toString('base64url')
    expectRefusal(await api.listEvents(caller, { after: future }), 'CURSOR_EXPIRED', ['after'])
    expectRefusal(await api.listEvents(caller, { projectId: MISSING }), 'NOT_FOUND', ['projectId'])
  })
})

test('a title of 200 emoji is accepted', async () => {
  const title = '🌉'.repeat(200)
  expect(data(await overRest.createTask(caller, { title }))).toMatchObject({ title })
  before = await stateOfDatabase()
})

test('a 401 says how to sign in', async () => {
  const { status, headers, body } = await rest(server, 'GET /tasks', { token: 'garbage' })
  expect({ status, code: body.code, challenge: headers.get('www-authenticate') }).toMatchObject({
    status: 401,
    code: 'UNAUTHENTICATED',
    challenge: expect.stringMatching(/^Bearer/),
  })
})
