import { beforeAll, expect, test } from 'vitest'
import { rest } from '../support/clients.ts'
import { type Cast, expectRefused, MISSING, newCast, newLabel, newProject, newTask } from '../support/factories.ts'
import type { ListArguments } from '../support/operation-types.ts'
import { type Caller, data, describeApi, refusal } from '../support/operations.ts'
import { sharedServer, type TestServer } from '../support/server.ts'

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

const titlesOf = (page: { nodes: { title: string }[] }) => page.nodes.map(({ title }) => title)

/** Wraps a filter in the given number of nested nots. */
const nested = (levels: number, filter: object = { priority: { gte: 1 } }): Record<string, unknown> =>
  levels === 0 ? { ...filter } : { not: nested(levels - 1, filter) }

const ASC = (field: string) => ({ field, direction: 'ASC' })
const DESC = (field: string) => ({ field, direction: 'DESC' })

describeApi('a task filter', (api) => {
  test.each<[string, ListArguments['filter'], string[]]>([
    ['an unknown condition', { colour: ['red'] }, ['colour']],
    ['an unknown nested condition', { and: [{ or: [{ colour: 1 }] }] }, ['and.or.colour']],
    ['an unknown operator', { priority: { between: 3 } }, ['priority.between']],
    ['an unknown nested status', { not: { status: ['DONE'] } }, ['not.status']],
    ['a priority out of range', { priority: { in: [1, 6] } }, ['priority']],
    ['a nested priority out of range', { or: [{ priority: { lte: 0 } }] }, ['or.priority.lte']],
    ['101 values in one condition', { priority: { in: Array(101).fill(3) } }, ['priority']],
    ['101 keys', { key: Array.from({ length: 101 }, (_, index) => `WEB-${index + 1}`) }, ['key']],
    ['an invalid key', { key: ['WEB-1', 'web', MISSING] }, ['key']],
    ['an invalid assignee id', { assigneeId: ['you'] }, ['assigneeId']],
    ['"none" as the creator', { creatorId: ['none'] }, ['creatorId']],
    ['an invalid label id', { labelId: { any: ['none'] } }, ['labelId']],
    ['a parent that is neither an id nor a key', { parentId: 'null' }, ['parentId']],
    ['a project key instead of an id', { projectId: 'WEB' }, ['projectId']],
    ['a nonexistent date', { dueAt: { gte: '2026-02-30' } }, ['dueAt.gte']],
    ['a time in words', { createdAt: { lt: 'yesterday' } }, ['createdAt.lt']],
    ['a time that is a number', { and: [{ updatedAt: { gt: 17 } }] }, ['and.updatedAt.gt']],
    ['overdue "yes"', { overdue: 'yes' }, ['overdue']],
    ['an empty and', { and: [] }, ['and']],
    ['an empty or', { or: [] }, ['or']],
    ['a null filter in and', { and: [null] }, ['and']],
    ['six levels', nested(6), ['not.not.not.not.not.not']],
    [
      '51 filters',
      { and: Array(25).fill({ priority: { gte: 1 } }), or: Array(25).fill({ priority: { gte: 1 } }) },
      ['filter'],
    ],
    ['a nested deleted: true', { or: [{ deleted: true }] }, ['or.deleted']],
    ['contradicting values of deleted', { deleted: true, not: { deleted: false } }, ['not.deleted']],
  ])('is rejected for %s, naming the invalid field', async (_what, filter, fields) => {
    expectRefused(await api.listTasks(owner, { filter: filter ?? {} }), 'VALIDATION_FAILED', fields)
  })

  test('is rejected with all of its issues at once', async () => {
    const filter = {
      search: '!',
      labelId: { all: ['x'] },
      and: [{ priority: { gte: 9 } }, { not: { key: ['x'], deleted: true } }],
    }
    expectRefused(await api.listTasks(owner, { filter, first: 0 }), 'VALIDATION_FAILED', [
      'and.not.deleted',
      'and.not.key',
      'and.priority.gte',
      'labelId.all',
      'limit',
      'search',
    ])
  })

  test('is rejected with every id that is unknown or hidden', async () => {
    const { stranger } = cast.people
    const hidden = await newProject(stranger)
    const [label, task] = [await newLabel(stranger, hidden.id), await newTask(stranger, { projectId: hidden.id })]
    const projects = await api.listTasks(owner, { filter: { projectId: hidden.id, or: [{ projectId: MISSING }] } })
    expectRefused(projects, 'NOT_FOUND', ['or.projectId', 'projectId'])
    const labels = await api.listTasks(owner, { filter: { labelId: { any: [MISSING], all: [label.id] } } })
    expectRefused(labels, 'NOT_FOUND', ['labelId', 'labelId.all'])
    const parents = await api.listTasks(owner, { filter: { not: { parentId: task.key } } })
    expectRefused(parents, 'NOT_FOUND', ['not.parentId'])
    // Unknown or hidden keys and creators match nothing instead of failing.
    expect(data(await api.listTasks(owner, { filter: { key: [task.key] } })).nodes).toEqual([])
    expect(data(await api.listTasks(owner, { filter: { creatorId: [stranger.id, MISSING] } })).nodes).toEqual([])
    const { exchange } = refusal(await api.listTasks(owner, { filter: { projectId: hidden.id } }))
    expect(exchange).toContain('does not exist or you cannot see it')
  })

  test('matches nothing for an empty list and ignores a null condition', async () => {
    const { id } = await newProject(owner)
    await newTask(owner, { projectId: id, title: 'One' })
    const list = async (filter: object) =>
      titlesOf(data(await api.listTasks(owner, { filter: { projectId: id, ...filter } })))
    for (const name of ['status', 'assigneeId', 'creatorId', 'key']) {
      expect(await list({ [name]: [] }), `${name}: []`).toEqual([])
      expect(await list({ [name]: null }), `${name}: null`).toEqual(['One'])
    }
    expect(await list({ priority: { in: [] } })).toEqual([])
    expect(await list({ labelId: { any: [] } })).toEqual([])
    expect(await list({ labelId: { all: [] } })).toEqual(['One'])
    const nothing = {
      priority: null,
      dueAt: null,
      overdue: null,
      search: null,
      deleted: null,
      and: null,
      or: null,
      not: null,
    }
    expect(await list(nothing)).toEqual(['One'])
    expect(await list({ dueAt: {}, priority: {}, labelId: {}, not: { status: ['CANCELLED'] } })).toEqual(['One'])
    expect(await list({ not: {} })).toEqual([])
  })

  test(`supports five levels of nesting and exact bounds of time ranges`, async () => {
    const { id } = await newProject(owner)
    const make = (title: string, dueAt?: string, status = 'PENDING') =>
      newTask(owner, { projectId: id, title, dueAt, status })
    await make('None')
    await make('Past', '2020-01-01T00:00:00Z')
    await make('Done', '2020-01-01T00:00:00Z', 'COMPLETED')
    await make('Future', '2999-12-31T23:59:59.999Z')
    const list = async (filter: object) =>
      titlesOf(data(await api.listTasks(owner, { filter: { projectId: id, ...filter } }))).sort()
    expect(await list(nested(5, { status: ['COMPLETED'] }))).toEqual(['Future', 'None', 'Past'])
    expect(await list({ overdue: true })).toEqual(['Past'])
    expect(await list({ overdue: false })).toEqual(['Done', 'Future', 'None'])
    expect(await list({ not: { overdue: true } })).toEqual(['Done', 'Future', 'None'])
    // A task without a date is outside every range, so a negated range includes it.
    expect(await list({ dueAt: { gte: '2020-01-01T00:00:00Z' } })).toEqual(['Done', 'Future', 'Past'])
    expect(await list({ dueAt: { gt: '2020-01-01T00:00:00Z' } })).toEqual(['Future'])
    expect(await list({ dueAt: { lt: '2999-12-31T23:59:59.999Z' } })).toEqual(['Done', 'Past'])
    expect(await list({ dueAt: { lte: '2999-12-31T23:59:59.999Z' } })).toEqual(['Done', 'Future', 'Past'])
    expect(await list({ dueAt: { gte: '2020-01-01', lt: '2020-01-02' } })).toEqual(['Done', 'Past'])
    expect(await list({ not: { dueAt: { lt: '2021-01-01T00:00:00Z' } } })).toEqual(['Future', 'None'])
    expect(await list({ not: { dueAt: { gte: '2021-01-01T00:00:00Z' } } })).toEqual(['Done', 'None', 'Past'])
    expect(await list({ completedAt: { gte: '2020-01-01T00:00:00Z' } })).toEqual(['Done'])
    expect(await list({ not: { completedAt: { gte: '2020-01-01T00:00:00Z' } } })).toEqual(['Future', 'None', 'Past'])
  })
})

