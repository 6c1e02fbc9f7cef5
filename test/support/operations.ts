import { describe } from 'vitest'
import { graphql, type Issue, rest } from './clients.ts'

/** Who calls which server; without a token nobody does. */
export interface Caller {
  url: string
  token?: string | undefined
}

/** What an operation answered, in one form whichever protocol carried it. */
export interface Outcome {
  // biome-ignore lint/suspicious/noExplicitAny: a test says with its expectations what it takes an answer for
  data: any
  error?: {
    code: string
    /** The values at fault, sorted, as both protocols can name them: `title`, `priority.gte`, `limit`, `expectedVersion`. */
    fields: string[]
    /** The broken rule of each of them. */
    rules: Record<string, string>
  }
  /** What was asked and answered, for a failing test to show. */
  exchange: string
}

/** A list's arguments as GraphQL has them; REST's query string is made from them. */
export interface ListArguments {
  filter?: { status?: unknown; priority?: { in?: unknown; gte?: unknown; lte?: unknown }; projectId?: unknown }
  orderBy?: { field: string; direction?: string }[]
  first?: unknown
  after?: unknown
  last?: unknown
  before?: unknown
  offset?: unknown
  totalCount?: boolean
}

type Input = Record<string, unknown>

/** The operations that GraphQL and REST have in common. */
export interface Operations {
  protocol: 'GraphQL' | 'REST'
  createTask(caller: Caller, input: Input): Promise<Outcome>
  getTask(caller: Caller, id: string): Promise<Outcome>
  listTasks(caller: Caller, args?: ListArguments): Promise<Outcome>
  updateTask(caller: Caller, id: string, input: Input, expectedVersion?: number): Promise<Outcome>
  replaceTask(caller: Caller, id: string, input: Input, expectedVersion?: number): Promise<Outcome>
  /** REST answers with nothing. */
  deleteTask(caller: Caller, id: string, expectedVersion?: number): Promise<Outcome>
  createProject(caller: Caller, input: Input): Promise<Outcome>
  getProject(caller: Caller, id: string): Promise<Outcome>
  listProjects(caller: Caller, args?: ListArguments): Promise<Outcome>
  me(caller: Caller): Promise<Outcome>
  register(caller: Caller, input: Input): Promise<Outcome>
  signIn(caller: Caller, input: Input): Promise<Outcome>
  listEvents(caller: Caller, args?: { projectId?: unknown; after?: unknown; first?: unknown }): Promise<Outcome>
  eventCursor(caller: Caller): Promise<Outcome>
}

/** Runs the same specification over both protocols. */
export function describeBoth(what: string, specify: (api: Operations) => void): void {
  describe.each([overGraphql, overRest])(`${what} over $protocol`, specify)
}

/** The data of an operation that is expected to succeed. */
export function data(outcome: Outcome): Outcome['data'] {
  if (outcome.error) throw new Error(`expected success, but ${outcome.exchange}`)
  return outcome.data
}

/** The error of an operation that is expected to be refused. */
export function refusal(outcome: Outcome): NonNullable<Outcome['error']> & Pick<Outcome, 'exchange'> {
  if (!outcome.error) throw new Error(`expected a refusal, but ${outcome.exchange}`)
  return { ...outcome.error, exchange: outcome.exchange }
}

// What REST shows by default.
export const PAGE = 'pageInfo { hasNextPage hasPreviousPage startCursor endCursor }'
export const USER = 'id name email role disabledAt createdAt updatedAt version'
const PROJECT = 'id key name description archivedAt version createdAt updatedAt'
export const TASK =
  'id key projectId number title description status priority dueAt completedAt parentId assigneeIds labelIds creatorId deletedAt version createdAt updatedAt'
const EVENT = `cursor type projectId subjectId taskId version task { ${TASK} } changes { field from to } actor { ${USER} } at`
const AUTH = `accessToken refreshToken tokenType expiresIn user { ${USER} }`
export const LIST_VARIABLES = '$first: Int, $after: String, $last: Int, $before: String, $offset: Int'
export const LIST = 'first: $first, after: $after, last: $last, before: $before, offset: $offset'

