import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Prisma } from '../../src/generated/prisma/client.ts'
import { check, draws, SEED, timeout } from '../support/draws.ts'
import { ask, type Caller, call, data, LIST, LIST_VARIABLES, PAGE } from '../support/operations.ts'
import { makeProject, makeUser } from '../support/rows.ts'
import { type OwnServer, ownServer, signUp } from '../support/server.ts'
import {
  type Draw,
  drawOf,
  type ModelProject,
  type Names,
  newTask,
  order,
  restQuery,
} from '../support/task-arbitraries.ts'
import {
  comparing,
  MODEL_QUERY,
  type ModelTask,
  type Order,
  pageOf,
  tasksOfList,
  toModel,
  type Way,
} from '../support/task-model.ts'

/** Number of lists read concurrently, each with its own seed. */
const LANES = 8
const DRAWS = draws(300)
/** Maximum number of pages per list, not counting those for rows inserted meanwhile. */
const MOST_PAGES = 5

let server: OwnServer
/** Callers by viewer name. */
let callers: Record<string, Caller>
/** Tasks of the model: exactly those in the database. */
let tasks: ModelTask[] = []
let names: Names[]
/** Rows to insert while lists are read. */
let rows: fc.Arbitrary<Prisma.TaskCreateManyInput>

beforeAll(async () => {
  console.info(`TEST_SEED=${SEED} repeats the lists of tasks that are drawn`)
  server = await ownServer()
  const { db, url } = server
  const admin = await signUp(server, 'Administrator')
  const member = await signUp(server, 'Member')
  callers = { ADMIN: { url, token: admin.token }, MEMBER: { url, token: member.token } }
  const people = [admin.id, member.id, (await makeUser(db)).id]

  const projects: ModelProject[] = []
  for (const key of ['WEB', 'SHOP', 'OFFICE', 'HIDDEN']) {
    const { id } = await makeProject(db, { key })
    const labels = ['bug', 'idea'].map((name) => ({ projectId: id, name, color: '#1d76db' }))
    const labelIds = (await db.label.createManyAndReturn({ data: labels })).map((label) => label.id)
    projects.push({ id, labelIds, parentIds: [] })
  }
  const visible = projects.slice(0, 3)
  const seats = visible.map(({ id }) => ({ projectId: id, userId: member.id, role: 'VIEWER' as const }))
  await db.membership.createMany({ data: seats })

  await insert(fc.sample(newTask(projects, people), { seed: SEED, numRuns: 40 }))
  // Some tasks move in and out of sight but keep their former keys. Labels would prevent a move.
  for (const { id, projectId } of tasks.filter((task) => task.labelIds.length === 0).slice(0, 5)) {
    const next = projects[(projects.findIndex((project) => project.id === projectId) + 1) % projects.length]!
    await db.task.update({ where: { id }, data: { projectId: next.id } })
  }
  tasks = (await db.task.findMany(MODEL_QUERY)).map(toModel)
  for (const project of projects) {
    const own = tasks.filter((task) => task.projectId === project.id && task.deletedAt === null)
    project.parentIds = own.slice(0, 3).map((task) => task.id)
  }
  await insert(fc.sample(newTask(projects, people), { seed: SEED + 1, numRuns: 40 }))
  rows = newTask(projects, people, true)

  const keys = tasks.flatMap((task) => [task.key, ...task.formerKeys])
  names = [
    { name: 'MEMBER', id: member.id, seen: visible },
    { name: 'ADMIN', id: admin.id, seen: projects },
  ].map(({ name, id, seen }) => ({
    viewer: { name, id, projectIds: seen.map((project) => project.id) },
    labelIds: seen.flatMap((project) => project.labelIds),
    parents: tasks.filter((task) => seen.some((project) => project.parentIds.includes(task.id))),
    people: [...people, crypto.randomUUID()],
    keys: [...keys, ...keys.slice(0, 9).map((key) => key.toLowerCase()), 'NOWHERE-1'],
  }))
})
afterAll(() => server?.close())

/** Inserts tasks into the database and the model. */
async function insert(data: Prisma.TaskCreateManyInput[]): Promise<void> {
  if (data.length === 0) return
  await server.db.task.createMany({ data })
  const where = { id: { in: data.map((row) => row.id!) } }
  tasks = [...tasks, ...(await server.db.task.findMany({ ...MODEL_QUERY, where })).map(toModel)]
}

test('a list matches the model on every page, in both directions, over GraphQL and REST', { timeout }, async () => {
  const tally = { draws: 0, pages: 0, tasks: 0 }
  let failed: number | undefined
  const lanes = Array.from({ length: LANES }, (_, lane) =>
    check(Math.ceil(DRAWS / LANES), lists(), SEED + lane, async (draw) => {
      // After one failure the others can stop. The failed one continues, to find a simpler example.
      if (failed !== undefined && failed !== lane) return
      await walk(draw, tally).catch((error) => {
        failed ??= lane
        if (failed === lane) throw error
      })
      tally.draws++
    }),
  )
  await Promise.all(lanes)
  console.info(`lists of tasks that were read: ${JSON.stringify(tally)}`)
  expect(tally.draws).toBeGreaterThanOrEqual(DRAWS)
  // Filters that match nothing would prove little.
  expect(tally.tasks).toBeGreaterThan(10 * tally.draws)
})

test('a list has every task once while others are inserted between its pages', { timeout }, () =>
  check(Math.ceil(DRAWS / LANES), fc.tuple(lists(), batches()), SEED, walkAmidInserts),
)