describeApi('a task order', (api) => {
  test('sorts ties in the first term by the second, in each direction', async () => {
    const { id } = await newProject(owner)
    const make = (title: string, priority: number, dueAt?: string) =>
      newTask(owner, { projectId: id, title, priority, dueAt })
    await make('b', 1, '2030-01-02T00:00:00Z')
    await make('a', 1, '2030-01-01T00:00:00Z')
    await make('c', 5, '2030-01-01T00:00:00Z')
    await make('d', 5)
    await make('a', 5, '2030-01-02T00:00:00Z')
    const list = async (...orderBy: { field: string; direction: string }[]) => {
      const args = { filter: { projectId: id }, orderBy }
      const whole = data(await api.listTasks(owner, args)).nodes
      // Reading page by page gives the same order.
      const pages = []
      for (let after: string | undefined, more = true; more; ) {
        const page = data(await api.listTasks(owner, { ...args, first: 2, ...(after && { after }) }))
        pages.push(...page.nodes)
        after = page.pageInfo.endCursor
        more = page.pageInfo.hasNextPage
      }
      expect(pages).toEqual(whole)
      return whole.map((task: { number: number }) => task.number).join('')
    }
    expect(await list(DESC('PRIORITY'), ASC('DUE_AT'))).toBe('35421')
    expect(await list(DESC('PRIORITY'), DESC('DUE_AT'))).toBe('53412')
    expect(await list(ASC('PRIORITY'), DESC('TITLE'))).toBe('12435')
    expect(await list(ASC('DUE_AT'), DESC('PRIORITY'))).toBe('32514')
    expect(await list(ASC('TITLE'), ASC('NUMBER'))).toBe('25134')
    expect(await list(DESC('TITLE'), DESC('NUMBER'))).toBe('43152')
    expect(await list(DESC('NUMBER'))).toBe('54321')
  })

  test('rejects a repeated field, a third term and an unavailable field', async () => {
    for (const orderBy of [
      [ASC('TITLE'), DESC('TITLE')],
      [ASC('TITLE'), ASC('NUMBER'), ASC('PRIORITY')],
      [ASC('RELEVANCE')],
      [ASC('TITLE'), DESC('RELEVANCE')],
      [{ field: 'COLOUR' }],
    ])
      expectRefused(await api.listTasks(owner, { orderBy }), 'VALIDATION_FAILED', ['orderBy'])
  })

  test('rejects cursors of another order and forged cursors', async () => {
    await newTask(owner, { projectId, title: 'Harbour' })
    const cursorOf = async (args: ListArguments) => data(await api.listTasks(owner, args)).pageInfo.endCursor as string
    const orders: ListArguments[] = [
      {},
      { orderBy: [ASC('TITLE')] },
      { orderBy: [ASC('TITLE'), ASC('PRIORITY')] },
      { orderBy: [ASC('PRIORITY'), ASC('TITLE')] },
      { orderBy: [ASC('TITLE'), DESC('PRIORITY')] },
      { filter: { search: 'harbour' } },
      { filter: { search: 'harbour' }, orderBy: [ASC('TITLE'), DESC('RELEVANCE')] },
    ]
    for (const [index, args] of orders.entries()) {
      const cursor = await cursorOf(args)
      data(await api.listTasks(owner, { ...args, after: cursor }))
      for (const [other, different] of orders.entries())
        if (other !== index)
          expectRefused(await api.listTasks(owner, { ...different, after: cursor }), 'VALIDATION_FAILED', ['after'])
      const forged = Buffer.from(cursor, 'base64url').toString()
      const wrong = [forged, cursor.slice(0, -3), cursor.toUpperCase(), 'null', '[]', 'WyJUYXNrIl0', '🌉']
      const broken = [
        forged.replace(/"[^"]*"\]$/, '"x"]'),
        forged.replace(/"[^"]*"\]$/, 'null]'),
        '[1,2,3]',
        '{}',
        '"a"',
      ]
      for (const after of [...wrong, ...broken.map((text) => Buffer.from(text).toString('base64url'))])
        expectRefused(await api.listTasks(owner, { ...args, after }), 'VALIDATION_FAILED', ['after'])
    }
  })
})

