import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type GraphqlAnswer, type Inbox, rest } from '../support/clients.ts'
import { onPostgres } from '../support/database.ts'
import { cursorOf, newProject, newTask } from '../support/factories.ts'
import { type Caller, data, overRest } from '../support/operations.ts'
import { addTo, apiKey, type Person, signUpAt } from '../support/people.ts'
import { type RecordedServer, recordedServer } from '../support/recorded-server.ts'
import { openSocket } from '../support/sockets.ts'
import { OF_THE_SERVER } from '../support/statements.ts'

let server: RecordedServer
let admin: Caller
let owner: Person
/** Members of both projects; `outsiders` belong to the shared one only. */
let insiders: Person[]
let outsiders: Person[]
let projectId: string
/** A task of the shared project that blocks a task of the other. */
let task: { id: string }

beforeAll(async () => {
  server = await recordedServer()
  admin = { url: server.url, token: server.admin.token }
  owner = await signUpAt(server, 'Owner')
  insiders = [await signUpAt(server, 'Insider'), await signUpAt(server, 'Second insider')]
  outsiders = [await signUpAt(server, 'Outsider'), await signUpAt(server, 'Second outsider')]
  const shared = await newProject(owner)
  const hidden = await newProject(owner)
  projectId = shared.id
  for (const { email } of [...insiders, ...outsiders]) await addTo(owner, shared.id, email, 'EDITOR')
  for (const { email } of insiders) await addTo(owner, hidden.id, email, 'VIEWER')
  const assigneeIds = [insiders[0]!.id, outsiders[0]!.id]
  task = await newTask(owner, { projectId, assigneeIds })
  const secret = await newTask(owner, { projectId: hidden.id, title: 'Secret' })
  data(await overRest.createRelation(owner, task.id, { type: 'BLOCKS', relatedTaskId: secret.id }))
})
afterAll(() => server?.close())

const subscription = (selected: string) =>
  `subscription ($after: String, $filter: TaskFilter) { taskEvents(after: $after, filter: $filter) { ${selected} } }`

async function follow({ url, token }: Caller, selected: string, variables: Record<string, unknown> = {}) {
  const socket = await openSocket({ url }, { authorization: `Bearer ${token}` })
  return { socket, inbox: socket.follow(subscription(selected), variables) }
}

let changes = 0
const change = async (caller: Caller) =>
  data(await overRest.updateTask(caller, task.id, { title: `Title ${++changes}` }))

const nextOf = (inboxes: readonly Inbox<GraphqlAnswer>[]) => Promise.all(inboxes.map((inbox) => inbox.next()))

/** Strips a result of everything that identifies the request. */
function plain({ data, errors }: GraphqlAnswer) {
  return {
    data,
    errors: errors?.map(({ message, path, extensions: { code } }) => ({ message, path, code })),
  }
}

describe('followers served together receive what each would receive alone', () => {
  test.each([
    ['people', 'version actor { id name email disabledAt } task { assignees { id email } creator { id email } }'],
    ['related tasks', 'version task { id relations { type relatedTaskId relatedTask { title } } }'],
    ['a project', 'version task { id title project { name } }'],
    ['public fields', 'type cursor match taskId changes { field from to } task { id title version parent { id } } at'],
  ])('for %s', async (_what, selected) => {
    const callers: Caller[] = [
      ...outsiders,
      ...insiders,
      owner,
      admin,
      await apiKey(outsiders[0]!, 'tasks:read'),
      await apiKey(insiders[0]!, 'tasks:read'),
      await apiKey(insiders[1]!, 'tasks:read', 'projects:read'),
    ]
    // The first follower computes the result for the others, so each kind gets a turn as the first.
    for (const turn of [0, 2, 4, 7]) {
      const order = [...callers.slice(turn), ...callers.slice(0, turn)]
      const variables = { after: await cursorOf(owner), filter: { status: ['PENDING'] } }
      const followers: Awaited<ReturnType<typeof follow>>[] = []
      for (const caller of order) followers.push(await follow(caller, selected, variables))
      // All followers are live from here on.
      await change(owner)
      await nextOf(followers.map(({ inbox }) => inbox))
      for (const actor of turn === 0 ? [outsiders[0]!, admin] : [owner, insiders[1]!]) {
        const after = await cursorOf(owner)
        await change(actor)
        const together = (await nextOf(followers.map(({ inbox }) => inbox))).map(plain)
        // Replay from the log shares nothing.
        const alone = order.map(async (caller) => {
          const { socket, inbox } = await follow(caller, selected, { ...variables, after })
          const result = await inbox.next()
          socket.close()
          return plain(result)
        })
        expect(together).toEqual(await Promise.all(alone))
      }
      for (const { socket } of followers) socket.close()
    }
  })

  test('including differences: e-mail addresses and related tasks depend on the viewer', async () => {
    const selected = 'actor { email } task { relations { relatedTaskId } }'
    const callers = [outsiders[0]!, outsiders[1]!, insiders[0]!, admin]
    const followers = await Promise.all(
      callers.map(async (one) => follow(one, selected, { after: await cursorOf(owner) })),
    )
    await change(outsiders[0]!)
    const results = await nextOf(followers.map(({ inbox }) => inbox))
    const seen = results.map(({ data }) => [data.taskEvents.actor.email, data.taskEvents.task.relations.length])
    const { email } = outsiders[0]!
    expect(seen).toEqual([
      [email, 0],
      [null, 0],
      [null, 1],
      [email, 1],
    ])
  })
})

