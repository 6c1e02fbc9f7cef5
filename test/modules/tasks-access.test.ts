import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hashPassword } from '../../src/auth/passwords.ts'
import type { Database } from '../../src/database/client.ts'
import { eventStream, graphql, rest, subscribe, websocketClient } from '../support/clients.ts'
import { type Caller, data, describeApi, overGraphql, overRest, refusal } from '../support/operations.ts'
import { makeProject } from '../support/rows.ts'
import { type OwnServer, ownServer } from '../support/server.ts'
import { until } from '../support/wait.ts'

const ROLES = ['VIEWER', 'COMMENTER', 'EDITOR', 'OWNER'] as const
const PEOPLE = ['signed out', 'stranger', ...ROLES, 'ADMIN'] as const
type Person = (typeof PEOPLE)[number]

const MISSING = '01890000-0000-7000-8000-000000000000'
const PASSWORD = 'correct horse battery staple'

let server: OwnServer
let people: Record<Person, Caller>
/** The project shared by the four roles, and the stranger's own project. */
let shared: string
let own: string

const emailOf = (person: Person) => `${person.toLowerCase().replace(' ', '-')}@example.org`

/** Creates both projects directly in the database, with one member per role in the shared one. */
async function makePeople(db: Database) {
  const passwordHash = await hashPassword(PASSWORD)
  const [project, other] = [await makeProject(db, { name: 'Shared' }), await makeProject(db, { name: 'Own' })]
  for (const name of PEOPLE.slice(1)) {
    const user = await db.user.create({
      data: { email: emailOf(name), name, passwordHash, role: name === 'ADMIN' ? 'ADMIN' : 'MEMBER' },
    })
    const role = ROLES.find((one) => one === name)
    if (role) await db.membership.create({ data: { userId: user.id, projectId: project.id, role } })
    if (name === 'stranger')
      await db.membership.create({ data: { userId: user.id, projectId: other.id, role: 'OWNER' } })
  }
  return { shared: project.id, own: other.id }
}

beforeAll(async () => {
  server = await ownServer({ RATE_LIMIT: 'off' })
  ;({ shared, own } = await makePeople(server.db))
  const { url } = server
  const signIn = async (person: Person): Promise<[Person, Caller]> => {
    if (person === 'signed out') return [person, { url }]
    const answer = await overRest.signIn({ url }, { email: emailOf(person), password: PASSWORD })
    return [person, { url, token: data(answer).accessToken }]
  }
  people = Object.fromEntries(await Promise.all(PEOPLE.map(signIn))) as Record<Person, Caller>
})
afterAll(() => server?.close())

const newTask = async () => data(await overRest.createTask(people.OWNER, { projectId: shared, title: 'Secret plans' }))

describeApi('access to tasks', (api) => {
  test('a stranger cannot distinguish a hidden task from a missing one', async () => {
    const { id } = await newTask()
    for (const run of [
      (one: string) => api.getTask(people.stranger, one),
      (one: string) => api.updateTask(people.stranger, one, { title: 'A' }),
      (one: string) => api.replaceTask(people.stranger, one, { title: 'A' }, 1),
      (one: string) => api.deleteTask(people.stranger, one, 7),
    ]) {
      const shown = async (one: string) =>
        refusal(await run(one))
          .exchange.replaceAll(one, 'ID')
          .replace(/"requestId":"[^"]+"/, '')
      expect(await shown(id)).toBe(await shown(MISSING))
    }
    for (const run of [
      (one: string) => api.getProject(people.stranger, one),
      (one: string) => api.createTask(people.stranger, { projectId: one, title: 'A' }),
      (one: string) => api.listTasks(people.stranger, { filter: { projectId: one } }),
      (one: string) => api.listEvents(people.stranger, { projectId: one }),
    ]) {
      const shown = async (one: string) =>
        refusal(await run(one))
          .exchange.replaceAll(one, 'ID')
          .replace(/"requestId":"[^"]+"/, '')
      expect(await shown(shared)).toBe(await shown(MISSING))
    }
  })

  test('a missing role is reported before a version mismatch', async () => {
    const { id } = await newTask()
    expect(refusal(await api.updateTask(people.VIEWER, id, { title: 'A' }, 99)).code).toBe('FORBIDDEN')
  })

  test('members see exactly their own projects, and an ADMIN sees all', async () => {
    const visible = async (person: Person) => {
      const { nodes, totalCount } = data(await api.listProjects(people[person], { totalCount: true }))
      return { ids: nodes.map((project: { id: string }) => project.id).sort(), totalCount }
    }
    for (const role of ROLES) expect(await visible(role), role).toEqual({ ids: [shared], totalCount: 1 })
    expect(await visible('stranger')).toEqual({ ids: [own], totalCount: 1 })
    expect(await visible('ADMIN')).toEqual({ ids: [shared, own].sort(), totalCount: 2 })
  })

  test('members see exactly the tasks and events of their projects', async () => {
    const { cursor } = data(await api.eventCursor(people.ADMIN))
    const { id } = await newTask()
    const other = data(await api.createTask(people.stranger, { projectId: own, title: 'Mine' }))
    const tasks = async (person: Person) => {
      const { nodes } = data(
        await api.listTasks(people[person], { first: 2, orderBy: [{ field: 'CREATED_AT', direction: 'DESC' }] }),
      )
      return nodes.map((task: { projectId: string }) => task.projectId)
    }
    const events = async (person: Person) =>
      data(await api.listEvents(people[person], { after: cursor })).nodes.map(
        (event: { taskId: string }) => event.taskId,
      )
    for (const role of ROLES) expect(new Set(await tasks(role)), role).toEqual(new Set([shared]))
    for (const role of ROLES) expect(await events(role), role).toEqual([id])
    expect(new Set(await tasks('stranger'))).toEqual(new Set([own]))
    expect(await events('stranger')).toEqual([other.id])
    expect(await events('ADMIN')).toEqual([id, other.id])
  })

  test('only its owner and an ADMIN can see an email address', async () => {
    const { cursor } = data(await api.eventCursor(people.ADMIN))
    await newTask()
    const emailSeenBy = async (person: Person) =>
      data(await api.listEvents(people[person], { after: cursor })).nodes[0].actor.email
    expect(await emailSeenBy('OWNER')).toBe(emailOf('OWNER'))
    expect(await emailSeenBy('ADMIN')).toBe(emailOf('OWNER'))
    expect(await emailSeenBy('EDITOR')).toBeNull()
    expect(data(await api.me(people.VIEWER)).email).toBe(emailOf('VIEWER'))
  })

  test('a user without an Inbox must name a project', async () => {
    const refused = refusal(await api.createTask(people.EDITOR, { title: 'A' }))
    expect(refused, refused.exchange).toMatchObject({ code: 'VALIDATION_FAILED', fields: ['projectId'] })
  })
})

