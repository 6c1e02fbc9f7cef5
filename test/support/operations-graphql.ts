import { graphql } from './clients.ts'
import type { Embedded, Operations } from './operation-types.ts'
import { type Caller, describeError, type Outcome, shown } from './outcome.ts'

// Fields that REST returns by default.
export const PAGE = 'pageInfo { hasNextPage hasPreviousPage startCursor endCursor }'
export const USER = 'id name email role timeZone disabledAt createdAt updatedAt version'
const PROJECT = 'id key name description archivedAt version createdAt updatedAt'
export const TASK =
  'id key projectId number title description status priority startAt dueAt dueOn rank completedAt parentId assigneeIds labelIds creatorId deletedAt version createdAt updatedAt'
const LABEL = 'id projectId name color version createdAt updatedAt'
const RELATION = 'id type taskId relatedTaskId creatorId createdAt'
const EVENT = `cursor type projectId subjectId taskId version match task { ${TASK} } changes { field from to } actor { ${USER} } at`
const AUTH = `accessToken refreshToken tokenType expiresIn user { ${USER} }`
const BATCH = `succeeded failed dryRun
  outcomes { index status task { ${TASK} } error { code message issues { path code message } } }`
const EMBEDDED: Record<Embedded, string> = {
  subtaskProgress: 'subtaskProgress { total completed }',
  parent: `parent { ${TASK} }`,
  assignees: `assignees { ${USER} }`,
  labels: `labels { ${LABEL} }`,
  relations: `relations { ${RELATION} }`,
}
export const LIST_VARIABLES = '$first: Int, $after: String, $last: Int, $before: String, $offset: Int'
export const LIST = 'first: $first, after: $after, last: $last, before: $before, offset: $offset'

const counted = (totalCount: boolean | undefined) => (totalCount ? 'totalCount' : '')

