import { beforeAll, describe, expect, test } from 'vitest'
import { rest } from '../support/clients.ts'
import { sharedServer, signUp, type TestServer } from '../support/server.ts'

let server: TestServer
let token: string
let id: string

beforeAll(async () => {
  server = await sharedServer()
  token = (await signUp(server, 'Ada')).token
  for (let index = 1; index <= 7; index++) {
    const { body } = await call('POST /tasks', { title: `Task ${index}`, priority: (index % 3) + 1, status: 'PENDING' })
    id = body.id
  }
})

const call = (request: string, body?: object) => rest(server, request, { token, body })

/** Reads the pages of a list by following its links. */
async function followLinks(path: string, rel: 'next' | 'prev') {
  const pages = []
  for (let next: string | undefined = path; next !== undefined; ) {
    const { status, body, headers, text } = await call(`GET ${next}`)
    expect(status, `${next} ${text}`).toBe(200)
    pages.push(body)
    next = linksOf(headers)[rel]?.replace('/api/v1', '')
    if (pages.length > 20) throw new Error(`the links of ${path} do not end`)
  }
  return pages
}

/** Parses the subset of RFC 8288 that the server uses. */
function linksOf(headers: Headers): Record<string, string | undefined> {
  const links = (headers.get('link') ?? '').matchAll(/<([^>]*)>; rel="(\w+)"/g)
  return Object.fromEntries([...links].map(([, target, rel]) => [rel, target]))
}

const titles = (pages: { nodes: { title: string }[] }[]) =>
  pages.flatMap((page) => page.nodes.map((task) => task.title))

describe('the links of a list', () => {
  test('lead through all pages and keep the query', async () => {
    const path = '/tasks?status=PENDING&limit=3&fields=title&orderBy=title:desc&include=totalCount'
    const pages = await followLinks(path, 'next')
    expect(titles(pages)).toEqual([7, 6, 5, 4, 3, 2, 1].map((index) => `Task ${index}`))
    expect(pages.map((page) => page.totalCount)).toEqual([7, 7, 7])
  })

  test('lead back again', async () => {
    const whole = (await call('GET /tasks?limit=100')).body
    const from = `/tasks?limit=3&before=${whole.pageInfo.endCursor}`
    const pages = await followLinks(from, 'prev')
    expect(titles(pages.reverse())).toEqual([1, 2, 3, 4, 5, 6].map((index) => `Task ${index}`))
  })

  test('lead in both directions from a page in the middle', async () => {
    const first = await call('GET /tasks?limit=2&orderBy=priority&orderBy=title:desc')
    expect(Object.keys(linksOf(first.headers))).toEqual(['next'])
    const second = await call(`GET ${linksOf(first.headers).next!.replace('/api/v1', '')}`)
    const links = linksOf(second.headers)
    expect(Object.keys(links).sort()).toEqual(['next', 'prev'])
    const back = await call(`GET ${links.prev!.replace('/api/v1', '')}`)
    expect(back.body.nodes).toEqual(first.body.nodes)
  })

  test('continue from an offset', async () => {
    const answer = await call('GET /tasks?limit=2&offset=3')
    const next = await call(`GET ${linksOf(answer.headers).next!.replace('/api/v1', '')}`)
    expect(titles([answer.body, next.body])).toEqual(['Task 4', 'Task 5', 'Task 6', 'Task 7'])
  })

  test('are absent if everything is on one page', async () => {
    expect((await call('GET /tasks?limit=100')).headers.get('link')).toBeNull()
  })

  test('lead through the event log, too', async () => {
    const pages = await followLinks('/events?limit=4', 'next')
    const types = pages.flatMap((page) => page.nodes.map((event: { type: string }) => event.type))
    expect(types.filter((type) => type === 'task.created')).toHaveLength(7)
  })
})

describe('fields', () => {
  test('narrow a single task and each item of a list', async () => {
    expect((await call(`GET /tasks/${id}?fields=title,priority`)).body).toEqual({ title: 'Task 7', priority: 2 })
    expect((await call(`GET /tasks/${id}?fields=title&fields=id`)).body).toEqual({ title: 'Task 7', id })
    const { body } = await call('GET /tasks?fields=title&limit=1')
    expect(body).toEqual({ nodes: [{ title: 'Task 1' }], pageInfo: expect.objectContaining({ hasNextPage: true }) })
  })

  test('narrow the answer of a write, which still has its ETag and Location', async () => {
    const created = await call('POST /tasks?fields=title', { title: 'narrow' })
    expect(created.body).toEqual({ title: 'narrow' })
    expect(created.headers.get('location')).toMatch(/^\/api\/v1\/tasks\/[0-9a-f-]{36}$/)
    expect(created.headers.get('etag')).toMatch(/^"v1\./)
    await call(`DELETE ${created.headers.get('location')!.replace('/api/v1', '')}`)
  })
})

describe('include', () => {
  test('embeds relations in addition to the leaf fields', async () => {
    const { body } = await call(`GET /tasks/${id}?include=project,creator`)
    expect(body).toMatchObject({
      title: 'Task 7',
      projectId: body.project.id,
      project: { name: 'Inbox', key: expect.any(String) },
      creator: { id: body.creatorId, name: 'Ada' },
    })
    const narrow = await call(`GET /tasks/${id}?fields=title&include=project`)
    expect(Object.keys(narrow.body).sort()).toEqual(['project', 'title'])
    const { nodes } = (await call('GET /tasks?include=project&limit=2')).body
    expect(nodes).toMatchObject([{ project: { name: 'Inbox' } }, { project: { name: 'Inbox' } }])
  })

  test('counts the whole list with totalCount', async () => {
    expect((await call('GET /tasks?include=totalCount&limit=1')).body.totalCount).toBe(7)
    expect((await call('GET /tasks?include=totalCount&priority=1')).body.totalCount).toBe(2)
    expect((await call('GET /tasks')).body).not.toHaveProperty('totalCount')
  })
})

test.each([
  ['fields=colour', ['query.fields']],
  ['fields=title,colour,constructor', ['query.fields', 'query.fields']],
  ['fields=project', ['query.fields']],
  ['fields=__typename', ['query.fields']],
  ['fields=', ['query.fields']],
  ['include=title', ['query.include']],
  ['include=members', ['query.include']],
  ['include=project.key', ['query.include']],
  ['include=toString', ['query.include']],
  ['fields=colour&include=members', ['query.fields', 'query.include']],
])('%s is a 422 that names the parameter', async (query, paths) => {
  for (const path of [`/tasks/${id}`, '/tasks']) {
    const { status, body, text } = await call(`GET ${path}?${query}`)
    expect(status, text).toBe(422)
    expect(
      body.errors.map((issue: { path: string[] }) => issue.path.join('.')),
      text,
    ).toEqual(paths)
  }
})
