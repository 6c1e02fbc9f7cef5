import { afterAll, beforeAll, expect, test } from 'vitest'
import { rest } from '../support/clients.ts'
import {
  atOnce,
  type Cast,
  cursorOf,
  eventsSince,
  expectRefused,
  expectRoles,
  type Guarded,
  INSTANT,
  MISSING,
  newCast,
  newProject,
  newTask,
  readTask,
} from '../support/factories.ts'
import { type Caller, data, describeBoth, overRest, refusal } from '../support/operations.ts'
import { type TestServer, testServer } from '../support/server.ts'

/** Each kind with what it is from the other side. */
const KINDS = [
  ['BLOCKS', 'BLOCKED_BY'],
  ['BLOCKED_BY', 'BLOCKS'],
  ['RELATES_TO', 'RELATES_TO'],
  ['DUPLICATES', 'DUPLICATED_BY'],
  ['DUPLICATED_BY', 'DUPLICATES'],
] as const

let server: TestServer
let cast: Cast
let owner: Caller
let projectId: string

beforeAll(async () => {
  server = await testServer({ RATE_LIMIT: 'off' })
  cast = await newCast(server)
  owner = cast.people.OWNER
  projectId = cast.projectId
})
afterAll(() => server?.close())

const newTasks = (count: number) => atOnce(count, () => newTask(owner, { projectId }))
const relate = async (taskId: string, type: string, relatedTaskId: string) =>
  data(await overRest.createRelation(owner, taskId, { type, relatedTaskId }))
const typesOf = (relations: { type: string; relatedTaskId: string }[]) =>
  relations.map(({ type, relatedTaskId }) => [type, relatedTaskId])
const relationsInProject = () => server.db.taskRelation.count({ where: { source: { projectId } } })

/** What a refused operation could be tried on, made before it is looked at what it did. */
let spare: { taskId: string; relatedTaskId: string; id?: string }[] = []

const OPERATIONS: Guarded[] = [
  ['listRelations', 'VIEWER', (api, caller, task) => api.listRelations(caller, task.id)],
  [
    'createRelation',
    'EDITOR',
    (api, caller, task) => api.createRelation(caller, task.id, { type: 'BLOCKS', relatedTaskId: spare[0]?.taskId }),
  ],
  [
    'deleteRelation',
    'EDITOR',
    (api, caller) => {
      const { taskId = '', id = '' } = spare.pop() ?? {}
      return api.deleteRelation(caller, taskId, id)
    },
  ],
]

