import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { graphql, rest } from '../support/clients.ts'
import {
  atOnce,
  type Cast,
  cursorOf,
  eventsSince,
  expectRefused,
  INSTANT,
  MISSING,
  newCast,
  newProject,
  newTask,
  readTask,
} from '../support/factories.ts'
import { type Caller, data, describeApi, overRest, refusal } from '../support/operations.ts'
import { sharedServer, type TestServer } from '../support/server.ts'

/** Each relation type with its inverse. */
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
  server = await sharedServer()
  cast = await newCast(server)
  owner = cast.people.OWNER
  projectId = cast.projectId
})

const newTasks = (count: number) => atOnce(count, () => newTask(owner, { projectId }))
const relate = async (taskId: string, type: string, relatedTaskId: string) =>
  data(await overRest.createRelation(owner, taskId, { type, relatedTaskId }))
const typesOf = (relations: { type: string; relatedTaskId: string }[]) =>
  relations.map(({ type, relatedTaskId }) => [type, relatedTaskId])
const relationsInProject = () => server.db.taskRelation.count({ where: { source: { projectId } } })

describeApi('relations of tasks', (api) => {
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
    // Deleting from the other side removes it from both.
    const deleted = data(await api.deleteRelation(cast.people.EDITOR, other.id, made.id))
    if (api.protocol === 'GraphQL') expect(deleted).toEqual(reverse)
    for (const { id } of [one, other]) expect(data(await api.listRelations(owner, id))).toEqual([])
    expectRefused(await api.deleteRelation(owner, one.id, made.id), 'NOT_FOUND', ['id'])
    // The tasks are unchanged: a relation belongs to neither.
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

  test('lists relations of all types, oldest first', async () => {
    const [task, ...others] = await newTasks(6)
    for (const [index, [type]] of KINDS.entries()) await relate(task.id, type, others[index].id)
    const expected = KINDS.map(([type], index) => [type, others[index].id])
    expect(typesOf(data(await api.listRelations(owner, task.id)))).toEqual(expected)
    expect(typesOf(data(await api.getTask(owner, task.id, ['relations'])).relations)).toEqual(expected)
  })

  test('creates a relation only once under concurrent requests from both sides', async () => {
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

  test('allows relations of several types between the same two tasks', async () => {
    const [one, other] = await newTasks(2)
    for (const type of ['BLOCKS', 'RELATES_TO', 'DUPLICATED_BY'])
      data(await api.createRelation(owner, one.id, { type, relatedTaskId: other.id }))
    expect(data(await api.listRelations(owner, one.id))).toHaveLength(3)
  })

  test.each(['BLOCKS', 'DUPLICATES'])('rejects a %s relation that closes a cycle of any length', async (type) => {
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
    // Other types, and paths that only share an end, are not cycles.
    data(await api.createRelation(owner, tasks[3].id, { type: 'RELATES_TO', relatedTaskId: tasks[0].id }))
    data(await api.createRelation(owner, tasks[0].id, { type, relatedTaskId: tasks[3].id }))
  })

  test('rejects a BLOCKS cycle created by concurrent requests', async () => {
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

  test('rejects relating a task to itself, by id or key', async () => {
    const [task] = await newTasks(1)
    for (const [type] of KINDS)
      for (const relatedTaskId of [task.id, task.id.toUpperCase(), task.key])
        expectRefused(await api.createRelation(owner, task.id, { type, relatedTaskId }), 'VALIDATION_FAILED', [
          'relatedTaskId',
        ])
  })

  test('spans projects, is hidden from who does not see both, and logs an event in both', async () => {
    const { stranger, EDITOR } = cast.people
    const [task] = await newTasks(1)
    const elsewhere = await newTask(owner, { projectId: (await newProject(owner)).id })
    const cursor = await cursorOf(owner)
    const relation = await relate(task.id, 'BLOCKS', elsewhere.id)
    const events = await eventsSince(owner, cursor, relation.id)
    expect(events.map(({ type, projectId: project }) => [type, project]).sort()).toEqual(
      [projectId, elsewhere.projectId].map((project) => ['relation.created', project]).sort(),
    )
    // The editor cannot see the other project, so the relation is hidden from them.
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
  })

  test('hides a relation while the other task is in the trash and shows it again after a restore', async () => {
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
    ['empty input', {}, 'VALIDATION_FAILED', ['relatedTaskId', 'type']],
    ['an unknown type', { type: 'CAUSES', relatedTaskId: MISSING }, 'VALIDATION_FAILED', ['type']],
    ['a null type', { type: null, relatedTaskId: MISSING }, 'VALIDATION_FAILED', ['type']],
    ['an invalid id', { type: 'BLOCKS', relatedTaskId: 'x\u0000' }, 'VALIDATION_FAILED', ['relatedTaskId']],
    ['an unknown field', { type: 'BLOCKS', relatedTaskId: MISSING, lag: 3 }, 'VALIDATION_FAILED', ['lag']],
    ['an unknown task', { type: 'BLOCKS', relatedTaskId: MISSING }, 'NOT_FOUND', ['relatedTaskId']],
    ['an unknown key', { type: 'BLOCKS', relatedTaskId: 'WEB-99999' }, 'NOT_FOUND', ['relatedTaskId']],
  ])('rejects %s', async (_what, input, code, fields) => {
    const [task] = await newTasks(1)
    expectRefused(await api.createRelation(owner, task.id, { ...input }), code, fields)
    expectRefused(await api.createRelation(owner, MISSING, { type: 'BLOCKS', relatedTaskId: task.id }), 'NOT_FOUND', [
      'taskId',
    ])
    for (const id of [MISSING, 'x', '\u0000', task.id])
      expectRefused(await api.deleteRelation(owner, task.id, id), 'NOT_FOUND', ['id'])
  })

  test('deletes a relation only once under concurrent requests, and only through its own tasks', async () => {
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

test('POST returns 201 with the Location of the list, and DELETE returns an empty 204', async () => {
  const [one, other] = await newTasks(2)
  const { token } = owner
  const path = `/tasks/${one.id}/relations`
  const made = await rest(server, `POST ${path}`, { token, body: { type: 'BLOCKS', relatedTaskId: other.key } })
  expect([made.status, made.headers.get('location')]).toEqual([201, `/api/v1${path}`])
  expect((await rest(server, `GET ${path}`, { token })).body).toEqual({ nodes: [made.body] })
  const gone = await rest(server, `DELETE ${path}/${made.body.id}`, { token })
  expect([gone.status, gone.text]).toEqual([204, ''])
})

describe('a task with many relations', () => {
  /** Relates a task to as many others, most of which the test needs only as rows. */
  async function relatedTask(count: number) {
    const [task] = await newTasks(1)
    const others = Array.from({ length: count }, (_, index) => ({
      id: randomUUID(),
      projectId,
      title: `Other ${index}`,
    }))
    await server.db.task.createMany({ data: others })
    await server.db.taskRelation.createMany({
      data: others.map(({ id }, index) =>
        index % 2
          ? { type: 'BLOCKS' as const, sourceId: task.id, targetId: id }
          : { type: 'DUPLICATES' as const, sourceId: id, targetId: task.id },
      ),
    })
    return task
  }

  test('has at most 1,000, also if several are created at once', async () => {
    const task = await relatedTask(998)
    const more = await newTasks(6)
    const outcomes = await Promise.all(
      more.map((other: { id: string }, index: number) =>
        index % 2
          ? overRest.createRelation(owner, task.id, { type: 'RELATES_TO', relatedTaskId: other.id })
          : overRest.createRelation(owner, other.id, { type: 'RELATES_TO', relatedTaskId: task.id }),
      ),
    )
    const codes = outcomes.map(({ error }) => error?.code ?? 'created').sort()
    expect(codes).toEqual([...Array(4).fill('CONFLICT'), 'created', 'created'])
    expect(data(await overRest.listRelations(owner, task.id))).toHaveLength(1_000)
    const [next] = await newTasks(1)
    const { body } = await rest(server, `POST /tasks/${next.id}/relations`, {
      token: owner.token,
      body: { type: 'BLOCKS', relatedTaskId: task.id },
    })
    expect(body).toMatchObject({ code: 'CONFLICT', errors: [{ path: ['body', 'relatedTaskId'] }] })
    expect(body.detail).toContain('already has 1,000 relations')
  })

  test('shows the oldest 100 of them, or as many as requested', async () => {
    const task = await relatedTask(120)
    const ask = (first: string) =>
      graphql(
        server,
        `{ task(id: "${task.id}") { all: relations(first: 1000) { id } some: relations${first} { id } } }`,
        {},
        owner,
      )
    const { data: hundred } = await ask('')
    expect([hundred.task.all.length, hundred.task.some]).toEqual([120, hundred.task.all.slice(0, 100)])
    const { data: three } = await ask('(first: 3)')
    expect(three.task.some).toEqual(hundred.task.all.slice(0, 3))
    for (const first of [0, 1_001]) {
      const { data, errors } = await ask(`(first: ${first})`)
      expect(data).toEqual({ task: null })
      expect(errors).toMatchObject([{ path: ['task', 'some'], extensions: { code: 'VALIDATION_FAILED' } }])
    }
    const { body } = await rest(server, `GET /tasks/${task.id}?include=relations`, { token: owner.token })
    expect(body.relations).toHaveLength(100)
    expect(data(await overRest.listRelations(owner, task.id))).toHaveLength(120)
  })
})
