import { generateKeyBetween } from 'fractional-indexing'
import { beforeAll, expect, test } from 'vitest'
import { graphql, rest } from '../support/clients.ts'
import { atOnce, cursorOf, eventsSince, newProject, newTask, readTask } from '../support/factories.ts'
import { type Caller, ifMatch } from '../support/operations.ts'
import { addTo, type Person, signUpAdminAt, signUpAt } from '../support/people.ts'
import { sharedServer, type TestServer } from '../support/server.ts'

let server: TestServer
let owner: Person
let editor: Person

beforeAll(async () => {
  server = await sharedServer()
  owner = await signUpAdminAt(server, 'Owner')
  editor = await signUpAt(server, 'Editor')
})

// biome-ignore lint/suspicious/noExplicitAny: tests assert the shape they expect
type Task = any

/** Creates a project with these tasks, in this order. */
async function board(...titles: string[]) {
  const { id } = await newProject(owner)
  await addTo(owner, id, editor.email, 'EDITOR')
  const tasks: Record<string, Task> = {}
  for (const title of titles) tasks[title] = await newTask(owner, { projectId: id, title })
  return { id: id as string, tasks }
}

const drag = (task: Task, body: object, headers: Record<string, string> = {}, caller: Caller = editor) =>
  rest(server, `POST /tasks/${task.id}/position`, { token: caller.token!, body, headers })

async function titles(projectId: string, more = '', order = 'rank', caller: Caller = owner): Promise<string[]> {
  const { body } = await rest(server, `GET /tasks?projectId=${projectId}&orderBy=${order}&limit=100${more}`, {
    token: caller.token,
  })
  return body.nodes.map(({ title }: Task) => title)
}

test('tasks are created at the end of their project, one by one, in batches and when they move', async () => {
  const { id, tasks } = await board('A', 'B')
  const items = ['C', 'D', 'E'].map((title) => ({ title, projectId: id }))
  await rest(server, 'POST /tasks/bulk', { token: owner.token, body: { items } })
  const other = await board('F', 'G')
  const { body: moved } = await rest(server, `POST /tasks/${other.tasks.F.id}/move`, {
    token: owner.token,
    body: { projectId: id },
  })
  expect(moved.rank).not.toBe(other.tasks.F.rank)
  await rest(server, `POST /tasks/${tasks.A.id}/duplicate`, { token: owner.token, body: { title: 'H' } })
  expect(await titles(id)).toEqual(['A', 'B', 'C', 'D', 'E', 'F', 'H'])
  expect(await titles(id, '', 'rank:desc')).toEqual(['H', 'F', 'E', 'D', 'C', 'B', 'A'])
  const query = `query ($id: ID!) { tasks(filter: { projectId: $id }, orderBy: [{ field: RANK }], first: 4) {
    nodes { title } pageInfo { endCursor } } }`
  const { data } = await graphql(server, query, { id }, { token: owner.token })
  const after = `&after=${data.tasks.pageInfo.endCursor}`
  expect([...data.tasks.nodes.map(({ title }: Task) => title), ...(await titles(id, after))]).toHaveLength(7)
  expect(await titles(id, after)).toEqual(['E', 'F', 'H'])
})

test('a task is put before, after and between others, or at the end of a column, and no other task changes', async () => {
  const { id, tasks } = await board('A', 'B', 'C', 'D')
  const { A, B, C, D } = tasks
  const cursor = await cursorOf(owner)
  expect((await drag(D, { beforeId: A.id })).body).toMatchObject({ title: 'D', version: 2, status: 'PENDING' })
  expect(await titles(id)).toEqual(['D', 'A', 'B', 'C'])
  await drag(D, { afterId: A.key })
  expect(await titles(id)).toEqual(['A', 'D', 'B', 'C'])
  await drag(C, { afterId: A.id, beforeId: D.id })
  expect(await titles(id)).toEqual(['A', 'C', 'D', 'B'])
  const { body } = await drag(A, { status: 'COMPLETED' })
  expect(body).toMatchObject({ status: 'COMPLETED', completedAt: expect.any(String), version: 2 })
  expect(await titles(id)).toEqual(['C', 'D', 'B', 'A'])
  expect(await titles(id, '&status=PENDING')).toEqual(['C', 'D', 'B'])
  const mutation = `mutation ($id: ID!, $input: RepositionTaskInput!) { repositionTask(id: $id, input: $input) { rank status } }`
  const variables = { id: C.id, input: { beforeId: A.id, afterId: B.id, status: 'IN_PROGRESS' } }
  const { data } = await graphql(server, mutation, variables, { token: editor.token })
  expect(data.repositionTask.status).toBe('IN_PROGRESS')
  expect(await titles(id)).toEqual(['D', 'B', 'C', 'A'])
  expect(await newTask(owner, { projectId: id, title: 'E' }).then(() => titles(id))).toEqual(['D', 'B', 'C', 'A', 'E'])

  expect((await readTask(owner, B.id)).version).toBe(1)
  const events = await eventsSince(owner, cursor, A.id)
  expect(events).toMatchObject([{ type: 'task.updated', version: 2, actorId: editor.id }])
  expect(events[0]!.changes).toMatchObject({ rank: [A.rank, body.rank], status: ['PENDING', 'COMPLETED'] })
})

