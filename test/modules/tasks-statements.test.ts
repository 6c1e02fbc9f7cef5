import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { graphql, rest } from '../support/clients.ts'
import { onPostgres } from '../support/database.ts'
import { type RecordedServer, recordedServer } from '../support/recorded-server.ts'
import { signUp } from '../support/server.ts'

/**
 * Pins the number of SQL statements per list: two to authenticate, one to find the page, one to
 * load it, and a fixed number per relation, regardless of the number of rows.
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
    return statements
  }

  test.each<[string, number, (projectId: string) => string]>([
    ['for all visible tasks', 4, () => ''],
    ['for a project', 5, (id) => `&projectId=${id}`],
    ['in another order', 5, (id) => `&projectId=${id}&orderBy=priority:desc&orderBy=dueAt`],
    ['with its count', 6, (id) => `&projectId=${id}&include=totalCount`],
    ['for a label', 5, () => `&labelId=${label}`],
    ['for tasks assigned to me', 4, () => '&assigneeId=me'],
    ['for a search', 5, () => '&search=task'],
    ['for a search in a project', 6, (id) => `&search=task&projectId=${id}`],
    ['for a search in another order', 5, () => '&search=task&orderBy=createdAt'],
    ['for a filter with many conditions', 4, () => `&filter=${encodeURIComponent(JSON.stringify(CONDITIONS))}`],
    ['with project', 6, (id) => `&projectId=${id}&include=project`],
    ['with labels', 7, (id) => `&projectId=${id}&include=labels`],
    ['with assignees', 7, (id) => `&projectId=${id}&include=assignees`],
    ['with parents', 6, (id) => `&projectId=${id}&include=parent`],
    ['with sub-tasks counted', 6, (id) => `&projectId=${id}&include=subtaskProgress`],
    ['with relations', 7, (id) => `&projectId=${id}&include=relations`],
    ['with all of these', 15, (id) => `&projectId=${id}&include=${RELATIONS}`],
  ])('over REST %s is %i', async (_what, expected, query) => {
    for (const id of [few, many]) {
      for (const limit of [2, 100]) {
        const call = `GET /tasks?limit=${limit}${query(id)}`
        const statements = await statementsOf(() => rest(server, call, { token }))
        expect(statements, `${call} issued\n${statements.join('\n')}`).toHaveLength(expected)
      }
    }
  })

  test('over GraphQL with nested relations is at most 22 for any number of rows', async () => {
    const query = `query ($projectId: ID!, $first: Int) { tasks(filter: { projectId: $projectId }, first: $first) { nodes {
      key project { name } labels { name } assignees { name } creator { name } subtaskProgress { total completed }
      parent { key labels { name } } relations { type relatedTask { key project { name } } } } } }`
    for (const projectId of [few, many]) {
      for (const first of [2, 60]) {
        const statements = await statementsOf(() => graphql(server, query, { projectId, first }, { token }))
        // Data for nested relations is loaded in one batch or two.
        expect(statements.length, statements.join('\n')).toBeLessThanOrEqual(22)
      }
    }
  })

  test('for a list of events with their tasks and actors is 6', async () => {
    for (const limit of [20, 100]) {
      const statements = await statementsOf(() => rest(server, `GET /events?limit=${limit}`, { token }))
      expect(statements, statements.join('\n')).toHaveLength(6)
    }
  })

  test('for a bulk update is the same for two tasks as for fifty', async () => {
    const { body } = await rest(server, `GET /projects/${many}/tasks?limit=50`, { token })
    const counts = []
    const texts: string[] = []
    for (const size of [2, 50]) {
      const items = body.nodes.slice(0, size).map(({ id }: { id: string }) => ({ id, priority: 1 + (size % 5) }))
      const statements = await statementsOf(() => rest(server, 'PATCH /tasks/bulk', { token, body: { items } }))
      // Ignore the server's own reads of new events, which happen at any time.
      const own = statements.filter((sql) => !sql.includes('FROM "public"."Event"'))
      counts.push(own.length)
      texts.push(own.join('\n'))
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