test('a search by relevance returns every task once while others are inserted', { timeout }, () => {
  const ranked = order(['RELEVANCE', 'PRIORITY', 'TITLE']).filter(
    (terms) => terms.length === 0 || terms.some(({ field }) => field === 'RELEVANCE'),
  )
  return check(Math.ceil(DRAWS / LANES), fc.tuple(lists(ranked), batches()), SEED, walkAmidInserts)
})

const lists = (ranked?: fc.Arbitrary<Order[]>) => fc.oneof(...names.map((one) => drawOf(one, ranked)))
const batches = () => fc.array(fc.array(rows, { minLength: 1, maxLength: 3 }), { maxLength: 12, size: 'max' })

async function walkAmidInserts([draw, inserted]: [Draw, Prisma.TaskCreateManyInput[][]]): Promise<void> {
  const before = tasks
  const left = inserted.values()
  try {
    await walk(draw, undefined, async () => insert(left.next().value ?? []))
  } finally {
    tasks = before
    await server.db.task.deleteMany({ where: { id: { in: inserted.flat().map((row) => row.id!) } } })
  }
}

/** Reads a list forwards and backwards, one way per protocol, comparing pages with the model. */
async function walk(draw: Draw, tally = { pages: 0, tasks: 0 }, between = async () => {}): Promise<void> {
  const { filter, orderBy } = draw
  const { viewer } = names.find((one) => one.viewer.name === draw.viewer)!
  // The model does not rank by relevance. It only checks that the order stays stable.
  const ranked = orderBy.length > 0 ? orderBy.some(({ field }) => field === 'RELEVANCE') : filter.search != null
  const compare = ranked ? undefined : comparing(orderBy)
  const list = () => tasksOfList(tasks, filter, viewer).sort(compare)
  const start = idsOf(list())
  const size = Math.max(draw.size, Math.ceil(start.length / MOST_PAGES))
  let expected = start
  let end: Place | undefined
  for (const way of ['forwards', 'backwards'] as const) {
    const protocol = (way === 'forwards') === (draw.forwardsOver === 'GraphQL') ? 'GraphQL' : 'REST'
    // REST pages backwards only from a cursor.
    const from = way === 'backwards' && protocol === 'REST' ? end : undefined
    if (way === 'backwards' && protocol === 'REST' && !from) return
    let seen: string[] = []
    let asked = ''
    for await (const page of pagesOf(draw, protocol, way, size, from)) {
      asked = `a page of ${size} ${way} for the ${viewer.name}: ${page.exchange}`
      if (compare) expect(named(page), asked).toEqual(named(pageOf(list(), compare, way, size, page.from?.task)))
      else expect(idsOf(list()), asked).toEqual(expect.arrayContaining(page.ids))
      if (page.totalCount !== undefined) expect(page.totalCount, asked).toBe(list().length)
      seen = way === 'forwards' ? [...seen, ...page.ids] : [...page.ids, ...seen]
      expect(new Set(seen).size, `a task came twice: ${asked}`).toBe(seen.length)
      end = page.end
      tally.pages++
      tally.tasks += page.ids.length
      await between()
    }
    const kept = seen.filter((id) => start.includes(id))
    if (ranked && way === 'forwards') expect([...kept].sort(), asked).toEqual([...start].sort())
    else expect(kept, asked).toEqual(expected.filter((id) => id !== from?.task?.id))
    expected = kept
  }
}

/** A cursor and its task. */
interface Place {
  cursor: string
  task: ModelTask | undefined
}

async function* pagesOf(draw: Draw, protocol: Draw['forwardsOver'], way: Way, size: number, start?: Place) {
  for (let from = start, more = true; more; ) {
    const ask = protocol === 'GraphQL' ? askGraphql : askRest
    const outcome = await ask(draw, way, size, from?.cursor)
    const { nodes, pageInfo, totalCount } = data(outcome)
    const { hasNextPage, hasPreviousPage, startCursor, endCursor } = pageInfo
    const ids: string[] = nodes.map((node: { id: string }) => node.id)
    const [id, cursor] = way === 'forwards' ? [ids.at(-1), endCursor] : [ids[0], startCursor]
    const end = id === undefined ? undefined : { cursor, task: tasks.find((task) => task.id === id) }
    yield { ids, hasNextPage, hasPreviousPage, totalCount, from, end, exchange: outcome.exchange }
    more = way === 'forwards' ? hasNextPage : hasPreviousPage
    if (more && !end) throw new Error(`an empty page has a next page: ${outcome.exchange}`)
    from = end
  }
}

function askGraphql({ viewer, filter, orderBy }: Draw, way: Way, size: number, cursor?: string) {
  const counted = cursor === undefined ? 'totalCount' : ''
  return ask(
    callers[viewer]!,
    `query ($filter: TaskFilter, $orderBy: [TaskOrder!], ${LIST_VARIABLES}) {
      tasks(filter: $filter, orderBy: $orderBy, ${LIST}) { nodes { id } ${PAGE} ${counted} }
    }`,
    { filter, orderBy, ...(way === 'forwards' ? { first: size, after: cursor } : { last: size, before: cursor }) },
  )
}

function askRest(draw: Draw, way: Way, size: number, cursor?: string) {
  const query = restQuery(draw)
  query.append('limit', String(size))
  if (cursor === undefined) query.append('include', 'totalCount')
  else query.append(way === 'forwards' ? 'after' : 'before', cursor)
  return call(callers[draw.viewer]!, `GET /tasks?fields=id&${query}`)
}

const idsOf = (list: readonly ModelTask[]) => list.map((task) => task.id)

/** Picks the compared fields of a page and shows tasks by key, which is easier to read. */
const named = ({ ids, hasNextPage, hasPreviousPage }: ReturnType<typeof pageOf>) => ({
  tasks: ids.map((id) => tasks.find((task) => task.id === id)?.key ?? id),
  hasNextPage,
  hasPreviousPage,
})
