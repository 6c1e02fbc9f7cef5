import { beforeAll, expect, test } from 'vitest'
import { graphql, rest } from '../support/clients.ts'
import { type Cast, newCast, newLabel, newProject, newTask } from '../support/factories.ts'
import { textFile } from '../support/files.ts'
import type { Caller } from '../support/operations.ts'
import { sharedServer, type TestServer } from '../support/server.ts'

let server: TestServer
let cast: Cast
let owner: Caller

beforeAll(async () => {
  server = await sharedServer()
  cast = await newCast(server)
  owner = cast.people.OWNER
})

async function call(caller: Caller, request: string, body?: object) {
  const answer = await rest(server, request, { token: caller.token, body })
  if (answer.status >= 300) throw new Error(`${request} answered ${answer.status} ${answer.text}`)
  return answer.body
}

interface Shown {
  type: string
  text: string
  changes: { field: string; from: unknown; to: unknown }[]
  actorId: string | null
}

const activityOf = async (caller: Caller, path: string): Promise<Shown[]> =>
  (await call(caller, `GET ${path}/activity?limit=100`)).nodes

/** Returns the sentences, oldest first, with names that tests can state. */
async function textsOf(caller: Caller, path: string): Promise<string[]> {
  const texts = (await activityOf(caller, path)).map(({ text }) => text)
  return texts.reverse()
}

test('a task’s activity says who changed what from what to what, newest first', async () => {
  const { EDITOR, COMMENTER } = cast.people
  const label = await newLabel(owner, cast.projectId, 'bug')
  const task = await newTask(owner, { projectId: cast.projectId, title: 'Write docs' })
  const other = await newTask(owner, { projectId: cast.projectId, title: 'Other' })
  const path = `/tasks/${task.key}`
  await call(EDITOR, `PATCH ${path}`, { status: 'COMPLETED' })
  await call(EDITOR, `PATCH ${path}`, { priority: 5, assigneeIds: [EDITOR.id, COMMENTER.id], labelIds: [label.id] })
  await call(EDITOR, `PATCH ${path}`, { assigneeIds: [COMMENTER.id], dueAt: '2030-01-02T03:04:05.000Z' })
  await call(EDITOR, `PATCH ${path}`, { title: 'Write  the docs', dueAt: null, parentId: other.key })
  const made = await call(COMMENTER, `POST ${path}/comments`, { body: 'Looks\ngood' })
  await call(COMMENTER, `PATCH /comments/${made.id}`, { body: 'Looks better' })
  await call(COMMENTER, `DELETE /comments/${made.id}`)
  const relation = await call(owner, `POST ${path}/relations`, { type: 'BLOCKS', relatedTaskId: other.id })
  await call(owner, `DELETE ${path}/relations/${relation.id}`)
  await call(EDITOR, `DELETE ${path}`)
  await call(EDITOR, `POST ${path}/restore`)
  const { nodes } = await call(owner, `GET ${path}/activity?limit=100`)
  expect(nodes.map(({ text }: Shown) => text).reverse()).toEqual([
    'OWNER created the task "Write docs".',
    'EDITOR changed the status from PENDING to COMPLETED.',
    'EDITOR changed the priority from 1 to 5, assigned EDITOR and COMMENTER and added the label bug.',
    'EDITOR set the due date to 2030-01-02T03:04:05.000Z and unassigned EDITOR.',
    `EDITOR changed the title from "Write docs" to "Write the docs", removed the due date 2030-01-02T03:04:05.000Z and set the parent to ${other.key}.`,
    'COMMENTER commented: "Looks good".',
    'COMMENTER edited a comment from "Looks good" to "Looks better".',
    'COMMENTER deleted a comment.',
    `OWNER noted that ${task.key} blocks ${other.key}.`,
    `OWNER removed the relation between ${task.key} and ${other.key}.`,
    'EDITOR moved the task to the trash.',
    'EDITOR restored the task from the trash.',
  ])
  expect(nodes.at(-2)).toMatchObject({
    type: 'task.updated',
    actorId: EDITOR.id,
    actorName: 'EDITOR',
    taskId: task.id,
    subjectId: task.id,
    projectId: cast.projectId,
    changes: expect.arrayContaining([{ field: 'status', from: 'PENDING', to: 'COMPLETED' }]),
  })
  expect(nodes.at(-3).changes).toEqual([
    { field: 'priority', from: 1, to: 5 },
    { field: 'assignees', from: [], to: ['EDITOR', 'COMMENTER'] },
    { field: 'labels', from: [], to: ['bug'] },
  ])
  // The relation is in the activity of both tasks.
  expect((await textsOf(owner, `/tasks/${other.id}`)).slice(1)).toEqual([
    `OWNER noted that ${task.key} blocks ${other.key}.`,
    `OWNER removed the relation between ${task.key} and ${other.key}.`,
  ])
})