describeBoth('relations of tasks', (api) => {
  test.each(OPERATIONS)('%s is for %s and up', async (...operation) => {
    const [one, other] = await newTasks(2)
    spare = []
    for (const type of ['BLOCKS', 'DUPLICATES', 'RELATES_TO']) spare.push(await relate(one.id, type, other.id))
    const more = await newTasks(5)
    for (const { id } of more) spare.push(await relate(id, 'RELATES_TO', other.id))
    await expectRoles(api, cast, operation)
  })

  test.each(KINDS)('%s is %s from the other side', async (type, inverse) => {
    const [one, other] = await newTasks(2)
    const cursor = await cursorOf(owner)
    const made = data(await api.createRelation(owner, one.id, { type, relatedTaskId: other.id }))
    expect(made).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{14}7/),
      type,
      taskId: one.id,
      relatedTaskId: other.id,
      creatorId: cast.people.OWNER.id,
      createdAt: expect.stringMatching(INSTANT),
    })
    const reverse = { ...made, type: inverse, taskId: other.id, relatedTaskId: one.id }
    expect(data(await api.listRelations(owner, one.id))).toEqual([made])
    expect(data(await api.listRelations(owner, other.id))).toEqual([reverse])
    expect(data(await api.getTask(owner, other.id, ['relations'])).relations).toMatchObject([
      { id: made.id, type: inverse, relatedTaskId: one.id },
    ])
    // Deleted from the other side it is gone from both.
    const deleted = data(await api.deleteRelation(cast.people.EDITOR, other.id, made.id))
    if (api.protocol === 'GraphQL') expect(deleted).toEqual(reverse)
    for (const { id } of [one, other]) expect(data(await api.listRelations(owner, id))).toEqual([])
    expectRefused(await api.deleteRelation(owner, one.id, made.id), 'NOT_FOUND', ['id'])
    // The tasks are as they were: a relation is neither's.
    expect(await readTask(owner, one.id)).toEqual(one)
    const [created, removed, ...none] = await eventsSince(owner, cursor)
    const stored = ['BLOCKED_BY', 'DUPLICATED_BY'].includes(type) ? inverse : type
    const actor = cast.people.OWNER.id
    expect(created).toMatchObject({
      type: 'relation.created',
      subjectId: made.id,
      projectId,
      version: 1,
      actorId: actor,
    })
    expect(created?.changes.type).toEqual([null, stored])
    const ends = [created?.changes.sourceId?.[1], created?.changes.targetId?.[1]]
    expect(type === 'RELATES_TO' ? ends.sort() : ends).toEqual(
      type === 'RELATES_TO' ? [one.id, other.id].sort() : stored === type ? [one.id, other.id] : [other.id, one.id],
    )
    const by = cast.people.EDITOR.id
    expect(removed).toMatchObject({ type: 'relation.deleted', subjectId: made.id, projectId, actorId: by, changes: {} })
    expect(none).toEqual([])
  })

  test('of a task are listed oldest first, of any kind', async () => {
    const [task, ...others] = await newTasks(6)
    for (const [index, [type]] of KINDS.entries()) await relate(task.id, type, others[index].id)
    const expected = KINDS.map(([type], index) => [type, others[index].id])
    expect(typesOf(data(await api.listRelations(owner, task.id)))).toEqual(expected)
    expect(typesOf(data(await api.getTask(owner, task.id, ['relations'])).relations)).toEqual(expected)
  })

  test('are made once, from whichever side, also by many at once', async () => {
    for (const [type, inverse] of KINDS) {
      const [one, other] = await newTasks(2)
      const outcomes = await atOnce(10, (index) =>
        index % 2
          ? api.createRelation(owner, one.id, { type, relatedTaskId: other.id })
          : api.createRelation(owner, other.id, { type: inverse, relatedTaskId: one.id }),
      )
      const refused = outcomes.filter((outcome) => outcome.error).map(refusal)
      expect(refused).toHaveLength(9)
      for (const { code, fields, exchange } of refused)
        expect({ code, fields }, exchange).toEqual({ code: 'CONFLICT', fields: ['relatedTaskId'] })
      expect(data(await api.listRelations(owner, one.id))).toHaveLength(1)
    }
  })

  test('of several kinds may be between the same two tasks', async () => {
    const [one, other] = await newTasks(2)
    for (const type of ['BLOCKS', 'RELATES_TO', 'DUPLICATED_BY'])
      data(await api.createRelation(owner, one.id, { type, relatedTaskId: other.id }))
    expect(data(await api.listRelations(owner, one.id))).toHaveLength(3)
  })

  test.each(['BLOCKS', 'DUPLICATES'])('by %s never close a circle, however long', async (type) => {
    const inverse = type === 'BLOCKS' ? 'BLOCKED_BY' : 'DUPLICATED_BY'
    const tasks = await newTasks(4)
    for (let index = 0; index < 3; index++) await relate(tasks[index].id, type, tasks[index + 1].id)
    const before = await relationsInProject()
    for (const start of [1, 2, 3]) {
      for (const outcome of [
        await api.createRelation(owner, tasks[start].id, { type, relatedTaskId: tasks[0].id }),
        await api.createRelation(owner, tasks[0].id, { type: inverse, relatedTaskId: tasks[start].id }),
      ]) {
        expectRefused(outcome, 'VALIDATION_FAILED', ['relatedTaskId'])
        expect(refusal(outcome).rules, outcome.exchange).toEqual({ relatedTaskId: 'no_cycle' })
      }
    }
    expect(await relationsInProject()).toBe(before)
    // Those of other kinds, and those that only meet, close none.
    data(await api.createRelation(owner, tasks[3].id, { type: 'RELATES_TO', relatedTaskId: tasks[0].id }))
    data(await api.createRelation(owner, tasks[0].id, { type, relatedTaskId: tasks[3].id }))
  })

  test('by BLOCKS never close a circle from several sides at once', async () => {
    for (let round = 0; round < 5; round++) {
      const tasks = await newTasks(3)
      const outcomes = await atOnce(3, (index) =>
        api.createRelation(owner, tasks[index].id, { type: 'BLOCKS', relatedTaskId: tasks[(index + 1) % 3].id }),
      )
      const refused = outcomes.filter((outcome) => outcome.error).map(refusal)
      const shown = outcomes.map((outcome) => outcome.exchange).join('\n')
      expect(refused, shown).toMatchObject([{ code: 'VALIDATION_FAILED', rules: { relatedTaskId: 'no_cycle' } }])
    }
  })

  test('of a task to itself are refused, by id or key', async () => {
    const [task] = await newTasks(1)
    for (const [type] of KINDS)
      for (const relatedTaskId of [task.id, task.id.toUpperCase(), task.key])
        expectRefused(await api.createRelation(owner, task.id, { type, relatedTaskId }), 'VALIDATION_FAILED', [
          'relatedTaskId',
        ])
  })

  test('reach over projects, need EDITOR on the first alone, and log an event in either', async () => {
    const { stranger, EDITOR } = cast.people
    const [task] = await newTasks(1)
    const elsewhere = await newTask(owner, { projectId: (await newProject(owner)).id })
    const cursor = await cursorOf(owner)
    const relation = await relate(task.id, 'BLOCKS', elsewhere.id)
    const events = await eventsSince(owner, cursor, relation.id)
    expect(events.map(({ type, projectId: project }) => [type, project]).sort()).toEqual(
      [projectId, elsewhere.projectId].map((project) => ['relation.created', project]).sort(),
    )
    // The editor does not see the other project: for them there is no such relation.
    expect(data(await api.listRelations(EDITOR, task.id))).toEqual([])
    expect(data(await api.getTask(EDITOR, task.id, ['relations'])).relations).toEqual([])
    expectRefused(await api.deleteRelation(EDITOR, task.id, relation.id), 'NOT_FOUND', ['id'])
    expectRefused(
      await api.createRelation(EDITOR, task.id, { type: 'RELATES_TO', relatedTaskId: elsewhere.id }),
      'NOT_FOUND',
      ['relatedTaskId'],
    )
    expectRefused(await api.listRelations(stranger, task.id), 'NOT_FOUND', ['taskId'])
    expect(typesOf(data(await api.listRelations(owner, elsewhere.id)))).toEqual([['BLOCKED_BY', task.id]])
    // A VIEWER of the other task's project may relate a task of their own to it.
    const own = await newTask(cast.people.VIEWER)
    data(await api.createRelation(cast.people.VIEWER, own.id, { type: 'BLOCKED_BY', relatedTaskId: task.id }))
    expectRefused(
      await api.createRelation(cast.people.VIEWER, task.id, { type: 'BLOCKS', relatedTaskId: own.id }),
      'FORBIDDEN',
      [],
    )
  })

  test('are not shown while the other task is in the trash, and there again once it is restored', async () => {
    const [one, other] = await newTasks(2)
    const relation = await relate(one.id, 'BLOCKS', other.id)
    data(await api.deleteTask(owner, other.id))
    expect(data(await api.listRelations(owner, one.id))).toEqual([])
    expectRefused(await api.listRelations(owner, other.id), 'NOT_FOUND', ['taskId'])
    expectRefused(
      await api.createRelation(owner, one.id, { type: 'RELATES_TO', relatedTaskId: other.id }),
      'NOT_FOUND',
      ['relatedTaskId'],
    )
    data(await api.restoreTask(owner, other.id))
    expect(data(await api.listRelations(owner, one.id))).toEqual([relation])
  })

  test.each<[string, object, string, string[]]>([
    ['nothing', {}, 'VALIDATION_FAILED', ['relatedTaskId', 'type']],
    ['an unknown kind', { type: 'CAUSES', relatedTaskId: MISSING }, 'VALIDATION_FAILED', ['type']],
    ['no kind', { type: null, relatedTaskId: MISSING }, 'VALIDATION_FAILED', ['type']],
    ['what is no id', { type: 'BLOCKS', relatedTaskId: 'x\u0000' }, 'VALIDATION_FAILED', ['relatedTaskId']],
    ['an unknown field', { type: 'BLOCKS', relatedTaskId: MISSING, lag: 3 }, 'VALIDATION_FAILED', ['lag']],
    ['a task that is not there', { type: 'BLOCKS', relatedTaskId: MISSING }, 'NOT_FOUND', ['relatedTaskId']],
    ['a key that is not there', { type: 'BLOCKS', relatedTaskId: 'WEB-99999' }, 'NOT_FOUND', ['relatedTaskId']],
  ])('to %s are refused', async (_what, input, code, fields) => {
    const [task] = await newTasks(1)
    expectRefused(await api.createRelation(owner, task.id, { ...input }), code, fields)
    expectRefused(await api.createRelation(owner, MISSING, { type: 'BLOCKS', relatedTaskId: task.id }), 'NOT_FOUND', [
      'taskId',
    ])
    for (const id of [MISSING, 'x', '\u0000', task.id])
      expectRefused(await api.deleteRelation(owner, task.id, id), 'NOT_FOUND', ['id'])
  })

  test('are deleted once by many at once, and only from a task they are of', async () => {
    const [one, other, third] = await newTasks(3)
    const { id } = await relate(one.id, 'RELATES_TO', other.id)
    expectRefused(await api.deleteRelation(owner, third.id, id), 'NOT_FOUND', ['id'])
    const outcomes = await atOnce(10, (index) =>
      api.deleteRelation(owner, (index % 2 ? one : other).id, id.toUpperCase()),
    )
    const codes = outcomes.map((outcome) => outcome.error?.code).sort()
    expect(codes).toEqual([...Array(9).fill('NOT_FOUND'), undefined])
  })
})

test('POST answers 201 with the Location of the list, and DELETE 204 with nothing', async () => {
  const [one, other] = await newTasks(2)
  const { token } = owner
  const path = `/tasks/${one.id}/relations`
  const made = await rest(server, `POST ${path}`, { token, body: { type: 'BLOCKS', relatedTaskId: other.key } })
  expect([made.status, made.headers.get('location')]).toEqual([201, `/api/v1${path}`])
  expect((await rest(server, `GET ${path}`, { token })).body).toEqual({ nodes: [made.body] })
  const gone = await rest(server, `DELETE ${path}/${made.body.id}`, { token })
  expect([gone.status, gone.text]).toEqual([204, ''])
})