describe.runIf(onPostgres)('an event is resolved', () => {
  /**
   * Counts the statements of one event for these followers, wherever they started. Reads of two
   * groups in the same turn share a statement, so more groups cost at most one more each.
   */
  async function costOf(callers: Caller[], selected: string, actor: Caller = owner): Promise<number> {
    const followers: Awaited<ReturnType<typeof follow>>[] = []
    for (const [index, caller] of callers.entries()) {
      // Some start one change earlier; they join the same group once they have caught up.
      const after = await cursorOf(owner)
      if (index % 3 === 0) await change(owner)
      const follower = await follow(caller, selected, { after })
      if (index % 3 === 0) await follower.inbox.next()
      followers.push(follower)
    }
    // All followers are live from here on.
    const earlier = followers.map(({ inbox }) => inbox)
    const before = changes
    await change(owner)
    for (const inbox of earlier) {
      for (let title = ''; title !== `Title ${before + 1}`; ) title = (await inbox.next()).data.taskEvents.changes[0].to
    }
    const { result, statements } = await server.recorder!.during(async () => {
      await change(actor)
      return nextOf(earlier)
    })
    expect(result.map(({ errors }) => errors)).toEqual(callers.map(() => undefined))
    for (const { socket } of followers) socket.close()
    return statements.filter((sql) => !OF_THE_SERVER.test(sql)).length
  }

  const TASK = 'changes { to } task { id title }'
  const ACTOR = 'changes { to } actor { id email }'

  test('once for any number of followers with the same access', async () => {
    const one = await costOf([outsiders[0]!], TASK)
    const members = [...outsiders, ...insiders]
    expect(await costOf([...members, ...members, ...members], TASK)).toBeLessThanOrEqual(one)
    expect(await costOf([...members, ...members, ...members], ACTOR)).toBeLessThanOrEqual(
      await costOf([outsiders[0]!], ACTOR),
    )
  })

  test('once per distinct role and set of scopes', async () => {
    const one = await costOf([outsiders[0]!], TASK)
    const keys = await Promise.all([...outsiders, ...insiders].map((person) => apiKey(person, 'tasks:read')))
    expect(await costOf([...outsiders, ...keys], TASK)).toBeLessThanOrEqual(one + 1)
    expect(await costOf([...outsiders, ...keys, admin, admin], TASK)).toBeLessThanOrEqual(one + 2)
    expect(
      await costOf([...outsiders, await apiKey(owner, 'tasks:read', 'projects:read'), ...keys], TASK),
    ).toBeLessThanOrEqual(one + 2)
  })

  test('separately for the user whose own data it contains', async () => {
    const others = [outsiders[1]!, ...insiders]
    const shared = await costOf(others, ACTOR, outsiders[0]!)
    expect(await costOf([...others, outsiders[0]!], ACTOR, outsiders[0]!)).toBeLessThanOrEqual(shared + 1)
  })

  test('once per follower when the selection depends on the viewer', async () => {
    const selected = 'changes { to } task { relations { id } }'
    const one = await costOf([outsiders[0]!], selected)
    const four = await costOf([...outsiders, ...insiders], selected)
    expect(four).toBeGreaterThanOrEqual(one + 3)
  })
})

test.runIf(onPostgres)('a search over a page of events takes one statement', async () => {
  const after = await cursorOf(owner)
  for (let count = 0; count < 10; count++) await change(owner)
  const path = `GET /events?projectId=${projectId}&search=title&after=${after}`
  const { result, statements } = await server.recorder!.during(() => rest(server, path, { token: owner.token }))
  expect(result.body.nodes).toHaveLength(10)
  expect(statements.filter((sql) => sql.includes('task_words'))).toHaveLength(1)
})
