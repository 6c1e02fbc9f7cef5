import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ListArguments, Operations } from '../support/operation-types.ts'
import { type Caller, data, describeApi, overRest } from '../support/operations.ts'
import { type OwnServer, ownServer, signUp } from '../support/server.ts'

interface Task {
  id: string
  title: string
  status: string
  priority: number
  dueAt: string | null
  createdAt: string
  updatedAt: string
}

const STATUSES = ['PENDING', 'IN_PROGRESS', 'COMPLETED', 'CANCELLED']

let server: OwnServer
let ada: Caller
let bob: Caller
let admin: Caller
/** Ada's two projects hold 17 and 6 tasks with many ties in every field. Bob's Inbox holds two. */
let web: string
let ops: string
let all: Task[]

beforeAll(async () => {
  server = await ownServer()
  const caller = async (name: string) => ({ url: server.url, token: (await signUp(server, name)).token })
  admin = await caller('Administrator')
  ada = await caller('Ada')
  bob = await caller('Bob')
  web = data(await overRest.createProject(ada, { name: 'Web' })).id
  ops = data(await overRest.createProject(ada, { name: 'Operations' })).id
  // Created two at a time, so that some tasks share a millisecond and others do not.
  const inputs = Array.from({ length: 23 }, (_, index) => ({
    projectId: index < 17 ? web : ops,
    title: `Task ${'abcä'[index % 4]}`,
    status: STATUSES[index % 4],
    priority: (index % 5) + 1,
    ...(index % 3 > 0 && { dueAt: `2027-01-0${(index % 4) + 1}` }),
  }))
  const ids: string[] = []
  for (let index = 0; index < inputs.length; index += 2) {
    const pair = await Promise.all(inputs.slice(index, index + 2).map((input) => overRest.createTask(ada, input)))
    ids.push(...pair.map((outcome) => data(outcome).id))
  }
  for (const id of [ids[3]!, ids[1]!]) data(await overRest.updateTask(ada, id, { description: 'changed' }))
  all = await Promise.all(ids.map(async (id) => data(await overRest.getTask(ada, id))))
  for (const title of ['Bob’s first', 'Bob’s second']) data(await overRest.createTask(bob, { title }))
})
afterAll(() => server?.close())

const titlesOf = (page: { nodes: Task[] }) => page.nodes.map((task) => task.title)
const idsOf = (tasks: Task[]) => tasks.map((task) => task.id)

/** Returns every page of a list by following its cursors. Throws if they never end. */
async function follow(api: Operations, args: ListArguments, way: 'forwards' | 'backwards', from?: string) {
  const pages: Task[][] = []
  let cursor = from
  do {
    const turn = way === 'forwards' ? { first: 4, after: cursor } : { last: 4, before: cursor }
    const { nodes, pageInfo } = data(await api.listTasks(ada, { ...args, ...turn }))
    pages.push(nodes)
    const more = way === 'forwards' ? pageInfo.hasNextPage : pageInfo.hasPreviousPage
    cursor = more ? (way === 'forwards' ? pageInfo.endCursor : pageInfo.startCursor) : undefined
    if (pages.length > 50) throw new Error(`the pages of ${JSON.stringify(args)} do not end`)
  } while (cursor !== undefined)
  return way === 'forwards' ? pages : pages.reverse()
}

