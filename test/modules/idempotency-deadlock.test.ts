import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { graphql, rest } from '../support/clients.ts'
import { onPostgres } from '../support/database.ts'
import { atOnce, cursorOf, eventsSince, newChain, newKey, newLabel, newProject, newTask } from '../support/factories.ts'
import type { Caller } from '../support/operations.ts'
import { type OwnServer, signUp } from '../support/server.ts'
import { closeServers, ownServers } from '../support/servers.ts'
import { until } from '../support/wait.ts'

let servers: OwnServer[]
let owner: Caller & { token: string }

beforeAll(async () => {
  servers = await ownServers({ RATE_LIMIT: 'off' })
  owner = { url: servers[0]!.url, token: (await signUp(servers[0]!)).token }
})
afterAll(() => closeServers(servers))

interface Answer {
  status: number
  text: string
  codes: string[]
  replayed: boolean
  /** Task titles found in the response. */
  titles: string[]
}

/** A repeatable request. The titles it sets are unique to it. */
interface Sent {
  key: string | undefined
  send(): Promise<Answer>
}

const serverAt = (index: number) => servers[index % servers.length]!
const options = (key: string | undefined) => ({
  token: owner.token,
  headers: { ...(key && { 'idempotency-key': key }) },
})

/** Returns every string under the name "title" anywhere in a response. */
function titlesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  const own = 'title' in value && typeof value.title === 'string' ? [value.title] : []
  return [...own, ...Object.values(value).flatMap(titlesIn)]
}

function overRest(index: number, call: string, body: unknown, key: string | undefined): Sent {
  const send = async (): Promise<Answer> => {
    const answer = await rest(serverAt(index), call, { ...options(key), body })
    const { status, text, headers } = answer
    const replayed = headers.get('idempotency-replayed') === 'true'
    const failed = status >= 400
    return {
      status,
      text,
      replayed,
      codes: failed ? [answer.body.code] : [],
      titles: failed ? [] : titlesIn(answer.body),
    }
  }
  return { key, send }
}

function overGraphql(index: number, mutations: string[], key: string | undefined): Sent {
  const document = `mutation { ${mutations.map((one, place) => `m${place}: ${one}`).join(' ')} }`
  const send = async (): Promise<Answer> => {
    const { status, data, errors } = await graphql(serverAt(index), document, {}, options(key))
    const codes = errors?.map(({ extensions }) => extensions.code) ?? []
    // With a key the document is atomic.
    const titles = key && errors ? [] : titlesIn(data)
    return { status, text: JSON.stringify(data), replayed: !errors, codes, titles }
  }
  return { key, send }
}

const retitle = (id: string) => `updateTask(id: "${id}", input: { title: "${randomUUID()}" }) { id title version }`
const rotated = <T>(list: readonly T[], by: number): T[] => list.map((_, place) => list[(place + by) % list.length]!)
/** Rotates the list by `index` and reverses it for odd ones, so that orders conflict. */
const ordered = <T>(list: readonly T[], index: number): T[] =>
  index % 2 ? rotated(list, index).toReversed() : rotated(list, index)

/** Returns how many deadlocks PostgreSQL has resolved by aborting a transaction. */
async function deadlocks(): Promise<number> {
  if (!onPostgres) return 0
  // Connections buffer their counts: query all of them at once so that each one flushes.
  for (const { db } of servers)
    await atOnce(20, () => db.$queryRaw`SELECT pg_stat_force_next_flush()::text, pg_sleep(0.02)::text`)
  const [row] = await servers[0]!.db.$queryRaw<{ deadlocks: number }[]>`
    SELECT "deadlocks"::int FROM pg_stat_database WHERE datname = current_database()`
  return row!.deadlocks
}

const EXPECTED = new Set(['NOT_FOUND', 'VALIDATION_FAILED'])

/**
 * Sends all requests at once, then repeats those with a key. Expects no error codes but those in
 * EXPECTED, no deadlocks, replayed answers, and exactly the changes that the answers report.
 */
async function expectAllAnswered(requests: readonly Sent[]): Promise<void> {
  const cursor = await cursorOf(owner)
  const before = await deadlocks()
  const answers = await Promise.all(requests.map(({ send }) => send()))
  const wrong = answers.filter(({ status, codes }) => status >= 500 || codes.some((code) => !EXPECTED.has(code)))
  expect(wrong).toEqual([])
  expect(await deadlocks()).toBe(before)

  for (const [index, { key, send }] of requests.entries()) {
    const first = answers[index]!
    if (!key || first.codes.length > 0) continue
    const { text, replayed } = await send()
    expect({ text, replayed }).toEqual({ text: first.text, replayed: true })
  }

  const events = await eventsSince(owner, cursor)
  const given = events.flatMap(({ changes }) => (changes.title ? [changes.title[1]] : []))
  expect(given.toSorted()).toEqual(answers.flatMap(({ titles }) => titles).toSorted())
  expectSteps(events)
}

