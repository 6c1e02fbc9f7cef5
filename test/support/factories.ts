import { expect } from 'vitest'
import type { LoggedEvent } from '../../src/events/log.ts'
import type { Input } from './operation-types.ts'
import { type Caller, data, type Outcome, overRest, refusal } from './operations.ts'
import { addTo, type Person, signUpAdminAt, signUpAt } from './people.ts'
import type { TestServer } from './server.ts'

/** Factories that create unique objects through the API. */

// biome-ignore lint/suspicious/noExplicitAny: tests assert the shape they expect
type Made = any

export const MISSING = '01890000-0000-7000-8000-000000000000'
export const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/** Returns a unique, valid project key. */
export const newKey = () => `K${crypto.randomUUID().replaceAll('-', '').slice(0, 7).toUpperCase()}`

export const newProject = async (owner: Caller, input: Input = {}): Promise<Made> =>
  data(await overRest.createProject(owner, { name: 'A project', key: newKey(), ...input }))

export const newTask = async (caller: Caller, input: Input = {}): Promise<Made> =>
  data(await overRest.createTask(caller, { title: 'A task', ...input }))

export const newLabel = async (caller: Caller, projectId: string, name = `Label ${newKey()}`): Promise<Made> =>
  data(await overRest.createLabel(caller, projectId, { name }))

/** Creates a chain of tasks, each the parent of the next. */
export async function newChain(caller: Caller, projectId: string, length: number): Promise<Made[]> {
  const chain: Made[] = []
  for (let level = 0; level < length; level++)
    chain.push(await newTask(caller, { projectId, title: `Level ${level}`, parentId: chain.at(-1)?.id }))
  return chain
}

export const readTask = async (caller: Caller, id: string): Promise<Made> => data(await overRest.getTask(caller, id))

/** Calls `run` this many times concurrently. */
export const atOnce = <T>(times: number, run: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: times }, (_, index) => run(index)))

export const cursorOf = async (caller: Caller): Promise<string> => data(await overRest.eventCursor(caller)).cursor

export interface Told extends Pick<LoggedEvent, 'type' | 'version' | 'subjectId' | 'projectId'> {
  /** Old and new value of each changed field. */
  changes: Record<string, [from: unknown, to: unknown]>
  actorId: string | undefined
}

/** Reads the log after a cursor, oldest first, optionally for one subject. */
export async function eventsSince(caller: Caller, cursor: string, subjectId?: string): Promise<Told[]> {
  const events: Told[] = []
  for (let after = cursor, more = true; more; ) {
    const { nodes, pageInfo } = data(await overRest.listEvents(caller, { after, first: 100 }))
    for (const { type, version, subjectId: subject, projectId, changes, actor } of nodes) {
      const reported = changes.map(({ field, from, to }: Made) => [field, [from, to]])
      const actorId = actor?.id
      events.push({ type, version, subjectId: subject, projectId, changes: Object.fromEntries(reported), actorId })
    }
    after = pageInfo.endCursor
    more = pageInfo.hasNextPage
  }
  return subjectId === undefined ? events : events.filter((event) => event.subjectId === subjectId)
}

export const ROLES = ['VIEWER', 'COMMENTER', 'EDITOR', 'OWNER'] as const
export type Role = (typeof ROLES)[number]
export const EVERYBODY = ['signed out', 'stranger', ...ROLES, 'ADMIN'] as const
export type Somebody = (typeof EVERYBODY)[number]

/** A project with one member per role, a stranger and an ADMIN of the instance. */
export interface Cast {
  url: string
  projectId: string
  key: string
  people: Record<Exclude<Somebody, 'signed out'>, Person>
}

export async function newCast(server: TestServer): Promise<Cast> {
  const people: Partial<Cast['people']> = { ADMIN: await signUpAdminAt(server, 'ADMIN') }
  for (const name of ['stranger', ...ROLES] as const) people[name] = await signUpAt(server, name)
  const cast = people as Cast['people']
  const { id, key } = await newProject(cast.OWNER, { name: 'Shared' })
  for (const role of ROLES.slice(0, 3)) await addTo(cast.ADMIN, id, cast[role].email, role)
  return { url: server.url, projectId: id, key, people: cast }
}

/** Matches an operation that was refused with this code, naming these values. */
export function expectRefused(outcome: Outcome, code: string, fields: string[]): void {
  const { exchange, ...error } = refusal(outcome)
  expect({ code: error.code, fields: error.fields }, exchange).toEqual({ code, fields })
}
