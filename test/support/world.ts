import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { embeddedDatabase, emptyPostgres } from './database.ts'
import { type MeasuredServer, startMeasuredServer } from './measured-server.ts'

export interface Member {
  id: string
  email: string
  token: string
}

/**
 * A server in its own process on a fresh database, with one account that can
 * create everything else.
 */
export interface World {
  server: MeasuredServer
  /** The server's settings, to start others on the same database. */
  settings: Record<string, string>
  owner: Member
  // biome-ignore lint/suspicious/noExplicitAny: the answers of several operations
  call(method: string, path: string, body?: object, token?: string): Promise<any>
  /** Creates accounts that are VIEWERs of these projects. */
  members(count: number, projectIds: readonly string[]): Promise<Member[]>
  projects(count: number): Promise<string[]>
  close(): Promise<void>
}

/**
 * Uses PostgreSQL if TEST_DATABASE_URL is set, else the embedded database;
 * `embedded` overrides this.
 */
export async function openWorld(
  settings: Record<string, string> = {},
  embedded = process.env.TEST_DATABASE_URL === undefined,
): Promise<World> {
  const database = embedded ? await embeddedDatabase() : await emptyPostgres()
  const attachments = await mkdtemp(join(tmpdir(), 'taskwire-world-'))
  const allSettings = {
    ...('url' in database
      ? { DATABASE_URL: database.url, DATA_DIR: tmpdir(), JWT_SECRET: randomUUID() + randomUUID() }
      : { DATA_DIR: database.options.dataDir }),
    ATTACHMENTS_DIR: attachments,
    RATE_LIMIT: 'off',
    NODE_ENV: 'production',
    WS_MAX_SOCKETS_PER_USER: '100000',
    ACCESS_TOKEN_TTL: '86400',
    ...settings,
  }
  const server = await startMeasuredServer(allSettings)

  async function call(method: string, path: string, body?: object, token = owner.token) {
    const response = await fetch(`${server.url}/api/v1${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status} ${text}`)
    return text ? JSON.parse(text) : undefined
  }

  async function register(): Promise<Member> {
    const account = { email: `${randomUUID()}@example.org`, password: randomUUID(), name: 'Follower' }
    const { accessToken, user } = await call('POST', '/auth/register', account, '')
    return { id: user.id, email: account.email, token: accessToken }
  }

  const owner: Member = { id: '', email: '', token: '' }
  Object.assign(owner, await register())
  return {
    server,
    settings: allSettings,
    owner,
    call,
    async members(count, projectIds) {
      const made: Member[] = []
      for (let index = 0; index < count; index++) {
        const member = await register()
        for (const id of projectIds)
          await call('POST', `/projects/${id}/members`, { email: member.email, role: 'VIEWER' })
        made.push(member)
      }
      return made
    },
    async projects(count) {
      const made: string[] = []
      for (let index = 0; index < count; index++) {
        made.push((await call('POST', '/projects', { key: `P${index}X`, name: `Project ${index}` })).id)
      }
      return made
    },
    async close() {
      await server.stop()
      await database.drop()
      await rm(attachments, { recursive: true, force: true })
    },
  }
}
