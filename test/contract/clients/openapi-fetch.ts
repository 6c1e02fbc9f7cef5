import createClient, { type Client } from 'openapi-fetch'
import type { components, paths } from './openapi-typescript.js'

type Problem = components['schemas']['Problem']

/** Returns the data of a response. Throws if the operation failed. */
function good<T>({ data, error }: { data?: T; error?: Problem }): NonNullable<T> {
  if (error) throw new Error(`${error.status} ${error.code}: ${error.detail}`)
  if (data === undefined || data === null) throw new Error('There is no data.')
  return data
}

/** Returns the error code and the paths of invalid values. Throws if the operation succeeded. */
function refused({ error }: { error?: Problem }): [Problem['code'], ...string[]] {
  if (!error) throw new Error('It was not refused.')
  return [error.code, ...(error.errors ?? []).map(({ path }) => path.join('.'))]
}

const versionOf = ({ response }: { response: Response }) => ({ 'If-Match': response.headers.get('ETag') ?? '' })

const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' }

/** Drives the API with nothing but its document. `key` makes the data of each run unique. */
export async function run(baseUrl: string, key: string) {
  const api = createClient<paths>({ baseUrl })
  const [ada, grace] = ['ada', 'grace'].map((name) => `${name}-${key.toLowerCase()}@example.org`) as [string, string]
  const password = 'correct horse battery staple'
  const registered = good(await api.POST('/auth/register', { body: { email: ada, password, name: 'Ada' } }))
  const other = good(await api.POST('/auth/register', { body: { email: grace, password, name: 'Grace' } }))
  const signedIn = good(await api.POST('/auth/sign-in', { body: { email: ada, password } }))
  const granted = await api.POST('/auth/token', {
    body: { grant_type: 'password', username: ada, password },
    headers: FORM,
  })
  const { error: denied } = await api.POST('/auth/token', {
    body: { grant_type: 'password', username: ada, password: 'a wrong one' },
    headers: FORM,
  })
  const signedOut = refused(await api.GET('/me'))
  api.use({
    onRequest: ({ request }) => {
      if (!request.headers.has('X-API-Key')) request.headers.set('Authorization', `Bearer ${signedIn.accessToken}`)
    },
  })
  const me = good(await api.GET('/me'))
  const { cursor } = good(await api.GET('/events/cursor'))

  const project = good(await api.POST('/projects', { body: { name: 'Bridge', key } }))
  const inProject = { projectId: project.id }
  const taken = refused(await api.POST('/projects', { body: { name: 'Another', key } }))
  good(
    await api.POST('/projects/{projectId}/members', {
      params: { path: inProject },
      body: { email: grace, role: 'VIEWER' },
    }),
  )
  const promoted = good(
    await api.PUT('/projects/{projectId}/members/{userId}', {
      params: { path: { ...inProject, userId: other.user.id } },
      body: { role: 'EDITOR' },
    }),
  )
  const members = good(await api.GET('/projects/{projectId}/members', { params: { path: inProject } }))
  const label = good(
    await api.POST('/projects/{projectId}/labels', {
      params: { path: inProject },
      body: { name: 'urgent', color: '#cc0000' },
    }),
  )
  const renamed = good(await api.PATCH('/labels/{id}', { params: { path: { id: label.id } }, body: { name: 'now' } }))

  const tower = good(
    await api.POST('/tasks', {
      params: { header: { 'Idempotency-Key': `tower-${key}` } },
      body: { ...inProject, title: 'Tower', priority: 5, labelIds: [label.id], assigneeIds: [other.user.id] },
    }),
  )
  const deck = good(await api.POST('/tasks', { body: { ...inProject, title: 'Deck', dueAt: '2027-01-31' } }))
  good(
    await api.POST('/projects/{id}/tasks', {
      params: { path: { id: project.id } },
      body: { title: 'Cables', priority: 4, parentId: tower.id },
    }),
  )
  const invalid = refused(
    await api.POST('/tasks', { body: { ...inProject, title: '', priority: 9, assigneeIds: ['nobody'] } }),
  )

  const titles: string[] = []
  for (let after: string | undefined, more = true; more; ) {
    const page = good(
      await api.GET('/tasks', { params: { query: { ...inProject, orderBy: ['priority:desc'], limit: 2, after } } }),
    )
    titles.push(...page.nodes.map(({ title }) => title))
    more = page.pageInfo.hasNextPage
    after = page.pageInfo.endCursor ?? undefined
  }
  const filtered = good(
    await api.GET('/tasks', {
      params: {
        query: {
          ...inProject,
          status: ['PENDING', 'IN_PROGRESS'],
          'priority.gte': 2,
          'labelId.any': [label.id],
          fields: ['id', 'title'],
          include: ['labels', 'totalCount'],
        },
      },
    }),
  )

  const read = await api.GET('/tasks/{id}', { params: { path: { id: tower.key } } })
  const same = { params: { path: { id: tower.id }, header: versionOf(read) } }
  const changed = good(await api.PATCH('/tasks/{id}', { ...same, body: { status: 'IN_PROGRESS', description: null } }))
  const late = refused(await api.PATCH('/tasks/{id}', { ...same, body: { title: 'Too late' } }))
  const replaced = good(await api.PUT('/tasks/{id}', { params: { path: { id: deck.id } }, body: { title: 'Roadway' } }))

  const ofTower = { taskId: tower.id }
  const relation = good(
    await api.POST('/tasks/{taskId}/relations', {
      params: { path: ofTower },
      body: { type: 'BLOCKS', relatedTaskId: deck.id },
    }),
  )
  const relations = good(await api.GET('/tasks/{taskId}/relations', { params: { path: ofTower } }))
  await api.DELETE('/tasks/{taskId}/relations/{id}', { params: { path: { ...ofTower, id: relation.id } } })

  const made = good(
    await api.POST('/tasks/bulk', {
      body: {
        items: [
          { ...inProject, title: 'Paint' },
          { ...inProject, title: '' },
        ],
      },
    }),
  )
  const painted = made.outcomes[0]?.task
  if (!painted) throw new Error('The first item was not made.')
  const moved = good(
    await api.PATCH('/tasks/bulk', { body: { items: [{ id: painted.id, status: 'COMPLETED' }], atomic: true } }),
  )
  const gone = good(await api.POST('/tasks/bulk-delete', { body: { items: [{ id: painted.id }] } }))

  const byId = { params: { path: { id: deck.id } } }
  const deleted = await api.DELETE('/tasks/{id}', byId)
  const missing = refused(await api.GET('/tasks/{id}', byId))
  const trash = good(
    await api.GET('/tasks', { params: { query: { ...inProject, deleted: true, orderBy: ['number:asc'] } } }),
  )
  const restored = good(await api.POST('/tasks/{id}/restore', byId))
  const copy = good(await api.POST('/tasks/{id}/duplicate', { ...byId, body: { title: 'Second deck' } }))

  const events = good(await api.GET('/events', { params: { query: { ...inProject, after: cursor, limit: 100 } } }))

  const apiKey = good(await api.POST('/api-keys', { body: { name: 'Reader', scopes: ['tasks:read'] } }))
  const headers = { 'X-API-Key': apiKey.secret ?? '' }
  const byKey = good(await api.GET('/tasks', { params: { query: { ...inProject, search: 'tower' } }, headers }))
  const forbidden = refused(await api.DELETE('/tasks/{id}', { ...byId, headers }))
  await api.DELETE('/api-keys/{id}', { params: { path: { id: apiKey.id } } })
  const revoked = refused(await api.GET('/tasks', { headers }))

  return {
    me: [me.name, me.id === registered.user.id, me.email === ada],
    // OAuth errors have their own format (RFC 6749).
    oauth: [granted.data?.token_type, denied && 'error' in denied ? denied.error : denied?.code],
    signedOut,
    taken,
    members: members.nodes.map(({ role, user }) => `${user.name} ${role}`).sort(),
    promoted: promoted.role,
    label: [renamed.name, renamed.color, renamed.version],
    invalid,
    titles,
    filtered: filtered.nodes.map(({ title, labels }) => [title, labels?.map(({ name }) => name)]),
    counted: filtered.totalCount,
    changed: [changed.status, changed.version, changed.assigneeIds[0] === other.user.id],
    late,
    replaced: [replaced.title, replaced.dueAt],
    relations: relations.nodes.map(({ type, relatedTaskId }) => [type, relatedTaskId === deck.id]),
    made: made.outcomes.map(({ status, error }) => [status, error?.code, error?.issues.map(({ path }) => path)]),
    moved: [moved.succeeded, moved.outcomes[0]?.task?.status],
    gone: gone.succeeded,
    deleted: deleted.response.status,
    missing,
    trash: trash.nodes.map(({ title }) => title),
    restored: [restored.deletedAt, restored.version],
    copy: copy.title,
    events: [...new Set(events.nodes.map(({ type }) => type))].sort(),
    changes: events.nodes.find(({ type }) => type === 'label.updated')?.changes.map(({ field }) => field),
    byKey: byKey.nodes.map(({ title }) => title),
    forbidden,
    revoked,
  }
}

/** Calls that must not compile. Never run. */
export const mistakes = (api: Client<paths>) => [
  // @ts-expect-error: unknown path
  api.GET('/task'),
  // @ts-expect-error: the title is required
  api.POST('/tasks', { body: { priority: 1 } }),
  // @ts-expect-error: a title cannot be cleared
  api.PATCH('/tasks/{id}', { params: { path: { id: 'A-1' } }, body: { title: null } }),
  // @ts-expect-error: unknown status
  api.GET('/tasks', { params: { query: { status: ['DONE'] } } }),
  // @ts-expect-error: unknown order
  api.GET('/tasks', { params: { query: { orderBy: ['colour'] } } }),
  // @ts-expect-error: unknown parameter
  api.GET('/tasks', { params: { query: { page: 2 } } }),
  // @ts-expect-error: the id is required
  api.GET('/tasks/{id}'),
]

/** Compiles only if both codes are in the closed set. */
export const isOurFault = ({ code }: Problem): boolean => code === 'INTERNAL' || code === 'UNAVAILABLE'

// @ts-expect-error: unknown code
export const isTeapot = ({ code }: Problem): boolean => code === 'TEAPOT'