test('REST accepts a JSON filter and combines it with the other parameters', async () => {
  const { id } = await newProject(owner)
  for (const [title, priority] of [
    ['low', 1],
    ['middle', 3],
    ['high', 5],
  ] as const)
    await newTask(owner, { projectId: id, title, priority })
  const get = async (filter: unknown, more = '') => {
    const text = encodeURIComponent(typeof filter === 'string' ? filter : JSON.stringify(filter))
    return rest(server, `GET /tasks?filter=${text}${more}`, { token: owner.token })
  }
  const either = { projectId: id, or: [{ priority: { lte: 1 } }, { priority: { gte: 5 } }] }
  expect(titlesOf((await get(either)).body)).toEqual(['low', 'high'])
  expect(titlesOf((await get(either, '&priority.gte=4')).body)).toEqual(['high'])
  expect(titlesOf((await get({ not: { priority: { in: [3] } } }, `&projectId=${id}&orderBy=title`)).body)).toEqual([
    'high',
    'low',
  ])
  expect(titlesOf((await get('{}', `&projectId=${id}&priority=3`)).body)).toEqual(['middle'])
  const refused = async (filter: unknown, more?: string) => {
    const { status, body, text } = await get(filter, more)
    const { path, code } = body.errors?.[0] ?? {}
    expect(status, text).toBe(422)
    return [path?.join('.'), code]
  }
  expect(await refused('{"priority":')).toEqual(['query.filter', 'invalid_json'])
  expect(await refused('')).toEqual(['query.filter', 'invalid_json'])
  for (const value of [[], [{}], 'null', '3', '"priority"'])
    expect(await refused(value)).toEqual(['query.filter', 'invalid_type'])
  expect(await refused({ priority: { gte: 9 } })).toEqual(['query.priority.gte', 'too_big'])
  expect(await refused({ and: [{}, { priority: { gte: 9 } }] })).toEqual(['query.filter.and.1.priority.gte', 'too_big'])
  // A condition can be set in only one place.
  expect(await refused({ priority: { gte: 2 } }, '&priority.lte=4')).toEqual(['query.priority.lte', 'repeated'])
  expect(await refused({}, '&filter={}')).toEqual(['query.filter', 'repeated'])
  expect(await refused(`{"not":${'{"not":'.repeat(50)}{}${'}'.repeat(50)}}`)).toEqual(['query.filter', 'too_deep'])
})