export const overGraphql: Operations = {
  protocol: 'GraphQL',
  createTask: (caller, input) =>
    ask(caller, `mutation ($input: CreateTaskInput!) { createTask(input: $input) { ${TASK} } }`, { input }),
  getTask: (caller, id, include = []) =>
    ask(caller, `query ($id: ID!) { task(id: $id) { ${TASK} ${include.map((one) => EMBEDDED[one]).join(' ')} } }`, {
      id,
    }),
  listTasks: (caller, { totalCount, ...args } = {}) =>
    ask(
      caller,
      `query ($filter: TaskFilter, $orderBy: [TaskOrder!], ${LIST_VARIABLES}) {
        tasks(filter: $filter, orderBy: $orderBy, ${LIST}) {
          nodes { ${TASK} } ${PAGE} ${args.filter?.search === undefined ? '' : 'searchTruncated'} ${counted(totalCount)}
        }
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
  deleteTask: (caller, id, expectedVersion) => ask(caller, ofOne('deleteTask', TASK), { id, expectedVersion }),
  restoreTask: (caller, id, expectedVersion) => ask(caller, ofOne('restoreTask', TASK), { id, expectedVersion }),
  duplicateTask: (caller, id, title) =>
    ask(caller, `mutation ($id: ID!, $title: String) { duplicateTask(id: $id, title: $title) { ${TASK} } }`, {
      id,
      title,
    }),
  moveTask: (caller, id, projectId, expectedVersion) =>
    ask(
      caller,
      `mutation ($id: ID!, $projectId: ID!, $expectedVersion: Int) {
        moveTask(id: $id, projectId: $projectId, expectedVersion: $expectedVersion) { ${TASK} }
      }`,
      { id, projectId, expectedVersion },
    ),
  bulkCreateTasks: (caller, input) =>
    ask(caller, `mutation ($input: BulkCreateTasksInput!) { bulkCreateTasks(input: $input) { ${BATCH} } }`, { input }),
  bulkUpdateTasks: (caller, input) =>
    ask(caller, `mutation ($input: BulkUpdateTasksInput!) { bulkUpdateTasks(input: $input) { ${BATCH} } }`, { input }),
  bulkDeleteTasks: (caller, input) =>
    ask(caller, `mutation ($input: BulkDeleteTasksInput!) { bulkDeleteTasks(input: $input) { ${BATCH} } }`, { input }),
  listLabels: (caller, projectId, { totalCount, ...args } = {}) =>
    ask(
      caller,
      `query ($projectId: ID!, ${LIST_VARIABLES}) {
        labels(projectId: $projectId, ${LIST}) { nodes { ${LABEL} } ${PAGE} ${counted(totalCount)} }
      }`,
      { projectId, ...args },
    ),
  createLabel: (caller, projectId, input) =>
    ask(
      caller,
      `mutation ($projectId: ID!, $input: CreateLabelInput!) {
        createLabel(projectId: $projectId, input: $input) { ${LABEL} }
      }`,
      { projectId, input },
    ),
  updateLabel: (caller, id, input, expectedVersion) =>
    ask(
      caller,
      `mutation ($id: ID!, $input: UpdateLabelInput!, $expectedVersion: Int) {
        updateLabel(id: $id, input: $input, expectedVersion: $expectedVersion) { ${LABEL} }
      }`,
      { id, input, expectedVersion },
    ),
  deleteLabel: (caller, id, expectedVersion) => ask(caller, ofOne('deleteLabel', LABEL), { id, expectedVersion }),
  listRelations: (caller, taskId) =>
    ask(caller, `query ($taskId: ID!) { taskRelations(taskId: $taskId) { ${RELATION} } }`, { taskId }),
  createRelation: (caller, taskId, input) =>
    ask(
      caller,
      `mutation ($taskId: ID!, $input: CreateTaskRelationInput!) {
        createTaskRelation(taskId: $taskId, input: $input) { ${RELATION} }
      }`,
      { taskId, input },
    ),
  deleteRelation: (caller, taskId, id) =>
    ask(caller, `mutation ($taskId: ID!, $id: ID!) { deleteTaskRelation(taskId: $taskId, id: $id) { ${RELATION} } }`, {
      taskId,
      id,
    }),
  createProject: (caller, input) =>
    ask(caller, `mutation ($input: CreateProjectInput!) { createProject(input: $input) { ${PROJECT} } }`, { input }),
  getProject: (caller, id) => ask(caller, `query ($id: ID!) { project(id: $id) { ${PROJECT} } }`, { id }),
  listProjects: (caller, { totalCount, ...args } = {}) =>
    ask(
      caller,
      `query (${LIST_VARIABLES}) { projects(${LIST}) { nodes { ${PROJECT} } ${PAGE} ${counted(totalCount)} } }`,
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

/** Builds a mutation that takes only an id and a version. */
function ofOne(name: string, fields: string): string {
  return `mutation ($id: ID!, $expectedVersion: Int) { ${name}(id: $id, expectedVersion: $expectedVersion) { ${fields} } }`
}

/** Runs a GraphQL operation with one root field. */
export async function ask(caller: Caller, query: string, variables: Record<string, unknown> = {}): Promise<Outcome> {
  const { status, data, errors } = await graphql(caller, query, variables, { token: caller.token })
  const exchange = `${query} with ${shown(variables)} answered ${status} ${JSON.stringify({ errors, data })}`
  const [error] = errors ?? []
  if (!error) return { data: Object.values(data)[0], exchange }
  return {
    data: undefined,
    error: describeError(error.extensions.code, error.extensions.issues, argumentName),
    exchange,
  }
}

/** Maps `["input","title"]` to `title`, `["filter","priority","gte"]` to `priority.gte`. */
function argumentName(path: string[]): string {
  const [first = '', ...rest] = path
  if (first === 'input' || (first === 'filter' && rest.length > 0)) return rest.join('.')
  return first === 'first' || first === 'last' ? 'limit' : path.join('.')
}