test('the creator’s email stays hidden in GraphQL relations and in REST include', async () => {
  const { id } = await newTask()
  const query = 'query ($id: ID!) { task(id: $id) { creator { name email } project { id } } }'
  const seen = await graphql(server, query, { id }, people.VIEWER)
  expect(seen.data?.task, JSON.stringify(seen)).toEqual({
    creator: { name: 'OWNER', email: null },
    project: { id: shared },
  })
  const { body } = await rest(server, `GET /tasks/${id}?include=creator,project`, people.VIEWER)
  expect(body).toMatchObject({ creator: { name: 'OWNER', email: null }, project: { id: shared } })
})

describe('a live stream', () => {
  const SUBSCRIPTION = 'subscription ($projectId: ID) { taskEvents(projectId: $projectId) { taskId type } }'

  const writeShared = () => newTask()
  const writeOwn = async () => data(await overRest.createTask(people.stranger, { projectId: own, title: 'Mine' }))

  /** Opens both kinds of stream. Subscriptions send no ack: writes until an event arrives. */
  async function streamsOf(person: Person, write: () => Promise<unknown>) {
    const sse = await eventStream(server, '/events/stream', people[person])
    const socket = subscribe(websocketClient(server, people[person].token), SUBSCRIPTION)
    await until('the subscription is open', async () => {
      await write()
      return socket.inbox.size > 0
    })
    return {
      socket: async () => (await socket.inbox.next()).data.taskEvents.taskId,
      sse: async () => (await sse.inbox.next()).data.taskId,
    }
  }

  test('delivers only the tasks of the viewer’s own projects', async () => {
    const stranger = await streamsOf('stranger', writeOwn)
    const viewer = await streamsOf('VIEWER', writeShared)
    const admin = await streamsOf('ADMIN', writeShared)
    const { id } = await writeShared()
    const other = await writeOwn()
    data(await overGraphql.updateTask(people.EDITOR, id, { title: 'B' }))
    const projectOf = async (taskId: string) => data(await overRest.getTask(people.ADMIN, taskId)).projectId
    const readUntil = async (next: () => Promise<string>, last: string) => {
      const seen = [await next()]
      while (seen.at(-1) !== last) seen.push(await next())
      return new Set(await Promise.all(seen.map(projectOf)))
    }
    expect(await readUntil(stranger.sse, other.id)).toEqual(new Set([own]))
    expect(await readUntil(stranger.socket, other.id)).toEqual(new Set([own]))
    expect(await readUntil(viewer.sse, id)).toEqual(new Set([shared]))
    expect(await readUntil(viewer.socket, id)).toEqual(new Set([shared]))
    expect(await readUntil(admin.sse, other.id)).toEqual(new Set([shared, own]))
    expect(await readUntil(admin.socket, other.id)).toEqual(new Set([shared, own]))
  })

  test('rejects a stranger to the project and rejects anyone signed out', async () => {
    const refused = await eventStream(server, `/events/stream?projectId=${shared}`, people.stranger)
    expect(refused.response.status).toBe(404)
    expect((await eventStream(server, '/events/stream')).response.status).toBe(401)
    const socket = (person: Person) =>
      subscribe(websocketClient(server, people[person].token), SUBSCRIPTION, { projectId: shared }).inbox.next()
    const code = (answer: unknown) => JSON.stringify(answer).match(/"code":"(\w+)"/)?.[1]
    expect(code(await socket('stranger').catch((error: unknown) => error))).toBe('NOT_FOUND')
    expect(code(await socket('signed out').catch((error: unknown) => error))).toBe('UNAUTHENTICATED')
  })
})