/** Expects the versions of each task to increase by one. Both events of a move share a version. */
function expectSteps(events: readonly { type: string; subjectId: string; version: number }[]): void {
  const versions = new Map<string, number[]>()
  for (const { type, subjectId, version } of events)
    if (type.startsWith('task.') && type !== 'task.removed')
      versions.set(subjectId, [...(versions.get(subjectId) ?? []), version])
  for (const found of versions.values()) expect(found).toEqual(found.map((_, place) => found[0]! + place))
}

const MODES = [
  ['without keys', () => undefined],
  ['with keys', () => randomUUID()],
  ['some with keys', (index: number) => (index % 4 < 2 ? undefined : randomUUID())],
] as const

// The embedded database has one connection and cannot deadlock: one mode is enough there.
describe.each(onPostgres ? MODES : MODES.slice(-1))(
  'concurrent requests in opposite orders, %s, neither deadlock nor lose a change',
  (_name, keyOf) => {
    const send = (index: number, call: string, body?: unknown) => overRest(index, call, body, keyOf(index))
    const retitled = (tasks: readonly { id: string }[]) => tasks.map(({ id }) => ({ id, title: randomUUID() }))

    test('when batches update the same tasks', async () => {
      const { id: projectId } = await newProject(owner)
      const tasks = await atOnce(12, () => newTask(owner, { projectId }))
      await expectAllAnswered(
        Array.from({ length: 24 }, (_, index) =>
          send(index, 'PATCH /tasks/bulk', { items: retitled(ordered(tasks, index)) }),
        ),
      )
    })

    test('when batches create tasks in several projects', async () => {
      const projects = await atOnce(4, () => newProject(owner))
      const items = (index: number) =>
        ordered(projects, index).map(({ id }) => ({ projectId: id, title: randomUUID() }))
      await expectAllAnswered(
        Array.from({ length: 24 }, (_, index) => send(index, 'POST /tasks/bulk', { items: items(index) })),
      )
    })

    test('when a tree moves while batches update its tasks', async () => {
      const projects = await atOnce(2, () => newProject(owner))
      const top = await newTask(owner, { projectId: projects[0].id })
      // Fill more than one table page, so that a scan would lock the rows out of id order.
      const below = await atOnce(20, () => newTask(owner, { projectId: projects[0].id, parentId: top.id }))
      const cursor = await cursorOf(owner)
      const before = await deadlocks()
      const answers = await Promise.all(
        Array.from({ length: 36 }, (_, index) =>
          (index % 3
            ? send(index, 'PATCH /tasks/bulk', { items: retitled(ordered([top, ...below], index)) })
            : send(index, `POST /tasks/${top.id}/move`, { projectId: projects[(index / 3) % 2].id })
          ).send(),
        ),
      )
      expect(answers.filter(({ status }) => status !== 200)).toEqual([])
      expect(await deadlocks()).toBe(before)
      expectSteps(await eventsSince(owner, cursor))
    })

    test('when a label is deleted while it is added to tasks', async () => {
      const { id: projectId } = await newProject(owner)
      for (let round = 0; round < 3; round++) {
        const { id } = await newLabel(owner, projectId)
        const labelled = (index: number) => newTask(owner, { projectId, labelIds: index % 2 ? [id] : [] })
        const tasks = await atOnce(8, labelled)
        await expectAllAnswered([
          ...tasks.map((task, index) =>
            send(index, `PATCH /tasks/${task.id}`, { labelIds: [id], title: randomUUID() }),
          ),
          ...[0, 1, 2, 3].map((index) => send(index, `DELETE /labels/${id}`)),
        ])
      }
    })

    test('when multi-mutation documents run beside batches', async () => {
      const { id: projectId } = await newProject(owner)
      const tasks = await atOnce(4, () => newTask(owner, { projectId }))
      await expectAllAnswered(
        Array.from({ length: 32 }, (_, index) =>
          index % 8 === 3
            ? send(index, 'PATCH /tasks/bulk', { items: retitled(ordered(tasks, index)) })
            : overGraphql(
                index,
                ordered(tasks, index).map(({ id }) => retitle(id)),
                keyOf(index),
              ),
        ),
      )
    })

    test('when every kind of change hits one tree', async () => {
      const projects = await atOnce(2, () => newProject(owner))
      const chain = await newChain(owner, projects[0].id, 5)
      const tasks = [...chain, ...(await atOnce(7, () => newTask(owner, { projectId: projects[0].id })))]
      const kinds: ((index: number, order: { id: string }[]) => Sent)[] = [
        (index) => send(index, `POST /tasks/${chain[0].id}/move`, { projectId: projects[index % 2].id }),
        (index, order) =>
          send(index, 'PATCH /tasks/bulk', { items: order.map(({ id }) => ({ id, priority: 1 + (index % 5) })) }),
        (index, order) =>
          send(index, 'POST /tasks/bulk-delete', { items: order.slice(0, 3).map(({ id }) => ({ id })) }),
        (index, [first]) => send(index, `POST /tasks/${first!.id}/restore`),
        (index, [first, second]) => send(index, `PATCH /tasks/${second!.id}`, { parentId: first!.id }),
        (index, [first]) => send(index, 'POST /tasks', { parentId: first!.id, title: randomUUID() }),
        (index, [first, ...others]) =>
          send(index, 'PATCH /tasks/bulk', {
            items: others.slice(0, 6).map(({ id }) => ({ id, parentId: first!.id })),
          }),
        (index, [first]) => send(index, `DELETE /tasks/${first!.id}`),
        (index, [first]) => send(index, `PATCH /tasks/${first!.id}`, { title: randomUUID() }),
        (index, [first, second]) =>
          send(index, `POST /tasks/${first!.id}/relations`, { type: 'RELATES_TO', relatedTaskId: second!.id }),
      ]
      const cursor = await cursorOf(owner)
      const before = await deadlocks()
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, index) => kinds[index % kinds.length]!(index, ordered(tasks, index)).send()),
      )
      const allowed = new Set([...EXPECTED, 'CONFLICT'])
      expect(answers.filter(({ codes }) => codes.some((code) => !allowed.has(code)))).toEqual([])
      expect(answers.filter(({ text }) => text.includes('conflicted with this one'))).toEqual([])
      expect(await deadlocks()).toBe(before)
      expectSteps(await eventsSince(owner, cursor))
    })
  },
)

