import type { GraphQLEnumType } from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { schema } from '../../src/app/schema.ts'
import type { TaskFilterValues } from '../../src/modules/tasks/filter/fields.ts'
import { graphql, rest } from '../support/clients.ts'
import { makeProject } from '../support/rows.ts'
import { type OwnServer, ownServer } from '../support/server.ts'
import { inBatches } from './batches.ts'
import { makeWorlds } from './cast.ts'
import { PERSONAS, type Persona } from './personas.ts'
import { seenHere, visibleSecrets, visibleTasks, visibleTrash } from './powers.ts'
import type { World } from './world.ts'

let server: OwnServer
let worlds: World[]

const SEARCHING: Persona[] = ['stra', 'view', 'ownr', 'admn', 'remo', 't:r', 'a:tr']

beforeAll(async () => {
  server = await ownServer({ RATE_LIMIT: 'off' })
  worlds = await makeWorlds(server, SEARCHING)
})
afterAll(() => server?.close())

const { values } = (schema.getType('TaskOrderField') as GraphQLEnumType).toConfig()
const ORDERS = [undefined, ...Object.keys(values)]

const unseenTasks = (world: World) =>
  worlds.flatMap(({ unseen }) => (seenHere(world, { unseen: ['all'] }).length > 0 ? [unseen.task.id] : []))

/** Searches and the tasks they must find. */
const SEARCHES: Record<string, { filter: (world: World) => TaskFilterValues; finds: (world: World) => string[] }> = {
  'a word in visible and hidden tasks': {
    filter: () => ({ search: 'secret' }),
    finds: (world) => visibleSecrets(world, worlds),
  },
  'a word in hidden tasks only': { filter: () => ({ search: 'unseen' }), finds: unseenTasks },
  'a prefix of that word': { filter: () => ({ search: 'uns' }), finds: unseenTasks },
  'either of two words': {
    filter: () => ({ or: [{ search: 'secret' }, { search: 'unseen' }] }),
    finds: (world) => visibleSecrets(world, worlds),
  },
  'the absence of a word': {
    filter: () => ({ not: { search: 'nothing' } }),
    finds: (world) => visibleTasks(world, worlds),
  },
  'a word in the trash': {
    filter: () => ({ search: 'forgotten', deleted: true }),
    finds: (world) => visibleTrash(world, worlds),
  },
  'a word in tasks assigned to the viewer': {
    filter: () => ({ search: 'secret', assigneeId: ['me'] }),
    finds: (world) => seenHere(world, { unseen: [world.unseen.task.id] }),
  },
  'a word in tasks created by the viewer': {
    filter: () => ({ search: 'unseen', creatorId: ['me'] }),
    finds: (world) => seenHere(world, { unseen: [world.unseen.task.id] }),
  },
  'a word in tasks with given keys': {
    filter: ({ unseen, task }) => ({ search: 'secret', key: [unseen.task.key, task.key] }),
    finds: (world) => seenHere(world, { project: [world.task.id], unseen: [world.unseen.task.id] }),
  },
}

const QUERY = `query ($filter: TaskFilter, $orderBy: [TaskOrder!]) {
  tasks(filter: $filter, orderBy: $orderBy, first: 100) { nodes { id } totalCount searchTruncated }
}`

const credentialOf = ({ credential: { token, apiKey } }: World) => ({ token: token ?? apiKey })

/** Amounts of data that make the planner choose different strategies. */
const AMOUNTS: [string, () => Promise<unknown>][] = [
  ['few tasks', async () => undefined],
  ['projects with many tasks', () => server.db.project.updateMany({ data: { taskCounter: { increment: 10_000 } } })],
  [
    'more projects than a query names one by one',
    async () => {
      const more = await Promise.all(Array.from({ length: 101 }, () => makeProject(server.db)))
      const members = worlds.flatMap(({ self }) =>
        more.map(({ id }) => ({ projectId: id, userId: self.id, role: 'VIEWER' as const })),
      )
      await server.db.membership.createMany({ data: members })
    },
  ],
]

describe.each(AMOUNTS)('a search through %s', (_amount, prepare) => {
  beforeAll(prepare)

  test.each(Object.entries(SEARCHES))(
    'for %s finds the visible tasks and no others',
    async (_name, { filter, finds }) => {
      const orders = ORDERS.filter((field) => field !== 'RELEVANCE' || filter(worlds[0]!).search)
      const asked = worlds.flatMap((world) => orders.map((field) => ({ world, field })))
      await inBatches(asked, async ({ world, field }) => {
        const orderBy = field && [{ field, direction: 'DESC' }]
        const { data, errors } = await graphql(server, QUERY, { filter: filter(world), orderBy }, credentialOf(world))
        const said = `${PERSONAS[world.persona].who}, ${field ?? 'unordered'}: ${JSON.stringify({ data, errors })}`
        const expected = finds(world).sort()
        expect(data?.tasks?.nodes?.map(({ id }: { id: string }) => id).sort(), said).toEqual(expected)
        expect(data.tasks.totalCount, said).toBe(expected.length)
        expect(data.tasks.searchTruncated ?? false, said).toBe(false)
      })
      await inBatches(worlds, async (world) => {
        const asked = encodeURIComponent(JSON.stringify(filter(world)))
        const call = `GET /tasks?limit=100&include=totalCount&filter=${asked}`
        const { body, text } = await rest(server, call, credentialOf(world))
        const expected = finds(world).sort()
        expect(body?.nodes?.map(({ id }: { id: string }) => id).sort(), text).toEqual(expected)
        expect(body.totalCount, text).toBe(expected.length)
      })
    },
  )

  test('stays within the visible tasks when resumed from the cursor of an ADMIN', async () => {
    const page = `query ($after: String) {
      tasks(filter: { search: "secret" }, first: 1, after: $after) { nodes { id } pageInfo { endCursor } }
    }`
    const admin = worlds.find(({ persona }) => persona === 'admn')!
    const first = await graphql(server, page, {}, credentialOf(admin))
    const after = first.data.tasks.pageInfo.endCursor
    for (const world of worlds.filter(({ persona }) => persona !== 'admn')) {
      const next = await graphql(server, page, { after }, credentialOf(world))
      const seen = visibleSecrets(world, worlds)
      const found: { id: string }[] = next.data.tasks.nodes
      expect(
        found.filter(({ id }) => !seen.includes(id)),
        world.persona,
      ).toEqual([])
    }
  })
})