export const overGraphql: Operations = {
  protocol: 'GraphQL',
  createTask: (caller, input) =>
    ask(caller, `mutation ($input: CreateTaskInput!) { createTask(input: $input) { ${TASK} } }`, { input }),
  getTask: (caller, id) => ask(caller, `query ($id: ID!) { task(id: $id) { ${TASK} } }`, { id }),
  listTasks: (caller, { totalCount, ...args } = {}) =>
    ask(
      caller,
      `query ($filter: TaskFilter, $orderBy: [TaskOrder!], ${LIST_VARIABLES}) {
        tasks(filter: $filter, orderBy: $orderBy, ${LIST}) { nodes { ${TASK} } ${PAGE} ${totalCount ? 'totalCount' : ''} }
      }`,
      args,
    ),
  updateTask: (caller, id, input, expectedVersion) =>
    ask(
      caller,
      `mutation ($id: ID!, $input: UpdateTaskInput!, $expectedVersion: Int) {
        updateTask(id: $id, input: $input, expectedVersion: $expectedVersion) { ${TASK} }
      }`,
      { id, input, expectedVersion },
    ),
  replaceTask: (caller, id, input, expectedVersion) =>
    ask(
      caller,
      `mutation ($id: ID!, $input: ReplaceTaskInput!, $expectedVersion: Int) {
        replaceTask(id: $id, input: $input, expectedVersion: $expectedVersion) { ${TASK} }
      }`,
      { id, input, expectedVersion },
    ),
  deleteTask: (caller, id, expectedVersion) =>
    ask(
      caller,
      `mutation ($id: ID!, $expectedVersion: Int) { deleteTask(id: $id, expectedVersion: $expectedVersion) { ${TASK} } }`,
      { id, expectedVersion },
    ),
  createProject: (caller, input) =>
    ask(caller, `mutation ($input: CreateProjectInput!) { createProject(input: $input) { ${PROJECT} } }`, { input }),
  getProject: (caller, id) => ask(caller, `query ($id: ID!) { project(id: $id) { ${PROJECT} } }`, { id }),
  listProjects: (caller, { totalCount, ...args } = {}) =>
    ask(
      caller,
      `query (${LIST_VARIABLES}) { projects(${LIST}) { nodes { ${PROJECT} } ${PAGE} ${totalCount ? 'totalCount' : ''} } }`,
      args,
    ),
  me: (caller) => ask(caller, `{ me { ${USER} } }`),
  register: (caller, input) =>
    ask(caller, `mutation ($input: RegisterUserInput!) { registerUser(input: $input) { ${AUTH} } }`, { input }),
  signIn: (caller, input) =>
    ask(caller, `mutation ($input: SignInInput!) { signIn(input: $input) { ${AUTH} } }`, { input }),
  listEvents: (caller, args = {}) =>
    ask(
      caller,
      `query ($projectId: ID, $after: String, $first: Int) {
        events(projectId: $projectId, after: $after, first: $first) { nodes { ${EVENT} } ${PAGE} }
      }`,
      { ...args },
    ),
  eventCursor: async (caller) => {
    const outcome = await ask(caller, '{ eventCursor }')
    return outcome.error ? outcome : { ...outcome, data: { cursor: outcome.data } }
  },
}

export const overRest: Operations = {
  protocol: 'REST',
  createTask: (caller, body) => call(caller, 'POST /tasks', body),
  getTask: (caller, id) => call(caller, `GET /tasks/${encodeURIComponent(id)}`),
  listTasks: (caller, args) => call(caller, `GET /tasks${queryString(args)}`),
  updateTask: (caller, id, body, version) =>
    call(caller, `PATCH /tasks/${encodeURIComponent(id)}`, body, ifMatch(version)),
  replaceTask: (caller, id, body, version) =>
    call(caller, `PUT /tasks/${encodeURIComponent(id)}`, body, ifMatch(version)),
  deleteTask: (caller, id, version) =>
    call(caller, `DELETE /tasks/${encodeURIComponent(id)}`, undefined, ifMatch(version)),
  createProject: (caller, body) => call(caller, 'POST /projects', body),
  getProject: (caller, id) => call(caller, `GET /projects/${encodeURIComponent(id)}`),
  listProjects: (caller, args) => call(caller, `GET /projects${queryString(args)}`),
  me: (caller) => call(caller, 'GET /me'),
  register: (caller, body) => call(caller, 'POST /auth/register', body),
  signIn: (caller, body) => call(caller, 'POST /auth/sign-in', body),
  listEvents: (caller, { projectId, ...args } = {}) =>
    call(caller, `GET /events${queryString({ ...args, ...(projectId !== undefined && { filter: { projectId } }) })}`),
  eventCursor: (caller) => call(caller, 'GET /events/cursor'),
}