test('REST lists the tasks of a project under its path, with every list parameter', async () => {
  const { id } = await newProject(owner)
  for (const title of ['b', 'a', 'c']) await newTask(owner, { projectId: id, title, priority: title === 'c' ? 5 : 1 })
  const get = (path: string, token = owner.token) => rest(server, `GET /projects/${path}`, { token })
  const whole = await get(`${id}/tasks?orderBy=title&limit=2&include=totalCount`)
  expect([titlesOf(whole.body), whole.body.totalCount]).toEqual([['a', 'b'], 3])
  expect(titlesOf((await get(`${id}/tasks?orderBy=title&after=${whole.body.pageInfo.endCursor}`)).body)).toEqual(['c'])
  expect(titlesOf((await get(`${id}/tasks?priority.gte=2`)).body)).toEqual(['c'])
  expect(
    titlesOf((await get(`${id}/tasks?filter=${encodeURIComponent('{"not":{"priority":{"gte":2}}}')}`)).body),
  ).toEqual(['b', 'a'])
  const statuses = [
    await get(`${id}/tasks`, cast.people.stranger.token),
    await get(`${MISSING}/tasks`),
    await get('nothing/tasks'),
    await get(`${id}/tasks?projectId=${id}`),
    await get(`${id}/tasks?filter=${encodeURIComponent(JSON.stringify({ projectId }))}`),
    await rest(server, `GET /projects/${id}/tasks`),
  ].map(({ status, body }) => [status, body.errors?.[0]?.path])
  expect(statuses).toEqual([
    [404, ['path', 'id']],
    [404, ['path', 'id']],
    [404, ['path', 'id']],
    [422, ['query', 'projectId']],
    [422, ['query', 'filter', 'projectId']],
    [401, undefined],
  ])
})

describeApi('a filter with many look-ups', (api) => {
  test('is rejected before PostgreSQL has to plan it', async () => {
    const labelId = { any: [(await newLabel(owner, projectId)).id] }
    const asked = (times: number) => ({ and: Array.from({ length: times }, () => ({ labelId, assigneeId: ['me'] })) })
    expect(data(await api.listTasks(owner, { filter: asked(10) })).nodes).toEqual([])
    expectRefused(await api.listTasks(owner, { filter: asked(11) }), 'VALIDATION_FAILED', ['filter'])
    const all = Array.from({ length: 100 }, () => labelId.any[0])
    expect(data(await api.listTasks(owner, { filter: { labelId: { all } } })).nodes).toEqual([])
  })
})