test('a task that is in its place already keeps its rank and version', async () => {
  const { tasks } = await board('A', 'B', 'C')
  const { A, B, C } = tasks
  for (const place of [{ afterId: A.id }, { beforeId: C.id }, { afterId: A.id, beforeId: C.id }])
    expect((await drag(B, place)).body).toMatchObject({ rank: B.rank, version: 1 })
  expect((await drag(C, {})).body).toMatchObject({ rank: C.rank, version: 1 })
  expect((await drag(A, { beforeId: B.id })).body).toMatchObject({ rank: A.rank, version: 1 })
})

test('neighbours must be two other live tasks of the project that the viewer sees, in their order', async () => {
  const { tasks } = await board('A', 'B', 'C', 'D')
  const { A, B, C, D } = tasks
  const hidden = await newTask(owner, { title: 'Hidden' })
  const elsewhere = await newTask(editor, { title: 'Elsewhere' })
  await rest(server, `DELETE /tasks/${D.id}`, { token: owner.token })
  const refused = async (body: object) => {
    const answer = await drag(A, body)
    const errors = answer.body.errors.map(({ path, code, message }: Task) => [path.join('.'), code, message])
    return [answer.status, ...errors]
  }
  expect(await refused({ beforeId: hidden.id, afterId: D.key })).toEqual([
    404,
    ['body.beforeId', 'not_found', `Task "${hidden.id}" does not exist or you cannot see it.`],
    ['body.afterId', 'not_found', `Task "${D.key}" does not exist or you cannot see it.`],
  ])
  expect(await refused({ afterId: elsewhere.id, beforeId: A.key.toLowerCase() })).toEqual([
    422,
    ['body.beforeId', 'same_task', 'is the task itself: name another task'],
    ['body.afterId', 'another_project', 'is a task of another project'],
  ])
  expect(await refused({ afterId: B.id, beforeId: B.key })).toEqual([
    422,
    ['body.afterId', 'same_task', 'is the same task as beforeId'],
  ])
  expect(await refused({ afterId: C.id, beforeId: B.id })).toMatchObject([
    422,
    ['body.afterId', 'order', expect.any(String)],
  ])
  expect((await drag(B, { afterId: C.id }, ifMatch(7)!)).status).toBe(412)
  expect((await drag(B, { afterId: C.id }, ifMatch(1)!)).body.version).toBe(2)
})

test('fifty concurrent drags to one spot give everyone the same order, and change no other task', async () => {
  const dragged = Array.from({ length: 50 }, (_, index) => `Dragged ${index}`)
  const { id, tasks } = await board('A', 'B')
  const items = dragged.map((title) => ({ title, projectId: id }))
  const { body } = await rest(server, 'POST /tasks/bulk', { token: owner.token, body: { items } })
  const moving: Task[] = body.outcomes.map(({ task }: Task) => task)
  const answers = await atOnce(50, (index) => drag(moving[index], { afterId: tasks.A.id, beforeId: tasks.B.id }))
  expect(answers.filter(({ status }) => status !== 200)).toEqual([])
  const all = await server.db.task.findMany({ where: { projectId: id } })
  expect(new Set(all.map(({ rank }) => rank)).size).toBe(52)
  const sorted = [...all].sort((a, b) => (a.rank < b.rank ? -1 : 1)).map(({ title }) => title)
  expect([sorted[0], sorted.at(-1)]).toEqual(['A', 'B'])
  const orders = await Promise.all([
    titles(id),
    titles(id, '', 'rank', editor),
    titles(id, '', 'rank:desc').then((one) => one.reverse()),
  ])
  for (const order of orders) expect(order).toEqual(sorted)
  expect(all.filter(({ title }) => /^[AB]$/.test(title)).map(({ rank, version }) => [rank, version])).toEqual([
    [tasks.A.rank, 1],
    [tasks.B.rank, 1],
  ])
})

test('2,000 drags to one spot make ranks of 343 characters, and to an end of 9', () => {
  const [first, second] = ['h00000100', 'h00000200']
  let spot = second
  for (let drags = 0; drags < 2_000; drags++) spot = generateKeyBetween(first, spot)
  expect(spot.length).toBe(343)
  let [top, end] = [first, first]
  for (let drags = 0; drags < 2_000; drags++) {
    top = generateKeyBetween(null, top)
    end = generateKeyBetween(end, second)
  }
  expect([top.length, end.length]).toEqual([9, 9])
})

test('where no rank is left between two tasks, the answer says which one to move', async () => {
  const { tasks } = await board('A', 'B', 'C')
  const { A, B, C } = tasks
  await server.db.task.update({ where: { id: B.id }, data: { rank: `${A.rank}${'0'.repeat(990)}1` } })
  const { status, body } = await drag(C, { afterId: A.id, beforeId: B.id })
  const detail = `There is no room left in this place. Move ${A.key} to another place first.`
  expect([status, body.code, body.detail]).toEqual([409, 'CONFLICT', detail])
  expect((await drag(A, { afterId: B.id })).status).toBe(200)
  expect((await drag(C, { beforeId: B.id })).body.rank).toBe(A.rank)
})
