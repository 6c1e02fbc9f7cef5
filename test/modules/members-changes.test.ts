import { beforeAll, describe, expect, test } from 'vitest'
import { eventStream, subscribe, websocketClient } from '../support/clients.ts'
import { type Caller, data, overRest, refusal } from '../support/operations.ts'
import { addTo, describePeople, type Person, shape, signUpAdminAt, signUpAt } from '../support/people.ts'
import { makeUser } from '../support/rows.ts'
import { sharedServer, type TestServer } from '../support/server.ts'

let server: TestServer
let admin: Person

beforeAll(async () => {
  server = await sharedServer()
  admin = await signUpAdminAt(server)
})

const newUser = (name = 'Test Person') => signUpAt(server, name)
const newProject = async (owner: Caller): Promise<string> =>
  data(await overRest.createProject(owner, { name: 'Shared' })).id

/** Adds a new user to the project as an extra member. */
async function extra(projectId: string, role = 'VIEWER') {
  const user = await makeUser(server.db)
  await addTo(admin, projectId, user.email, role)
  return user
}

const membersIn = async (projectId: string) =>
  Object.fromEntries(
    (await server.db.membership.findMany({ where: { projectId } })).map(({ userId, role }) => [userId, role]),
  )

describePeople('leaving a project', (api) => {
  test('a removed member no longer finds the project or anything in it', async () => {
    const [owner, friend] = [await newUser(), await newUser()]
    const projectId = await newProject(owner)
    await addTo(admin, projectId, friend.email, 'OWNER')
    const task = data(await overRest.createTask(friend, { projectId, title: 'A' }))
    const before = data(await api.listMembers(owner, projectId)).nodes[1]
    const answer = data(await api.removeMember(owner, projectId, friend.id))
    expect(answer).toEqual(api.protocol === 'REST' ? undefined : before)
    for (const outcome of [
      await overRest.getProject(friend, projectId),
      await overRest.getTask(friend, task.id),
      await overRest.createTask(friend, { projectId, title: 'B' }),
      await overRest.listEvents(friend, { projectId }),
      await api.listMembers(friend, projectId),
      await api.removeMember(friend, projectId, owner.id),
    ]) {
      expect(refusal(outcome).code, outcome.exchange).toBe('NOT_FOUND')
    }
    expect(data(await overRest.listTasks(friend)).nodes).toEqual([])
    expect(refusal(await api.removeMember(owner, projectId, friend.id)).fields).toEqual(['userId'])
    expect(await membersIn(projectId)).toEqual({ [owner.id]: 'OWNER' })
  })

  test('nobody, not even an ADMIN, can demote or remove the last OWNER', async () => {
    const owner = await newUser()
    const projectId = await newProject(owner)
    await extra(projectId, 'EDITOR')
    for (const caller of [owner, admin]) {
      for (const outcome of [
        await api.setMember(caller, projectId, owner.id, { role: 'EDITOR' }),
        await api.removeMember(caller, projectId, owner.id),
      ]) {
        const refused = refusal(outcome)
        expect(shape(refused), refused.exchange).toEqual({ code: 'CONFLICT', fields: ['userId'] })
      }
    }
    expect(data(await api.setMember(owner, projectId, owner.id, { role: 'OWNER' })).version).toBe(1)
    const second = await extra(projectId, 'OWNER')
    expect((await api.removeMember(owner, projectId, owner.id)).error).toBeUndefined()
    expect((await membersIn(projectId))[second.id]).toBe('OWNER')
  })

  test('one OWNER remains when two demote or remove each other at once', async () => {
    const [one, other] = [await newUser('One'), await newUser('Other')]
    const projectId = await newProject(one)
    await addTo(admin, projectId, other.email, 'OWNER')
    const attacks = [
      (by: Person, whom: Person) => api.setMember(by, projectId, whom.id, { role: 'VIEWER' }),
      (by: Person, whom: Person) => api.removeMember(by, projectId, whom.id),
    ]
    const codes: (string | undefined)[] = []
    for (let round = 0; round < 60; round++) {
      const outcomes = await Promise.all([
        attacks[round % 2]!(one, other),
        attacks[Math.floor(round / 2) % 2]!(other, one),
      ])
      const members = await membersIn(projectId)
      const owners = [one, other].filter(({ id }) => members[id] === 'OWNER')
      expect(owners, outcomes.map((outcome) => outcome.exchange).join('\n')).toHaveLength(1)
      codes.push(...outcomes.map((outcome) => outcome.error?.code))
      const lost = owners[0] === one ? other : one
      if (members[lost.id] === undefined) await addTo(admin, projectId, lost.email, 'OWNER')
      else data(await api.setMember(admin, projectId, lost.id, { role: 'OWNER' }))
    }
    expect(codes.filter((code) => code === undefined)).toHaveLength(60)
    // A request that comes second is no longer from an OWNER, or not even from a member.
    expect(new Set(codes)).toContain('CONFLICT')
    expect(codes.filter((code) => !['CONFLICT', 'FORBIDDEN', 'NOT_FOUND', undefined].includes(code))).toEqual([])
  })

  test('every change logs an event with its actor', async () => {
    const [owner, friend] = [await newUser(), await newUser()]
    const projectId = await newProject(owner)
    const { cursor } = data(await overRest.eventCursor(owner))
    data(await api.addMember(owner, projectId, { email: friend.email, role: 'VIEWER' }))
    data(await api.setMember(admin, projectId, friend.id, { role: 'OWNER' }))
    data(await api.setMember(admin, projectId, friend.id, { role: 'OWNER' }))
    expect((await api.removeMember(friend, projectId, owner.id)).error).toBeUndefined()
    const { nodes } = data(await overRest.listEvents(friend, { after: cursor, projectId }))
    expect(nodes).toMatchObject([
      {
        type: 'member.added',
        subjectId: friend.id,
        actor: { id: owner.id },
        version: 1,
        changes: [{ field: 'role', from: null, to: 'VIEWER' }],
      },
      {
        type: 'member.updated',
        subjectId: friend.id,
        actor: { id: admin.id },
        version: 2,
        changes: [{ field: 'role', from: 'VIEWER', to: 'OWNER' }],
      },
      { type: 'member.removed', subjectId: owner.id, actor: { id: friend.id }, changes: [] },
    ])
    expect(nodes).toHaveLength(3)
  })

  test('an ADMIN can add an OWNER to the project of a deleted user', async () => {
    const [gone, heir] = [await newUser(), await newUser()]
    const projectId = await newProject(gone)
    expect((await api.deleteUser(admin, gone.id)).error).toBeUndefined()
    expect(data(await api.listMembers(admin, projectId)).nodes).toEqual([])
    data(await api.addMember(admin, projectId, { email: heir.email, role: 'OWNER' }))
    data(await overRest.getProject(heir, projectId))
  })

  describe('an open stream', () => {
    const SUBSCRIPTION = `subscription ($after: String) { taskEvents(after: $after) { taskId } }`

    test.each(['removed', 'removed directly in the database'])(
      'hides a project from a member who is %s, and shows a project they join',
      async (how) => {
        const [owner, friend] = [await newUser(), await newUser()]
        const [projectId, next] = [await newProject(owner), await newProject(owner)]
        await addTo(admin, projectId, friend.email, 'VIEWER')
        const write = async (caller: Caller, to: string | undefined) =>
          data(await overRest.createTask(caller, { title: 'A', ...(to && { projectId: to }) })).id as string
        // Subscriptions are not acknowledged: the cursor ensures a slow start misses nothing.
        const { cursor } = data(await overRest.eventCursor(friend))
        const sse = await eventStream(server, `/tasks/events?after=${cursor}`, friend)
        const socket = subscribe(websocketClient(server, friend.token), SUBSCRIPTION, { after: cursor })
        const both = async () => [
          (await sse.inbox.next()).data.taskId,
          (await socket.inbox.next()).data.taskEvents.taskId,
        ]
        const first = await write(owner, projectId)
        expect(await both()).toEqual([first, first])

        if (how === 'removed') expect((await api.removeMember(owner, projectId, friend.id)).error).toBeUndefined()
        else await server.db.membership.deleteMany({ where: { projectId, userId: friend.id } })
        await write(owner, projectId)
        await write(owner, next)
        const own = await write(friend, undefined)
        expect(await both()).toEqual([own, own])

        data(await api.addMember(owner, next, { email: friend.email, role: 'VIEWER' }))
        const shown = await write(owner, next)
        expect(await both()).toEqual([shown, shown])
        expect([sse.inbox.size, socket.inbox.size]).toEqual([0, 0])
      },
    )

    test('keeps showing a project to a member whose role changes', async () => {
      const [owner, friend] = [await newUser(), await newUser()]
      const projectId = await newProject(owner)
      await addTo(admin, projectId, friend.email, 'EDITOR')
      const { inbox } = await eventStream(server, '/tasks/events', friend)
      data(await api.setMember(owner, projectId, friend.id, { role: 'VIEWER' }))
      const shown = data(await overRest.createTask(owner, { projectId, title: 'Shown' }))
      data(await overRest.createTask(friend, { title: 'In the Inbox' }))
      expect((await inbox.next()).data.taskId).toBe(shown.id)
    })
  })
})
