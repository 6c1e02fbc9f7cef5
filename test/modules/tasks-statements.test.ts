import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { graphql, rest } from '../support/clients.ts'
import { onPostgres } from '../support/database.ts'
import { type RecordedServer, recordedServer } from '../support/recorded-server.ts'
import { signUp } from '../support/server.ts'
import { OF_THE_SERVER } from '../support/statements.ts'
import { until } from '../support/wait.ts'

/**
 * Pins the number of SQL statements of each operation, whatever the number of rows. A list is one
 * statement, with its rows and their relations. Authentication needs none while the viewer is
 * cached, so its statement is not counted.
 */
describe.runIf(onPostgres)('the number of SQL statements', () => {
  let server: RecordedServer
  let token: string
  let few: string
  let many: string
  let label: string

  beforeAll(async () => {
    server = await recordedServer()
    const user = await signUp(server)
    token = user.token
    const project = async (name: string, size: number) => {
      const { body } = await rest(server, 'POST /projects', { token, body: { name } })
      const made = await rest(server, `POST /projects/${body.id}/labels`, { token, body: { name: 'bug' } })
      label = made.body.id
      const links = { projectId: body.id, labelIds: [made.body.id], assigneeIds: [user.id] }
      const items = Array.from({ length: size }, (_, index) => ({ title: `Task ${index}`, ...links }))
      const { body: batch } = await rest(server, 'POST /tasks/bulk', { token, body: { items } })
      const [first, ...others] = batch.outcomes.map((outcome: { task: { id: string } }) => outcome.task.id)
      await server.db.task.updateMany({ where: { id: { in: others } }, data: { parentId: first } })
      await server.db.taskRelation.createMany({
        data: others.map((targetId: string) => ({ type: 'BLOCKS' as const, sourceId: first, targetId })),
      })
      return body.id as string
    }
    few = await project('Few', 3)
    many = await project('Many', 60)
    await rest(server, 'GET /events/cursor', { token })
  })
  afterAll(() => server?.close())

  async function statementsOf(send: () => Promise<{ text?: string; errors?: unknown; status: number }>) {
    const { result, statements } = (await server.recorder?.during(send)) ?? { result: undefined, statements: [] }
    expect(result?.status, JSON.stringify(result)).toBe(200)
    expect(result?.errors).toBeUndefined()
    return statements.filter((sql) => !OF_THE_SERVER.test(sql))
  }

  test.each<[string, number, (projectId: string) => string]>([
    ['for all visible tasks', 1, () => ''],
    ['for a project', 1, (id) => `&projectId=${id}`],
    ['in another order', 1, (id) => `&projectId=${id}&orderBy=priority:desc&orderBy=dueAt`],
    ['with its count', 2, (id) => `&projectId=${id}&include=totalCount`],
    ['for a label', 2, () => `&labelId=${label}`],
    ['for tasks assigned to me', 1, () => '&assigneeId=me'],
    ['for a search', 2, () => '&search=task'],
    ['for a search in a project', 3, (id) => `&search=task&projectId=${id}`],
    ['for a search in another order', 2, () => '&search=task&orderBy=createdAt'],
    ['for a filter with many conditions', 1, () => `&filter=${encodeURIComponent(JSON.stringify(CONDITIONS))}`],
    ['with project', 1, (id) => `&projectId=${id}&include=project`],
    ['with labels', 1, (id) => `&projectId=${id}&include=labels`],
    ['with assignees', 1, (id) => `&projectId=${id}&include=assignees`],
    ['with parents', 1, (id) => `&projectId=${id}&include=parent`],
    ['with sub-tasks counted', 2, (id) => `&projectId=${id}&include=subtaskProgress`],
    ['with relations', 2, (id) => `&projectId=${id}&include=relations`],
    ['with all of these', 3, (id) => `&projectId=${id}&include=${RELATIONS}`],
  ])('over REST %s is %i', async (_what, expected, query) => {
    for (const id of [few, many]) {
      for (const limit of [2, 100]) {
        const call = `GET /tasks?limit=${limit}${query(id)}`
        const statements = await statementsOf(() => rest(server, call, { token }))
        expect(statements, `${call} issued\n${statements.join('\n')}`).toHaveLength(expected)
      }
    }
  })

  test('over GraphQL with nested relations is at most 10 for any number of rows', async () => {
    const query = `query ($projectId: ID!, $first: Int) { tasks(filter: { projectId: $projectId }, first: $first) { nodes {
      key project { name } labels { name } assignees { name } creator { name } subtaskProgress { total completed }
      parent { key labels { name } } relations { type relatedTask { key project { name } } } } } }`
    for (const projectId of [few, many]) {
      for (const first of [2, 60]) {
        const statements = await statementsOf(() => graphql(server, query, { projectId, first }, { token }))
        // Data for nested relations is loaded in one batch or two.
        expect(statements.length, statements.join('\n')).toBeLessThanOrEqual(10)
      }
    }
  })

  test('of the comments of tasks is one for their pages and one for their counts', async () => {
    const query = `query ($projectId: ID!, $first: Int) { tasks(filter: { projectId: $projectId }, first: $first) { nodes {
      comments(first: 3) { nodes { body authorId } pageInfo { hasNextPage } totalCount } } } }`
    for (const first of [2, 60]) {
      const variables = { projectId: many, first }
      const statements = await statementsOf(() => graphql(server, query, variables, { token }))
      expect(statements, statements.join('\n')).toHaveLength(3)
    }
  })

  test('of a drag is 6 between its begin and commit, and of overdue tasks one more than of others, for the time zone', async () => {
    for (const id of [few, many]) {
      const { body } = await rest(server, `GET /tasks?limit=3&orderBy=rank&projectId=${id}`, { token })
      const [first, , third] = body.nodes
      const place = { token, body: { afterId: first.id } }
      const drag = await statementsOf(() => rest(server, `POST /tasks/${third.id}/position`, place))
      expect(
        drag.filter((sql) => !/^(BEGIN|COMMIT)/.test(sql)),
        drag.join('\n'),
      ).toHaveLength(6)
      const overdue = await statementsOf(() => rest(server, `GET /tasks?projectId=${id}&overdue=true`, { token }))
      expect(overdue, overdue.join('\n')).toHaveLength(3)
    }
  })

  test('of a comment is 2 to read, 3 to list or create with the author, and one more to look up whom it mentions', async () => {
    const { body } = await rest(server, `GET /projects/${few}/tasks?limit=1`, { token })
    const path = `/tasks/${body.nodes[0].id}/comments`
    let id = ''
    const create = (text: string) => async () => {
      const made = await rest(server, `POST ${path}`, { token, body: { body: text } })
      id = made.body.id
      return { ...made, status: made.status - 1 }
    }
    const counts: number[] = []
    for (const send of [
      create('Plain'),
      create('@nobody'),
      () => rest(server, `GET /comments/${id}`, { token }),
      () => rest(server, `GET ${path}`, { token }),
    ])
      counts.push((await statementsOf(send)).length)
    expect(counts).toEqual([3, 4, 2, 3])
  })

  test('of authentication is 0 once the viewer is known', async () => {
    await until('a request needs no statement for its viewer', async () => {
      const { statements = [] } =
        (await server.recorder?.during(() => rest(server, 'GET /events/cursor', { token }))) ?? {}
      return !statements.some((sql) => sql.includes('FROM "Session"'))
    })
  })

  test('of a task by id is 1', async () => {
    const { body } = await rest(server, `GET /projects/${many}/tasks?limit=2`, { token })
    const read = ({ id }: { id: string }) => rest(server, `GET /tasks/${id}`, { token })
    const one = await statementsOf(() => read(body.nodes[0]))
    expect(one, one.join('\n')).toHaveLength(1)
  })

  test('of a creation is 2, and of an update 2', async () => {
    const created = await statementsOf(async () => {
      const made = await rest(server, 'POST /tasks', { token, body: { projectId: few, title: 'New' } })
      return { ...made, status: made.status - 1 }
    })
    expect(created, created.join('\n')).toHaveLength(2)
    const { body } = await rest(server, `GET /projects/${few}/tasks?limit=1`, { token })
    const updated = await statementsOf(() =>
      rest(server, `PATCH /tasks/${body.nodes[0].id}`, { token, body: { title: 'Other' } }),
    )
    expect(updated, updated.join('\n')).toHaveLength(2)
  })

  test('for a list of events with their tasks and actors is 4', async () => {
    for (const limit of [20, 100]) {
      const statements = await statementsOf(() => rest(server, `GET /events?limit=${limit}`, { token }))
      expect(statements, statements.join('\n')).toHaveLength(4)
    }
  })

  test('for a bulk update is the same for two tasks as for fifty', async () => {
    const { body } = await rest(server, `GET /projects/${many}/tasks?limit=50`, { token })
    const counts = []
    const texts: string[] = []
    for (const size of [2, 50]) {
      const items = body.nodes.slice(0, size).map(({ id }: { id: string }) => ({ id, priority: 1 + (size % 5) }))
      const statements = await statementsOf(() => rest(server, 'PATCH /tasks/bulk', { token, body: { items } }))
      counts.push(statements.length)
      texts.push(statements.join('\n'))
    }
    expect(counts, texts.join('\n\n')).toEqual([counts[0], counts[0]])
  })
})

const RELATIONS = 'project,labels,assignees,creator,parent,subtaskProgress,relations'
const CONDITIONS = {
  or: [{ status: ['PENDING'] }, { priority: { gte: 2 } }],
  and: [{ createdAt: { gte: '2000-01-01' } }],
  not: { parentId: 'none' },
}
