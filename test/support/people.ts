import { describe } from 'vitest'
import { rest } from './clients.ts'
import { onPostgres } from './database.ts'
import { ask, type Caller, call, ifMatch, LIST, LIST_VARIABLES, type Outcome, PAGE, USER } from './operations.ts'
import { signUp, signUpAdmin, type TestServer, type TestUser } from './server.ts'

type Input = Record<string, unknown>

interface Paging {
  first?: unknown
  after?: unknown
  last?: unknown
  before?: unknown
  offset?: unknown
  totalCount?: boolean
}

type UserList = Paging & { filter?: { role?: unknown; disabled?: unknown; search?: unknown } }

/** Operations on users and members in both protocols. */
export interface PeopleOperations {
  protocol: 'GraphQL' | 'REST'
  listUsers(caller: Caller, args?: UserList): Promise<Outcome>
  getUser(caller: Caller, id: string): Promise<Outcome>
  createUser(caller: Caller, input: Input): Promise<Outcome>
  updateUser(caller: Caller, id: string, input: Input, expectedVersion?: number): Promise<Outcome>
  /** Returns no data over REST, like removeMember. */
  deleteUser(caller: Caller, id: string, expectedVersion?: number): Promise<Outcome>
  updateMe(caller: Caller, input: Input, expectedVersion?: number): Promise<Outcome>
  listMembers(caller: Caller, projectId: string, args?: Paging): Promise<Outcome>
  addMember(caller: Caller, projectId: string, input: Input): Promise<Outcome>
  setMember(caller: Caller, projectId: string, userId: string, input: Input, expectedVersion?: number): Promise<Outcome>
  removeMember(caller: Caller, projectId: string, userId: string): Promise<Outcome>
}

const MEMBERSHIP = `id projectId userId role user { ${USER} } version createdAt updatedAt`
const counted = (totalCount: boolean | undefined) => (totalCount ? 'totalCount' : '')

const peopleOverGraphql: PeopleOperations = {
  protocol: 'GraphQL',
  listUsers: (caller, { totalCount, ...args } = {}) =>
    ask(
      caller,
      `query ($filter: UserFilter, ${LIST_VARIABLES}) {
        users(filter: $filter, ${LIST}) { nodes { ${USER} } ${PAGE} ${counted(totalCount)} }
      }`,
      args,
    ),
  getUser: (caller, id) => ask(caller, `query ($id: ID!) { user(id: $id) { ${USER} } }`, { id }),
  createUser: (caller, input) =>
    ask(caller, `mutation ($input: CreateUserInput!) { createUser(input: $input) { ${USER} } }`, { input }),
  updateUser: (caller, id, input, expectedVersion) =>
    ask(
      caller,
      `mutation ($id: ID!, $input: UpdateUserInput!, $expectedVersion: Int) {
        updateUser(id: $id, input: $input, expectedVersion: $expectedVersion) { ${USER} }
      }`,
      { id, input, expectedVersion },
    ),
  deleteUser: (caller, id, expectedVersion) =>
    ask(
      caller,
      `mutation ($id: ID!, $expectedVersion: Int) { deleteUser(id: $id, expectedVersion: $expectedVersion) { ${USER} } }`,
      { id, expectedVersion },
    ),
  updateMe: (caller, input, expectedVersion) =>
    ask(
      caller,
      `mutation ($input: UpdateMeInput!, $expectedVersion: Int) {
        updateMe(input: $input, expectedVersion: $expectedVersion) { ${USER} }
      }`,
      { input, expectedVersion },
    ),
  listMembers: (caller, projectId, { totalCount, ...args } = {}) =>
    ask(
      caller,
      `query ($projectId: ID!, ${LIST_VARIABLES}) {
        members(projectId: $projectId, ${LIST}) { nodes { ${MEMBERSHIP} } ${PAGE} ${counted(totalCount)} }
      }`,
      { projectId, ...args },
    ),
  addMember: (caller, projectId, input) =>
    ask(
      caller,
      `mutation ($projectId: ID!, $input: AddMemberInput!) {
        addMember(projectId: $projectId, input: $input) { ${MEMBERSHIP} }
      }`,
      { projectId, input },
    ),
  setMember: (caller, projectId, userId, input, expectedVersion) =>
    ask(
      caller,
      `mutation ($projectId: ID!, $userId: ID!, $input: SetMemberInput!, $expectedVersion: Int) {
        setMember(projectId: $projectId, userId: $userId, input: $input, expectedVersion: $expectedVersion) { ${MEMBERSHIP} }
      }`,
      { projectId, userId, input, expectedVersion },
    ),
  removeMember: (caller, projectId, userId) =>
    ask(
      caller,
      `mutation ($projectId: ID!, $userId: ID!) { removeMember(projectId: $projectId, userId: $userId) { ${MEMBERSHIP} } }`,
      { projectId, userId },
    ),
}

