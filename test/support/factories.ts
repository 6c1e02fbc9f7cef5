import { expect } from 'vitest'
import type { LoggedEvent } from '../../src/events/log.ts'
import { type Caller, data, type Input, type Operations, type Outcome, overRest, refusal } from './operations.ts'
import { addTo, type Person, signUpAt } from './people.ts'

/** Things made through the API, each unlike any other. */

// biome-ignore lint/suspicious/noExplicitAny: a test says with its expectations what it takes a thing for
type Made = any

export const MISSING = '01890000-0000-7000-8000-000000000000'
export const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/** In capitals, a letter first: any project may have it for its key. */
export const newKey = () => `K${crypto.randomUUID().replaceAll('-', '').slice(0, 7).toUpperCase()}`

export const newProject = async (owner: Caller, input: Input = {}): Promise<Made> =>
  data(await overRest.createProject(owner, { name: 'A project', key: newKey(), ...input }))

export const newTask = async (caller: Caller, input: Input = {}): Promise<Made> =>
  data(await overRest.createTask(caller, { title: 'A task', ...input }))

export const newLabel = async (caller: Caller, projectId: string, name = `Label ${newKey()}`): Promise<Made> =>
  data(await overRest.createLabel(caller, projectId, { name }))

/** Tasks of a project, each the parent of the next. */
export async function newChain(caller: Caller, projectId: string, length: number): Promise<Made[]> {
  const chain: Made[] = []
  for (let level = 0; level < length; level++)
    chain.push(await newTask(caller, { projectId, title: `Level ${level}`, parentId: chain.at(-1)?.id }))
  return chain
}

export const readTask = async (caller: Caller, id: string): Promise<Made> => data(await overRest.getTask(caller, id))

/** Runs it that many times, all at once. */
export const atOnce = <T>(times: number, run: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: times }, (_, index) => run(index)))

export const cursorOf = async (caller: Caller): Promise<string> => data(await overRest.eventCursor(caller)).cursor

export interface Told extends Pick<LoggedEvent, 'type' | 'version' | 'subjectId' | 'projectId'> {
  /** What changed: of each field from what to what. */
  changes: Record<string, [from: unknown, to: unknown]>
  actorId: string | undefined
}

/** What the log has behind a cursor, of one thing if it is named, oldest first. */
export async function eventsSince(caller: Caller, cursor: string, subjectId?: string): Promise<Told[]> {
  const events: Told[] = []
  for (let after = cursor, more = true; more; ) {
    const { nodes, pageInfo } = data(await overRest.listEvents(caller, { after, first: 100 }))
    for (const { type, version, subjectId: subject, projectId, changes, actor } of nodes) {
      const told = changes.map(({ field, from, to }: Made) => [field, [from, to]])
      const actorId = actor?.id
      events.push({ type, version, subjectId: subject, projectId, changes: Object.fromEntries(told), actorId })
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

/** One project with a member of each role, a stranger and the instance's ADMIN. */
export interface Cast {
  url: string
  projectId: string
  key: string
  people: Record<Exclude<Somebody, 'signed out'>, Person>
}

/** For a server nobody is on yet: its first account is the ADMIN. */
export async function newCast(server: { url: string }): Promise<Cast> {
  const people: Partial<Cast['people']> = {}
  for (const name of ['ADMIN', 'stranger', ...ROLES] as const) people[name] = await signUpAt(server, name)
  const cast = people as Cast['people']
  const { id, key } = await newProject(cast.OWNER, { name: 'Shared' })
  for (const role of ROLES.slice(0, 3)) await addTo(cast.ADMIN, id, cast[role].email, role)
  return { url: server.url, projectId: id, key, people: cast }
}

/** An operation, the role it needs, and how it is run on a task of the cast's project. */
export type Guarded = [
  name: string,
  needed: Role,
  run: (api: Operations, caller: Caller, task: Made, cast: Cast) => Promise<Outcome>,
]

/** That an operation is for a role and up, that others hear why not, and that nothing comes of what they tried. */
export async function expectRoles(api: Operations, cast: Cast, [, needed, run]: Guarded): Promise<void> {
  for (const person of EVERYBODY) {
    const task = await newTask(cast.people.OWNER, { projectId: cast.projectId, title: `For ${person}` })
    const cursor = await cursorOf(cast.people.ADMIN)
    const caller = person === 'signed out' ? { url: cast.url } : cast.people[person]
    const outcome = await run(api, caller, task, cast)
    const code = expectedCode(person, needed)
    expect(outcome.error?.code, `${person}: ${outcome.exchange}`).toBe(code)
    if (code === undefined) continue
    expect(await eventsSince(cast.people.ADMIN, cursor), `${person}: ${outcome.exchange}`).toEqual([])
    expect(await readTask(cast.people.OWNER, task.id)).toEqual(task)
  }
}

function expectedCode(person: Somebody, needed: Role): string | undefined {
  if (person === 'signed out') return 'UNAUTHENTICATED'
  if (person === 'stranger') return 'NOT_FOUND'
  const enough = person === 'ADMIN' || ROLES.indexOf(person) >= ROLES.indexOf(needed)
  return enough ? undefined : 'FORBIDDEN'
}

/** That an operation was refused with this code, naming these values. */
export function expectRefused(outcome: Outcome, code: string, fields: string[]): void {
  const { exchange, ...error } = refusal(outcome)
  expect({ code: error.code, fields: error.fields }, exchange).toEqual({ code, fields })
}