test('a project’s activity names its tasks, and shows members, labels and the project itself', async () => {
  const { EDITOR, VIEWER } = cast.people
  const { id, key } = await newProject(owner, { name: 'Web' })
  const path = `/projects/${id}`
  await call(owner, `POST ${path}/members`, { email: EDITOR.email, role: 'EDITOR' })
  await call(owner, `POST ${path}/members`, { email: VIEWER.email, role: 'VIEWER' })
  await call(owner, `PUT ${path}/members/${VIEWER.id}`, { role: 'COMMENTER' })
  await call(owner, `POST ${path}/labels`, { name: 'bug' })
  const task = await newTask(EDITOR, { projectId: id, title: 'Fix it', assigneeIds: [VIEWER.id] })
  await call(owner, `POST /tasks/${task.id}/comments`, { body: `@${EDITOR.email} please` })
  await call(VIEWER, `POST ${path}/leave`)
  await call(owner, `DELETE ${path}/members/${EDITOR.id}`)
  await call(owner, `PATCH ${path}`, { name: 'Website' })
  await call(owner, `POST ${path}/archive`)
  await call(owner, `POST ${path}/unarchive`)
  const { id: there } = await newProject(owner)
  await call(owner, `POST /tasks/${task.id}/move`, { projectId: there })
  expect(await textsOf(owner, path)).toEqual([
    'OWNER created the project.',
    'OWNER joined as OWNER.',
    'OWNER added EDITOR as EDITOR.',
    'OWNER added VIEWER as VIEWER.',
    'OWNER changed the role of VIEWER from VIEWER to COMMENTER.',
    'OWNER created the label "bug".',
    `EDITOR created ${key}-1 "Fix it".`,
    expect.stringMatching(/^OWNER commented on \w+-1: "@.* please"\.$/),
    `VIEWER unassigned VIEWER on ${key}-1.`,
    'VIEWER left the project.',
    'OWNER removed EDITOR from the project.',
    'OWNER changed the name from "Web" to "Website" on the project.',
    'OWNER archived the project.',
    'OWNER unarchived the project.',
    `OWNER moved ${key}-1 "Fix it" to another project.`,
  ])
})

test('files are named when they are attached and deleted', async () => {
  const task = await newTask(owner, { projectId: cast.projectId })
  const file = { token: owner.token, body: textFile('Some notes', 'plan.pdf') }
  const { body } = await rest(server, `POST /tasks/${task.id}/attachments`, file)
  await call(owner, `DELETE /attachments/${body.id}`)
  expect((await textsOf(owner, `/tasks/${task.id}`)).slice(1)).toEqual([
    'OWNER attached plan.pdf.',
    'OWNER deleted the attachment plan.pdf.',
  ])
  expect((await textsOf(owner, `/projects/${cast.projectId}`)).slice(-2)).toEqual([
    `OWNER attached plan.pdf to ${task.key}.`,
    `OWNER deleted the attachment plan.pdf of ${task.key}.`,
  ])
})

test('nothing of a project that the viewer does not see is shown', async () => {
  const { EDITOR } = cast.people
  const hidden = await newProject(owner, { name: 'Hidden project' })
  const task = await newTask(owner, { projectId: hidden.id, title: 'Secret title' })
  const visible = await newTask(owner, { projectId: cast.projectId, title: 'Visible' })
  await call(owner, `POST /tasks/${visible.id}/relations`, { type: 'BLOCKS', relatedTaskId: task.id })
  const seen = JSON.stringify(await activityOf(EDITOR, `/tasks/${visible.id}`))
  expect(seen).toContain(`OWNER noted that ${visible.key} blocks a task of another project.`)
  expect(seen).not.toContain(hidden.key)
  expect(seen).not.toContain('Secret')
  // What happened to a task before it moved here stays in its earlier project.
  await call(owner, `POST /tasks/${task.id}/move`, { projectId: cast.projectId })
  expect((await textsOf(EDITOR, `/tasks/${task.id}`)).at(0)).toMatch(
    /^OWNER moved the task here from another project, as /,
  )
  expect(await textsOf(owner, `/tasks/${task.id}`)).toContain('OWNER created the task "Secret title".')
})

test('long texts are cut, and pages follow one another in both directions', async () => {
  const { id } = await newTask(owner, { projectId: cast.projectId, title: 'Paged' })
  for (const letter of ['a', 'b', 'c'])
    await call(owner, `PATCH /tasks/${id}`, { description: `${letter}${'😀'.repeat(250)}` })
  const path = `GET /tasks/${id}/activity`
  const all = await call(owner, `${path}?include=totalCount`)
  expect(all.totalCount).toBe(4)
  expect(all.nodes[0].text).toMatch(/^OWNER changed the description from "b(😀){78}…" to "c(😀){78}…"\.$/u)
  expect([...all.nodes[0].changes[0].to]).toHaveLength(200)
  const first = await call(owner, `${path}?limit=3`)
  const second = await call(owner, `${path}?limit=3&after=${first.pageInfo.endCursor}`)
  expect([...first.nodes, ...second.nodes]).toEqual(all.nodes)
  expect(second.pageInfo.hasNextPage).toBe(false)
  const back = await call(owner, `${path}?limit=2&before=${second.pageInfo.startCursor}`)
  expect(back.nodes).toEqual(all.nodes.slice(1, 3))
})

test('many tasks show pages of their own, through their project too', async () => {
  const { id } = await newProject(owner)
  for (const title of ['One', 'Two']) {
    const task = await newTask(owner, { projectId: id, title })
    await call(owner, `PATCH /tasks/${task.id}`, { priority: 3 })
  }
  const query = `query ($id: ID!) {
    project(id: $id) { activity(first: 2) { totalCount nodes { text actor { name } } } }
    tasks(filter: { projectId: $id }) { nodes { activity(first: 1) { totalCount nodes { text } pageInfo { hasNextPage } } } }
  }`
  const { data, errors } = await graphql(server, query, { id }, { token: owner.token })
  expect(errors).toBeUndefined()
  expect(data.project.activity).toEqual({
    totalCount: 6,
    nodes: [
      { text: expect.stringContaining('changed the priority from 1 to 3 on '), actor: { name: 'OWNER' } },
      { text: expect.stringContaining(' "Two"'), actor: { name: 'OWNER' } },
    ],
  })
  const page = {
    totalCount: 2,
    nodes: [{ text: 'OWNER changed the priority from 1 to 3.' }],
    pageInfo: { hasNextPage: true },
  }
  expect(data.tasks.nodes).toEqual([{ activity: page }, { activity: page }])
})