const at = (id: string) => encodeURIComponent(id)
const membersOf = (projectId: string) => `/projects/${at(projectId)}/members`

const peopleOverRest: PeopleOperations = {
  protocol: 'REST',
  listUsers: (caller, { filter, ...args } = {}) => call(caller, `GET /users${queryString({ ...filter, ...args })}`),
  getUser: (caller, id) => call(caller, `GET /users/${at(id)}`),
  createUser: (caller, body) => call(caller, 'POST /users', body),
  updateUser: (caller, id, body, version) => call(caller, `PATCH /users/${at(id)}`, body, ifMatch(version)),
  deleteUser: (caller, id, version) => call(caller, `DELETE /users/${at(id)}`, undefined, ifMatch(version)),
  updateMe: (caller, body, version) => call(caller, 'PATCH /me', body, ifMatch(version)),
  listMembers: (caller, projectId, args = {}) => call(caller, `GET ${membersOf(projectId)}${queryString(args)}`),
  addMember: (caller, projectId, body) => call(caller, `POST ${membersOf(projectId)}`, body),
  setMember: (caller, projectId, userId, body, version) =>
    call(caller, `PUT ${membersOf(projectId)}/${at(userId)}`, body, ifMatch(version)),
  removeMember: (caller, projectId, userId) => call(caller, `DELETE ${membersOf(projectId)}/${at(userId)}`),
}

function queryString({ first, last, totalCount, ...rest }: Paging): string {
  const values = { ...rest, limit: first ?? last, include: totalCount ? 'totalCount' : undefined }
  const given = Object.entries(values).filter(([, value]) => value !== undefined)
  return given.length > 0 ? `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : ''
}

/** Runs a specification over the protocol that `describeApi` picks for the database. */
export function describePeople(what: string, specify: (api: PeopleOperations) => void): void {
  const api = onPostgres ? peopleOverGraphql : peopleOverRest
  describe(`${what} over ${api.protocol}`, () => specify(api))
}

/** A signed-in user as a caller. */
export type Person = Caller & TestUser

export async function signUpAt({ url }: { url: string }, name?: string): Promise<Person> {
  return { ...(await signUp({ url }, name)), url }
}

/** Signs up an ADMIN, on a fresh server or on the shared one. */
export async function signUpAdminAt(server: TestServer, name?: string): Promise<Person> {
  return { ...(await signUpAdmin(server, name)), url: server.url }
}

export const newEmail = () => `${crypto.randomUUID()}@example.org`

/** Returns unique input for createUser. */
export const newAccount = () => ({
  email: newEmail(),
  name: 'New Person',
  password: `password ${crypto.randomUUID()}`,
})

/** Creates an API key and returns a caller that uses it. */
export async function apiKey({ url, token }: Person, ...scopes: string[]): Promise<Caller> {
  const { status, body } = await rest({ url }, 'POST /api-keys', { token, body: { name: 'A key', scopes } })
  if (status !== 201) throw new Error(`could not create an API key: ${status} ${JSON.stringify(body)}`)
  return { url, token: body.secret }
}

/** Adds a member on behalf of an OWNER or ADMIN. */
export async function addTo({ url, token }: Caller, projectId: string, email: string, role: string): Promise<void> {
  const answer = await rest({ url }, `POST ${membersOf(projectId)}`, { token, body: { email, role } })
  if (answer.status !== 201) throw new Error(`could not add a member: ${answer.status} ${answer.text}`)
}

/** Strips a refusal of its exchange. */
export const shape = ({ code, fields }: { code: string; fields: string[] }) => ({ code, fields })