describeApi('a list of tasks', (api) => {
  test.each<[string, ListArguments['filter'], (task: Task, index: number) => boolean]>([
    ['one status', { status: ['COMPLETED'] }, (task) => task.status === 'COMPLETED'],
    ['two statuses', { status: ['PENDING', 'CANCELLED'] }, (task) => ['PENDING', 'CANCELLED'].includes(task.status)],
    ['a priority', { priority: { in: [5] } }, (task) => task.priority === 5],
    ['several priorities', { priority: { in: [1, 4] } }, (task) => [1, 4].includes(task.priority)],
    ['a minimum priority', { priority: { gte: 4 } }, (task) => task.priority >= 4],
    ['a range of priorities', { priority: { gte: 2, lte: 3 } }, (task) => task.priority > 1 && task.priority < 4],
    ['an empty range', { priority: { gte: 4, lte: 2 } }, () => false],
    [
      'status and priority',
      { status: ['PENDING'], priority: { lte: 3 } },
      (t) => t.status === 'PENDING' && t.priority < 4,
    ],
  ])('filtered by %s contains exactly the matching tasks', async (_what, filter, meets) => {
    const page = data(await api.listTasks(ada, { filter, first: 100, totalCount: true }))
    const expected = all.filter(meets)
    expect(idsOf(page.nodes).sort()).toEqual(idsOf(expected).sort())
    expect(page.totalCount).toBe(expected.length)
  })

  test('filtered by a project contains only its tasks', async () => {
    const page = data(await api.listTasks(ada, { filter: { projectId: ops, status: ['PENDING'] }, totalCount: true }))
    const expected = all.filter((task, index) => index >= 17 && task.status === 'PENDING')
    expect(idsOf(page.nodes).sort()).toEqual(idsOf(expected).sort())
    expect(page.totalCount).toBe(expected.length)
  })

  test.each(
    ['CREATED_AT', 'UPDATED_AT', 'DUE_AT', 'PRIORITY', 'TITLE'].flatMap((field) =>
      ['ASC', 'DESC'].map((direction) => ({ field, direction })),
    ),
  )('ordered by $field $direction is sorted that way, with ties sorted by id', async (term) => {
    const name = term.field.toLowerCase().replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()) as keyof Task
    const { nodes } = data(await api.listTasks(ada, { orderBy: [term], first: 100 })) as { nodes: Task[] }
    expect(idsOf(nodes).sort()).toEqual(idsOf(all).sort())
    const turn = term.direction === 'ASC' ? 1 : -1
    for (const [index, task] of nodes.slice(1).entries()) {
      const before = nodes[index]!
      const order = compare(before[name], task[name], turn) || turn * (before.id < task.id ? -1 : 1)
      const shown = [before, task].map((one) => `${one[name]} ${one.id}`)
      expect(order, `${shown.join(' came before ')}`).toBeLessThan(0)
    }
  })

  test('ordered by two fields breaks the ties of the first by the second', async () => {
    const orderBy = [
      { field: 'PRIORITY', direction: 'DESC' },
      { field: 'DUE_AT', direction: 'ASC' },
    ]
    const { nodes } = data(await api.listTasks(ada, { orderBy, first: 100 })) as { nodes: Task[] }
    const expected = [...all].sort(
      (a, b) => b.priority - a.priority || compare(a.dueAt, b.dueAt, 1) || (a.id < b.id ? -1 : 1),
    )
    expect(idsOf(nodes)).toEqual(idsOf(expected))
  })

  test.each<[string, ListArguments]>([
    ['the default order', {}],
    ['the priority', { orderBy: [{ field: 'PRIORITY' }] }],
    ['the priority, descending', { orderBy: [{ field: 'PRIORITY', direction: 'DESC' }] }],
    ['the due date', { orderBy: [{ field: 'DUE_AT' }] }],
    ['the due date, descending', { orderBy: [{ field: 'DUE_AT', direction: 'DESC' }] }],
    ['the title', { orderBy: [{ field: 'TITLE' }] }],
    ['two fields in opposite directions', { orderBy: [{ field: 'PRIORITY', direction: 'DESC' }, { field: 'TITLE' }] }],
    ['a filter', { filter: { priority: { gte: 2 } }, orderBy: [{ field: 'UPDATED_AT', direction: 'DESC' }] }],
  ])('is the same read as a whole, page by page and backwards: %s', async (_what, args) => {
    const { nodes, pageInfo } = data(await api.listTasks(ada, { ...args, first: 100 }))
    const forwards = await follow(api, args, 'forwards')
    const backwards = await follow(api, args, 'backwards', pageInfo.endCursor)
    expect(idsOf(forwards.flat())).toEqual(idsOf(nodes))
    expect(idsOf(backwards.flat())).toEqual(idsOf(nodes.slice(0, -1)))
    // Only the last page read may be short; reversed, that is the first one backwards.
    expect(forwards.slice(0, -1).every((page) => page.length === 4)).toBe(true)
    expect(backwards.slice(1).every((page) => page.length === 4)).toBe(true)
  })

  test('pages back from a later page to the previous one', async () => {
    const orderBy = [{ field: 'PRIORITY' }]
    const first = data(await api.listTasks(ada, { orderBy, first: 5 }))
    const second = data(await api.listTasks(ada, { orderBy, first: 5, after: first.pageInfo.endCursor }))
    expect(second.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: true })
    const back = data(await api.listTasks(ada, { orderBy, last: 5, before: second.pageInfo.startCursor }))
    expect(back.nodes).toEqual(first.nodes)
    expect(back.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false })
  })

  test('skips as many tasks as the offset', async () => {
    const whole = idsOf(data(await api.listTasks(ada, { first: 100 })).nodes)
    const { nodes, pageInfo, totalCount } = data(await api.listTasks(ada, { first: 5, offset: 7, totalCount: true }))
    expect(idsOf(nodes)).toEqual(whole.slice(7, 12))
    expect({ ...pageInfo, totalCount }).toMatchObject({ hasNextPage: true, hasPreviousPage: true, totalCount: 23 })
    expect(data(await api.listTasks(ada, { offset: 500, totalCount: true }))).toMatchObject({
      nodes: [],
      totalCount: 23,
    })
  })

  test('returns 20 tasks by default, oldest first, and the total count only on request', async () => {
    const page = data(await api.listTasks(ada))
    expect(page.nodes.map((task: Task) => task.createdAt)).toEqual(
      all
        .map((task) => task.createdAt)
        .sort()
        .slice(0, 20),
    )
    expect(page).not.toHaveProperty('totalCount')
    expect(page.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false })
  })

  test('shows users exactly the tasks of their projects, and an ADMIN all tasks', async () => {
    const visible = async (caller: Caller) => data(await api.listTasks(caller, { first: 100, totalCount: true }))
    expect(idsOf((await visible(ada)).nodes).sort()).toEqual(idsOf(all).sort())
    expect(titlesOf(await visible(bob))).toEqual(['Bob’s first', 'Bob’s second'])
    expect(await visible(bob)).toMatchObject({ totalCount: 2 })
    const { nodes, totalCount } = await visible(admin)
    expect(idsOf(nodes)).toEqual(expect.arrayContaining([...idsOf(all), ...idsOf((await visible(bob)).nodes)]))
    expect(totalCount).toBe(nodes.length)
  })

  test('shows a task created after the cursor on the next page, and no task twice', async () => {
    const caller = { url: server.url, token: (await signUp(server)).token }
    for (const title of ['a', 'c', 'e']) data(await api.createTask(caller, { title }))
    const orderBy = [{ field: 'TITLE' }]
    const first = data(await api.listTasks(caller, { orderBy, first: 2 }))
    for (const title of ['b', 'd']) data(await api.createTask(caller, { title }))
    const next = data(await api.listTasks(caller, { orderBy, first: 2, after: first.pageInfo.endCursor }))
    expect([titlesOf(first), titlesOf(next)]).toEqual([
      ['a', 'c'],
      ['d', 'e'],
    ])
  })
})

/** Compares two field values. Nulls sort last in both directions. */
function compare(a: Task[keyof Task], b: Task[keyof Task], turn: number): number {
  if (a === b) return 0
  if (a === null || b === null) return a === null ? 1 : -1
  if (typeof a === 'number') return turn * (a - (b as number))
  return turn * (a < b ? -1 : 1)
}
