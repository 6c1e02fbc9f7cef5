/** The work items: what is sent to each server. */
import { createRandom, type Random } from '../../test/support/random.ts'
import { BULK, BY_ID, CREATE, LIST, LIST_WITH_RELATIONS, SEARCH, UPDATE } from './queries.ts'
import { type Protocol, type Server, TASKWIRE } from './servers.ts'
import type { Caller, CallersProject, World } from './world.ts'

export interface BenchRequest {
  method: 'GET' | 'POST'
  path: string
  token: string
  body?: object
}

export interface WorkItem {
  name: string
  description: string
  protocol: Protocol
  kind: 'read' | 'write' | 'mixed'
  /** False if no other server implements it. */
  compared?: false
  request(world: World, random: Random): BenchRequest
}

const SEED = 1
const BULK_SIZE = 100
const STATUSES = ['PENDING', 'IN_PROGRESS', 'COMPLETED', 'CANCELLED']
/** Those of a third of a project's tasks, so that every list has a full page. */
const COMMON_STATUSES = ['PENDING', 'COMPLETED']
const ORDERS = [
  { field: 'CREATED_AT', direction: 'ASC' },
  { field: 'PRIORITY', direction: 'DESC' },
  { field: 'DUE_AT', direction: 'ASC' },
]
const REST_ORDERS = ['createdAt:asc', 'priority:desc', 'dueAt:asc']
const WORDS = ['login', 'page', 'release', 'server', 'database', 'index', 'customer', 'report', 'invoice', 'button']

function graphql(token: string, query: string, variables: object): BenchRequest {
  return { method: 'POST', path: '/graphql', token, body: { query, variables } }
}

function projectOf(world: World, random: Random, which: 'projects' | 'writable'): [Caller, CallersProject] {
  const caller = random.pick(world.callers)
  return [caller, random.pick(caller[which])]
}

/** Returns true if a server implements a work item. */
export function serves(server: Server, { protocol, compared }: WorkItem): boolean {
  return server.protocols.includes(protocol) && (compared !== false || server === TASKWIRE)
}

/** Returns requests of one item, the same ones each time. */
export function requestsOf(item: WorkItem, world: World, count = item.compared === false ? 128 : 2048): BenchRequest[] {
  const random = createRandom(SEED)
  return Array.from({ length: count }, () => item.request(world, random))
}

/** Returns a request as this server understands it. */
export function translated({ translate }: Server, request: BenchRequest): BenchRequest {
  return translate && request.body ? { ...request, body: translate(request.body) } : request
}

function byId(world: World, random: Random): BenchRequest {
  const [{ token }, { taskIds }] = projectOf(world, random, 'projects')
  return graphql(token, BY_ID, { id: random.pick(taskIds) })
}

const list = (query: string) => (world: World, random: Random) => {
  const [{ token }, { id }] = projectOf(world, random, 'projects')
  const filter = { projectId: id, status: [random.pick(COMMON_STATUSES)] }
  return graphql(token, query, { filter, orderBy: [random.pick(ORDERS)], first: 20 })
}

/** A rare word (with a number), a common one, or two common ones. */
function searchText(random: Random): string {
  const word = random.pick(WORDS)
  switch (random.below(3)) {
    case 0:
      return `${word}${random.below(40)}`
    case 1:
      return word
    default:
      return `${word} ${random.pick(WORDS)}`
  }
}

function search(world: World, random: Random): BenchRequest {
  const { token } = random.pick(world.callers)
  return graphql(token, SEARCH, { filter: { search: searchText(random) }, first: 20 })
}

function newTask({ labelIds, memberIds }: CallersProject, random: Random) {
  return {
    title: `Check the ${random.pick(WORDS)} ${random.below(100_000)}`,
    description: `${random.pick(WORDS)} and ${random.pick(WORDS)} need a second look before the release.`,
    priority: 1 + random.below(5),
    dueAt: '2027-03-01T09:00:00.000Z',
    labelIds: [random.pick(labelIds)],
    assigneeIds: [random.pick(memberIds)],
  }
}

