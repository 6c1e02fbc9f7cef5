import { randomUUID } from 'node:crypto'
import type { DatabaseProxy } from '../../support/database-proxy.ts'

/** A server whose database a scenario can disturb. */
export interface Outage {
  url: string
  /** The database's URL past the proxy. */
  directUrl: string
  proxy: DatabaseProxy
}

export interface Account {
  email: string
  password: string
  token: string
}

export interface Timed {
  name: string
  status: number
  retryAfter: string | null
  ms: number
  body: string
}

export const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Sends a request and measures its answer. Status 0 means that none came within `limitMs`. */
export async function timed(
  url: string,
  name: string,
  { token, body, limitMs = 30_000 }: { token?: string; body?: object; limitMs?: number } = {},
): Promise<Timed> {
  const [method = 'GET', path = '/'] = name.split(' ')
  const started = performance.now()
  const took = () => Math.round(performance.now() - started)
  try {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body && { 'content-type': 'application/json' }),
      },
      body: body ? JSON.stringify(body) : null,
      signal: AbortSignal.timeout(limitMs),
    })
    const text = await response.text()
    return { name, status: response.status, retryAfter: response.headers.get('retry-after'), ms: took(), body: text }
  } catch (error) {
    return { name, status: 0, retryAfter: null, ms: took(), body: String(error) }
  }
}

export async function register(url: string): Promise<Account> {
  const account = { email: `${randomUUID()}@example.org`, password: randomUUID() }
  const { body, status } = await timed(url, 'POST /api/v1/auth/register', { body: { ...account, name: 'Somebody' } })
  if (status !== 201) throw new Error(`could not register: ${status} ${body}`)
  return { ...account, token: JSON.parse(body).accessToken }
}

/** Groups answers by name and status, with their number and longest time. */
export function summary(answers: readonly Timed[]): string {
  const groups = Map.groupBy(answers, ({ name, status }) => `${name.replace(/\?.*/, '?…')} ${status || 'no answer'}`)
  return [...groups]
    .map(([name, group]) => `  ${name}: ${group.length}, at most ${Math.max(...group.map(({ ms }) => ms))} ms`)
    .join('\n')
}