describe.runIf(onPostgres)('with an Idempotency-Key, a deadlocked request is retried as a whole', () => {
  /** Deadlocks a request, which holds the first task, with a transaction that holds the second. */
  async function crossed(request: (first: string, second: string) => Sent) {
    const [first, second] = await atOnce(2, () => newTask(owner)).then((tasks) => tasks.map(({ id }) => id).toSorted())
    const { send } = request(first, second)
    const { db } = servers[0]!
    let sent: Promise<Answer> | undefined
    await db.$transaction(
      async (tx) => {
        // Make PostgreSQL abort the request, not this transaction.
        await tx.$executeRaw`SET LOCAL deadlock_timeout TO '20s'`
        await tx.task.update({ where: { id: second }, data: { priority: 5 } })
        sent = send()
        await until('the request waits', async () => {
          const [row] = await db.$queryRaw<{ waiting: number }[]>`SELECT count(*)::int AS waiting FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'`
          return row!.waiting > 0
        })
        await tx.task.update({ where: { id: first }, data: { priority: 5 } })
      },
      { timeout: 20_000 },
    )
    return { answer: await sent!, again: await send(), first, second }
  }

  test.each<[string, (first: string, second: string) => Sent]>([
    [
      'a batch',
      (...ids) =>
        overRest(0, 'PATCH /tasks/bulk', { items: ids.map((id) => ({ id, title: 'Crossed' })) }, randomUUID()),
    ],
    ['a GraphQL document', (...ids) => overGraphql(0, ids.map(retitle), randomUUID())],
  ])('when it is %s', async (_name, request) => {
    const { answer, again, first, second } = await crossed(request)
    expect(answer).toMatchObject({ status: 200, codes: [], titles: { length: 2 } })
    expect(again.text).toBe(answer.text)
    const tasks = await servers[0]!.db.task.findMany({ where: { id: { in: [first, second] } }, orderBy: { id: 'asc' } })
    expect(tasks.map(({ title, priority, version }) => ({ title, priority, version }))).toEqual(
      answer.titles.map((title) => ({ title, priority: 5, version: 3 })),
    )
  })
})

test('20 concurrent projects with the same name each get a unique project key', async () => {
  const name = `Same ${newKey()}`
  const answers = await atOnce(20, (index) => overRest(index, 'POST /projects', { name }, randomUUID()).send())
  expect(answers.filter(({ status }) => status !== 201)).toEqual([])
  expect(new Set(answers.map(({ text }) => JSON.parse(text).key)).size).toBe(20)
})
