import { type Client, createClient, createConfig } from './hey-api-sdk/client/index.js'
import * as api from './hey-api-sdk/index.js'

/** Returns the data of a response. Throws if the operation failed. */
function good<T>({ data, error }: { data?: T; error?: api.Problem }): NonNullable<T> {
  if (error) throw new Error(`${error.status} ${error.code}: ${error.detail}`)
  if (data === undefined || data === null) throw new Error('There is no data.')
  return data
}

/** Returns the error code and the paths of invalid values. Throws if the operation succeeded. */
function refused({ error }: { error?: api.Problem }): [api.Problem['code'], ...string[]] {
  if (!error) throw new Error('It was not refused.')
  return [error.code, ...(error.errors ?? []).map(({ path }) => path.join('.'))]
}

const versionOf = ({ response }: { response?: Response }) => ({ 'If-Match': response?.headers.get('ETag') ?? '' })

/** Drives the API with nothing but its document. `key` makes the data of each run unique. */
export async function run(baseUrl: string, key: string) {
  const anonymous = createClient(createConfig({ baseUrl }))
  const [ada, grace] = ['ada', 'grace'].map((name) => `${name}-${key.toLowerCase()}@example.org`) as [string, string]
  const password = 'correct horse battery staple'
  const registered = good(await api.registerUser({ client: anonymous, body: { email: ada, password, name: 'Ada' } }))
  const other = good(await api.registerUser({ client: anonymous, body: { email: grace, password, name: 'Grace' } }))
  const { accessToken } = good(await api.signIn({ client: anonymous, body: { email: ada, password } }))
  const granted = await api.oauthToken({
    client: anonymous,
    body: { grant_type: 'password', username: ada, password },
  })
  const { error: denied } = await api.oauthToken({
    client: anonymous,
    body: { grant_type: 'password', username: ada, password: 'a wrong one' },
  })
  const signedOut = refused(await api.me({ client: anonymous }))
  const client = createClient(
    createConfig({ baseUrl, auth: ({ type }) => (type === 'http' ? accessToken : undefined) }),
  )
  const me = good(await api.me({ client }))
  const { cursor } = good(await api.eventCursor({ client }))

  const project = good(await api.createProject({ client, body: { name: 'Bridge', key } }))
  const inProject = { projectId: project.id }
  const taken = refused(await api.createProject({ client, body: { name: 'Another', key } }))
  good(await api.addMember({ client, path: inProject, body: { email: grace, role: 'VIEWER' } }))
  const promoted = good(
    await api.setMember({ client, path: { ...inProject, userId: other.user.id }, body: { role: 'EDITOR' } }),
  )
  const members = good(await api.members({ client, path: inProject }))
  const label = good(await api.createLabel({ client, path: inProject, body: { name: 'urgent', color: '#cc0000' } }))
  const renamed = good(await api.updateLabel({ client, path: { id: label.id }, body: { name: 'now' } }))

  const tower = good(
    await api.createTask({
      client,
      headers: { 'Idempotency-Key': `tower-${key}` },
      body: { ...inProject, title: 'Tower', priority: 5, labelIds: [label.id], assigneeIds: [other.user.id] },
    }),
  )
  const deck = good(await api.createTask({ client, body: { ...inProject, title: 'Deck', dueAt: '2027-01-31' } }))
  good(
    await api.createProjectTask({
      client,
      path: { id: project.id },
      body: { title: 'Cables', priority: 4, parentId: tower.id },
    }),
  )
  const invalid = refused(
    await api.createTask({ client, body: { ...inProject, title: '', priority: 9, assigneeIds: ['nobody'] } }),
  )

  const titles: string[] = []
  for (let after: string | undefined, more = true; more; ) {
    const query = { ...inProject, orderBy: ['priority:desc' as const], limit: 2, ...(after && { after }) }
    const page: api.TaskConnection = good(await api.tasks({ client, query }))
    titles.push(...page.nodes.map(({ title }) => title))
    more = page.pageInfo.hasNextPage
    after = page.pageInfo.endCursor ?? undefined
  }
  const filtered = good(
    await api.tasks({
      client,
      query: {
        ...inProject,
        status: ['PENDING', 'IN_PROGRESS'],
        'priority.gte': 2,
        'labelId.any': [label.id],
        fields: ['id', 'title'],
        include: ['labels', 'totalCount'],
      },
    }),
  )

  const read = await api.task({ client, path: { id: tower.key } })
  const same = { client, path: { id: tower.id }, headers: versionOf(read) }
  const changed = good(await api.updateTask({ ...same, body: { status: 'IN_PROGRESS', description: null } }))
  const late = refused(await api.updateTask({ ...same, body: { title: 'Too late' } }))
  const replaced = good(await api.replaceTask({ client, path: { id: deck.id }, body: { title: 'Roadway' } }))

  const ofTower = { taskId: tower.id }
  const relation = good(
    await api.createTaskRelation({ client, path: ofTower, body: { type: 'BLOCKS', relatedTaskId: deck.id } }),
  )
  const relations = good(await api.taskRelations({ client, path: ofTower }))
  await api.deleteTaskRelation({ client, path: { ...ofTower, id: relation.id } })

  const made = good(
    await api.bulkCreateTasks({
      client,
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
    await api.bulkUpdateTasks({ client, body: { items: [{ id: painted.id, status: 'COMPLETED' }], atomic: true } }),
  )
  const gone = good(await api.bulkDeleteTasks({ client, body: { items: [{ id: painted.id }] } }))

  const byId = { path: { id: deck.id } }
  const deleted = await api.deleteTask({ client, ...byId })
  const missing = refused(await api.task({ client, ...byId }))
  const trash = good(await api.tasks({ client, query: { ...inProject, deleted: true, orderBy: ['number:asc'] } }))
  const restored = good(await api.restoreTask({ client, ...byId }))
  const copy = good(await api.duplicateTask({ client, ...byId, body: { title: 'Second deck' } }))

  const events = good(await api.events({ client, query: { ...inProject, after: cursor, limit: 100 } }))

  const { id, secret } = good(await api.createApiKey({ client, body: { name: 'Reader', scopes: ['tasks:read'] } }))
  const reader = createClient(
    createConfig({ baseUrl, auth: ({ type }) => (type === 'apiKey' ? (secret ?? undefined) : undefined) }),
  )
  const byKey = good(await api.tasks({ client: reader, query: { ...inProject, search: 'tower' } }))
  const forbidden = refused(await api.deleteTask({ client: reader, ...byId }))
  await api.revokeApiKey({ client, path: { id } })
  const revoked = refused(await api.tasks({ client: reader }))

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
    deleted: deleted.response?.status,
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
export const mistakes = (client: Client) => [
  // @ts-expect-error: the title is required
  api.createTask({ client, body: { priority: 1 } }),
  // @ts-expect-error: unknown field
  api.createTask({ client, body: { title: 'A', colour: 'red' } }),
  // @ts-expect-error: a title cannot be cleared
  api.updateTask({ client, path: { id: 'A-1' }, body: { title: null } }),
  // @ts-expect-error: unknown status
  api.tasks({ client, query: { status: ['DONE'] } }),
  // @ts-expect-error: unknown order
  api.tasks({ client, query: { orderBy: ['colour'] } }),
  // @ts-expect-error: unknown parameter
  api.tasks({ client, query: { page: 2 } }),
  // @ts-expect-error: the id is required
  api.task({ client }),
]

// @ts-expect-error: unknown code
export const isTeapot = ({ code }: api.Problem): boolean => code === 'TEAPOT'