/** Runs a GraphQL operation of one field. */
export async function ask(caller: Caller, query: string, variables: Record<string, unknown> = {}): Promise<Outcome> {
  const { status, data, errors } = await graphql(caller, query, variables, { token: caller.token })
  const exchange = `${query} with ${JSON.stringify(variables)} answered ${status} ${JSON.stringify({ errors, data })}`
  const [error] = errors ?? []
  if (!error) return { data: Object.values(data)[0], exchange }
  return {
    data: undefined,
    error: describeError(error.extensions.code, error.extensions.issues, argumentName),
    exchange,
  }
}

/** Calls `"GET /tasks"`. */
export async function call(
  caller: Caller,
  request: string,
  body?: Input,
  headers?: Record<string, string>,
): Promise<Outcome> {
  const answer = await rest(caller, request, { token: caller.token, body, ...(headers && { headers }) })
  const sent = body === undefined ? '' : ` with ${JSON.stringify(body)}`
  const exchange = `${request}${sent} answered ${answer.status} ${answer.text}`
  if (answer.status < 400) return { data: answer.body, exchange }
  return { data: undefined, error: describeError(answer.body?.code, answer.body?.errors, requestName), exchange }
}

function describeError(code: string, issues: Issue[] = [], nameOf: (path: string[]) => string) {
  const named = issues.map(({ path, code: rule }) => {
    const name = nameOf(path.filter((step) => typeof step === 'string'))
    return [name.replace(/^orderBy\..*/, 'orderBy'), rule] as const
  })
  return { code, fields: [...new Set(named.map(([name]) => name))].sort(), rules: Object.fromEntries(named) }
}

/** `["input","title"]` is `title`, `["filter","priority","gte"]` is `priority.gte`, `["first"]` is `limit`. */
function argumentName(path: string[]): string {
  const [first = '', ...rest] = path
  if (first === 'input' || first === 'filter') return rest.join('.')
  return first === 'first' || first === 'last' ? 'limit' : path.join('.')
}

/** `["body","title"]` is `title`, `["query","priority.gte"]` is `priority.gte`. */
function requestName([, ...names]: string[]): string {
  return names.join('.') === 'If-Match' ? 'expectedVersion' : names.join('.')
}

export function ifMatch(version: number | undefined): Record<string, string> | undefined {
  return version === undefined ? undefined : { 'if-match': `"v${version}.anything"` }
}

function queryString({ filter = {}, orderBy = [], totalCount, first, last, ...rest }: ListArguments = {}): string {
  const { status, projectId, priority = {} } = filter
  const values: [string, unknown][] = [
    ['status', status],
    ['projectId', projectId],
    ['priority', priority.in],
    ['priority.gte', priority.gte],
    ['priority.lte', priority.lte],
    [
      'orderBy',
      orderBy.map(({ field, direction }) => `${camelCase(field)}${direction ? `:${direction.toLowerCase()}` : ''}`),
    ],
    ['limit', first ?? last],
    ['include', totalCount ? 'totalCount' : undefined],
    ...Object.entries(rest),
  ]
  const query = new URLSearchParams(
    values.flatMap(([name, value]) =>
      value === undefined ? [] : [value].flat().map((one): [string, string] => [name, String(one)]),
    ),
  )
  return query.size > 0 ? `?${query}` : ''
}

function camelCase(constant: string): string {
  return constant.toLowerCase().replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
}
