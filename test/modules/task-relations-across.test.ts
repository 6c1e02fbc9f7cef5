import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { rest } from '../support/clients.ts'
import { atOnce, cursorOf, eventsSince, expectRefused, newProject, newTask } from '../support/factories.ts'
import { type Caller, data, describeApi, overRest } from '../support/operations.ts'
import { addTo, type Person, signUpAdminAt, signUpAt } from '../support/people.ts'
import { sharedServer, type TestServer } from '../support/server.ts'

let server: TestServer
let admin: Caller
let owner: Person
let guest: Person
/** The owner's project, and one of the guest that the owner does not see. */
let projectId: string
let elsewhereId: string

beforeAll(async () => {
  server = await sharedServer()
  admin = await signUpAdminAt(server, 'ADMIN')
})

beforeEach(async () => {
  owner = await signUpAt(server, 'owner')
  guest = await signUpAt(server, 'guest')
  projectId = (await newProject(owner)).id
  elsewhereId = (await newProject(guest)).id
})

const join = (role: string) => addTo(owner, projectId, guest.email, role)
const here = () => newTask(owner, { projectId })
const elsewhere = () => newTask(guest, { projectId: elsewhereId })
const relate = (caller: Caller, one: { id: string }, type: string, other: { id: string }) =>
  overRest.createRelation(caller, one.id, { type, relatedTaskId: other.id })
const stored = (id: string) => server.db.taskRelation.count({ where: { id } })
async function send({ token }: Caller, call: string, body?: object): Promise<void> {
  const answer = await rest(server, call, { token, body })
  expect(answer.status, answer.text).toBeLessThan(300)
}
const setRole = (role: string) => send(owner, `PUT /projects/${projectId}/members/${guest.id}`, { role })
const leave = (from = projectId) => send(owner, `DELETE /projects/${from}/members/${guest.id}`)

describeApi('a relation between projects', (api) => {
  test.each(['BLOCKS', 'BLOCKED_BY', 'DUPLICATES', 'DUPLICATED_BY'])(
    'of type %s needs EDITOR on both',
    async (type) => {
      const [own, other] = [await elsewhere(), await here()]
      const make = () => api.createRelation(guest, own.id, { type, relatedTaskId: other.id })
      expectRefused(await make(), 'NOT_FOUND', ['relatedTaskId'])
      await join('VIEWER')
      expectRefused(await make(), 'FORBIDDEN', [])
      await setRole('COMMENTER')
      expectRefused(await make(), 'FORBIDDEN', [])
      await setRole('EDITOR')
      data(await make())
    },
  )

  test('of type RELATES_TO needs EDITOR on the first and VIEWER on the other', async () => {
    const [own, other] = [await elsewhere(), await here()]
    await join('VIEWER')
    data(await api.createRelation(guest, own.id, { type: 'RELATES_TO', relatedTaskId: other.id }))
    expectRefused(
      await api.createRelation(guest, other.id, { type: 'RELATES_TO', relatedTaskId: own.id }),
      'FORBIDDEN',
      [],
    )
  })

  test('does not count as a part of a cycle for who does not see it', async () => {
    await join('EDITOR')
    const [first, last, hidden] = [await here(), await here(), await elsewhere()]
    data(await api.createRelation(guest, first.id, { type: 'BLOCKS', relatedTaskId: hidden.id }))
    data(await api.createRelation(guest, hidden.id, { type: 'BLOCKS', relatedTaskId: last.id }))
    expectRefused(
      await api.createRelation(guest, last.id, { type: 'BLOCKS', relatedTaskId: first.id }),
      'VALIDATION_FAILED',
      ['relatedTaskId'],
    )
    expectRefused(
      await api.createRelation(admin, last.id, { type: 'BLOCKS', relatedTaskId: first.id }),
      'VALIDATION_FAILED',
      ['relatedTaskId'],
    )
    const made = data(await api.createRelation(owner, last.id, { type: 'BLOCKS', relatedTaskId: first.id }))
    expect(data(await api.listRelations(owner, last.id))).toEqual([made])
    // Relations that the owner sees still count.
    expectRefused(
      await api.createRelation(owner, first.id, { type: 'BLOCKS', relatedTaskId: last.id }),
      'VALIDATION_FAILED',
      ['relatedTaskId'],
    )
  })
})

describe('when a member leaves a project', () => {
  test('their relations to other projects end, with an event in both, and all others stay', async () => {
    await join('EDITOR')
    const [task, second, own] = [await here(), await here(), await elsewhere()]
    const ended = [
      data(await relate(guest, own, 'BLOCKS', task)),
      data(await relate(guest, task, 'DUPLICATES', own)),
      data(await relate(guest, own, 'RELATES_TO', second)),
    ]
    const inside = data(await relate(guest, task, 'BLOCKS', second))
    const third = (await newProject(owner)).id
    const ofOwner = data(await relate(owner, task, 'BLOCKS', await newTask(owner, { projectId: third })))
    const cursor = await cursorOf(admin)
    await leave()
    for (const { id } of ended) expect(await stored(id)).toBe(0)
    for (const { id } of [inside, ofOwner]) expect(await stored(id)).toBe(1)
    const deleted = (await eventsSince(admin, cursor)).filter(({ type }) => type === 'relation.deleted')
    expect(deleted.map(({ subjectId, projectId: project }) => `${subjectId} ${project}`).sort()).toEqual(
      ended.flatMap(({ id }) => [projectId, elsewhereId].map((project) => `${id} ${project}`)).sort(),
    )
    for (const { actorId, changes } of deleted) expect({ actorId, changes }).toEqual({ actorId: owner.id, changes: {} })
    expect(await relate(guest, own, 'BLOCKS', task)).toMatchObject({ error: { code: 'NOT_FOUND' } })
  })

  test('their relations end too if it is the other project that they leave', async () => {
    await join('EDITOR')
    await addTo(guest, elsewhereId, owner.email, 'OWNER')
    const relation = data(await relate(guest, await elsewhere(), 'BLOCKS', await here()))
    await leave(elsewhereId)
    expect(await stored(relation.id)).toBe(0)
  })

  test('their relations end with the account', async () => {
    await join('EDITOR')
    const relation = data(await relate(guest, await elsewhere(), 'BLOCKS', await here()))
    await send(admin, `DELETE /users/${guest.id}`)
    expect(await stored(relation.id)).toBe(0)
  })

  test('no relation that they make at the same time is left', async () => {
    for (let round = 0; round < 5; round++) {
      await join('EDITOR')
      const [own, ...tasks] = [await elsewhere(), ...(await atOnce(8, here))]
      const [, ...outcomes] = await Promise.all([leave(), ...tasks.map((task) => relate(guest, own, 'BLOCKS', task))])
      for (const { error } of outcomes) if (error) expect(error.code).toBe('NOT_FOUND')
      expect(await server.db.taskRelation.count({ where: { sourceId: own.id } })).toBe(0)
    }
  })
})
