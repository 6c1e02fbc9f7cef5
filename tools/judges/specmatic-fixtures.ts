import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/**
 * Placeholders in the adapted document. What each stands for is created when a request names it.
 */
export const PLACEHOLDERS = {
  apiKey: '01980000-0000-7000-8000-000000000001',
  label: '01980000-0000-7000-8000-000000000002',
  member: '01980000-0000-7000-8000-000000000003',
  project: '01980000-0000-7000-8000-000000000004',
  relation: '01980000-0000-7000-8000-000000000005',
  session: '01980000-0000-7000-8000-000000000006',
  task: '01980000-0000-7000-8000-000000000007',
  otherTask: '01980000-0000-7000-8000-000000000008',
  user: '01980000-0000-7000-8000-000000000009',
  taskKey: 'PLACEHOLDERS-1',
  newKey: 'NEWKEY',
  email: 'held@example.org',
  newEmail: 'new@example.org',
  strangerEmail: 'stranger@example.org',
  password: 'the held password',
  refreshToken: 'the-held-refresh-token',
  /** Sent unchanged: any future date will do. */
  future: '2099-01-31T17:00:00Z',
}

export type PlaceholderName = keyof typeof PLACEHOLDERS

interface IncomingRequest {
  method: string
  url: string
  headers: IncomingHttpHeaders
  body: string
}

interface PreparedRequest {
  url: string
  body: string
  headers: Record<string, string>
}

type Json = Record<string, string & { id: string }>

interface Person {
  id: string
  email: string
  token: string
  refreshToken: string
}

/** `prepare` creates what a request names and replaces its placeholders with the real ids. */
export async function createFixtures(url: string) {
  async function call(method: string, path: string, token?: string, body?: object): Promise<Json> {
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) }
    const answer = await fetch(`${url}/api/v1${path}`, { method, headers, body: body ? JSON.stringify(body) : null })
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status} ${await answer.text()}`)
    return (answer.status === 204 ? {} : await answer.json()) as Json
  }

  async function signUp(): Promise<Person> {
    const email = `${randomUUID()}@example.org`
    const made = await call('POST', '/auth/register', undefined, {
      email,
      password: PLACEHOLDERS.password,
      name: 'A person',
    })
    return { id: made.user?.id ?? '', email, token: made.accessToken ?? '', refreshToken: made.refreshToken ?? '' }
  }

  let admin = await signUp()
  let renewed = performance.now()

  /** Signs the ADMIN in again before the access token expires. */
  async function currentAdmin(): Promise<Person> {
    if (performance.now() - renewed < 300_000) return admin
    const body = { email: admin.email, password: PLACEHOLDERS.password }
    const { accessToken = '' } = await call('POST', '/auth/sign-in', undefined, body)
    admin = { ...admin, token: accessToken }
    renewed = performance.now()
    return admin
  }

  async function createNamed(
    { url: path, body }: IncomingRequest,
    me: Person,
  ): Promise<Partial<Record<PlaceholderName, string>>> {
    const names = (name: PlaceholderName) => path.includes(PLACEHOLDERS[name]) || body.includes(PLACEHOLDERS[name])
    const found: Partial<Record<PlaceholderName, string>> = {
      email: me.email,
      refreshToken: me.refreshToken,
      newEmail: `${randomUUID()}@example.org`,
      newKey: `K${randomUUID().replaceAll('-', '').slice(0, 9).toUpperCase()}`,
    }
    const inProject: PlaceholderName[] = ['project', 'label', 'member', 'task', 'otherTask', 'taskKey', 'relation']
    if (inProject.some(names)) {
      const project = await call('POST', '/projects', me.token, { name: 'Fixture' })
      found.project = project.id
      const task = await call('POST', '/tasks', me.token, { title: 'Fixture', projectId: found.project })
      found.task = task.id
      found.taskKey = task.key
      if (names('otherTask') || names('relation')) {
        const other = await call('POST', '/tasks', me.token, { title: 'Other', projectId: found.project })
        found.otherTask = other.id
      }
      if (names('label'))
        found.label = (await call('POST', `/projects/${found.project}/labels`, me.token, { name: 'fixture' })).id
      if (names('relation')) {
        const relation = { type: 'BLOCKS', relatedTaskId: found.otherTask }
        found.relation = (await call('POST', `/tasks/${found.task}/relations`, me.token, relation)).id
      }
      if (names('member')) {
        const member = await signUp()
        found.member = member.id
        await call('POST', `/projects/${found.project}/members`, me.token, { email: member.email, role: 'EDITOR' })
      }
      if (path.endsWith('/restore')) await call('DELETE', `/tasks/${found.task}`, me.token)
    }
    if (names('apiKey'))
      found.apiKey = (await call('POST', '/api-keys', me.token, { name: 'Fixture', scopes: ['tasks:read'] })).id
    if (names('session')) {
      await call('POST', '/auth/sign-in', undefined, { email: me.email, password: PLACEHOLDERS.password })
      const { nodes } = (await call('GET', '/sessions', me.token)) as unknown as { nodes: { id: string }[] }
      found.session = nodes[0]?.id
    }
    if (names('user')) found.user = (await signUp()).id
    if (names('strangerEmail')) found.strangerEmail = (await signUp()).email
    return found
  }

  return {
    async prepare(incoming: IncomingRequest): Promise<PreparedRequest> {
      const own = /^\/api\/v1\/(auth|me|sessions)/.test(incoming.url)
      const me = own ? await signUp() : await currentAdmin()
      const created = await createNamed(incoming, me)
      const replace = (text: string) =>
        Object.entries(created).reduce(
          (replaced, [name, value]) => replaced.replaceAll(PLACEHOLDERS[name as PlaceholderName], value),
          text,
        )
      const {
        accept,
        'content-type': type,
        authorization,
        'x-api-key': key,
        'idempotency-key': once,
      } = incoming.headers
      return {
        url: replace(incoming.url),
        body: replace(incoming.body),
        headers: {
          ...(accept && { accept }),
          ...(type && { 'content-type': type }),
          ...((authorization || key) && { authorization: `Bearer ${me.token}` }),
          ...(once !== undefined && { 'idempotency-key': String(once) }),
        },
      }
    },
  }
}