function create(world: World, random: Random): BenchRequest {
  const [{ token }, project] = projectOf(world, random, 'writable')
  return graphql(token, CREATE, { input: { projectId: project.id, ...newTask(project, random) } })
}

function update(world: World, random: Random): BenchRequest {
  const [{ token }, { taskIds }] = projectOf(world, random, 'writable')
  const input = { title: `Changed ${random.below(1_000_000)}`, status: random.pick(STATUSES) }
  return graphql(token, UPDATE, { id: random.pick(taskIds), input })
}

function bulk(world: World, random: Random): BenchRequest {
  const [{ token }, project] = projectOf(world, random, 'writable')
  const items = Array.from({ length: BULK_SIZE }, () => ({ projectId: project.id, ...newTask(project, random) }))
  return graphql(token, BULK, { input: { items } })
}

function restById(world: World, random: Random): BenchRequest {
  const [{ token }, { taskIds }] = projectOf(world, random, 'projects')
  return { method: 'GET', path: `/api/v1/tasks/${random.pick(taskIds)}`, token }
}

function restList(world: World, random: Random): BenchRequest {
  const [{ token }, { id }] = projectOf(world, random, 'projects')
  const query = `projectId=${id}&status=${random.pick(COMMON_STATUSES)}&orderBy=${random.pick(REST_ORDERS)}&limit=20`
  return { method: 'GET', path: `/api/v1/tasks?${query}`, token }
}

function restCreate(world: World, random: Random): BenchRequest {
  const [{ token }, project] = projectOf(world, random, 'writable')
  return { method: 'POST', path: '/api/v1/tasks', token, body: { projectId: project.id, ...newTask(project, random) } }
}

/** Four reads in five requests. */
function mix(world: World, random: Random): BenchRequest {
  const draw = random.below(20)
  if (draw < 8) return byId(world, random)
  if (draw < 12) return list(LIST)(world, random)
  if (draw < 14) return list(LIST_WITH_RELATIONS)(world, random)
  if (draw < 16) return search(world, random)
  return draw < 18 ? create(world, random) : update(world, random)
}

function restMix(world: World, random: Random): BenchRequest {
  const draw = random.below(10)
  if (draw < 5) return restById(world, random)
  return draw < 8 ? restList(world, random) : restCreate(world, random)
}

export const WORK: readonly WorkItem[] = [
  { name: 'byId', description: 'one task by id', protocol: 'graphql', kind: 'read', request: byId },
  {
    name: 'list',
    description: '20 tasks by project and status',
    protocol: 'graphql',
    kind: 'read',
    request: list(LIST),
  },
  {
    name: 'relations',
    description: 'the same with project, assignees and labels',
    protocol: 'graphql',
    kind: 'read',
    request: list(LIST_WITH_RELATIONS),
  },
  { name: 'search', description: '20 tasks by words, best first', protocol: 'graphql', kind: 'read', request: search },
  { name: 'create', description: 'create a task', protocol: 'graphql', kind: 'write', request: create },
  { name: 'update', description: 'change title and status', protocol: 'graphql', kind: 'write', request: update },
  {
    name: 'bulk',
    description: `create ${BULK_SIZE} tasks at once`,
    protocol: 'graphql',
    kind: 'write',
    compared: false,
    request: bulk,
  },
  { name: 'mix', description: '80 % reads, 20 % writes', protocol: 'graphql', kind: 'mixed', request: mix },
  { name: 'restById', description: 'one task by id', protocol: 'rest', kind: 'read', request: restById },
  {
    name: 'restList',
    description: '20 tasks by project and status',
    protocol: 'rest',
    kind: 'read',
    request: restList,
  },
  { name: 'restCreate', description: 'create a task', protocol: 'rest', kind: 'write', request: restCreate },
  { name: 'restMix', description: '80 % reads, 20 % writes', protocol: 'rest', kind: 'mixed', request: restMix },
]
