/** The documents of queries.ts for PostGraphile, which derives its names from the database. */
import { BY_ID, CREATE, LIST, LIST_WITH_RELATIONS, SEARCH, UPDATE } from './queries.ts'

interface Translation {
  query: string
  variables(given: never): object
}

interface ListVariables {
  filter: { projectId: string; status: string[] }
  orderBy: { field: string; direction: 'ASC' | 'DESC' }[]
  first: number
}

interface CreateVariables {
  input: Record<'projectId' | 'title' | 'description' | 'priority' | 'dueAt' | 'assigneeIds' | 'labelIds', unknown>
}

function listVariables({ filter, orderBy, first }: ListVariables) {
  const [order] = orderBy
  const names = order ? [`${order.field}_${order.direction}`, `ROW_ID_${order.direction}`] : []
  return { project: filter.projectId, status: filter.status[0], orderBy: names, first }
}

const list = (
  fields: string,
) => `query Tasks($project: UUID!, $status: TaskStatus!, $orderBy: [TaskOrderBy!], $first: Int) {
  tasks: apiProjectTasks(project: $project, taskStatus: $status, orderBy: $orderBy, first: $first) {
    nodes { ${fields} }
    pageInfo { hasNextPage endCursor }
  }
}`

const translations = new Map<string, Translation>([
  [
    BY_ID,
    {
      query: `query Task($id: UUID!) {
  task: apiFindTask(taskId: $id) {
    id: rowId key number title description status priority dueAt completedAt creatorId version createdAt updatedAt
  }
}`,
      variables: (given: object) => given,
    },
  ],
  [
    LIST,
    {
      query: list('id: rowId key title status priority dueAt assigneeIds labelIds createdAt'),
      variables: listVariables,
    },
  ],
  [
    LIST_WITH_RELATIONS,
    {
      query: list(`id: rowId key title status priority dueAt
      project: projectByProjectId { key name }
      assignees: assigneesList { id: rowId name }
      labels: labelsList { id: rowId name color }`),
      variables: listVariables,
    },
  ],
  [
    SEARCH,
    {
      query: `query Search($typed: String!, $first: Int) {
  tasks: apiSearchTasks(typed: $typed, first: $first) {
    nodes { id: rowId key title status priority }
    pageInfo { hasNextPage endCursor }
  }
}`,
      variables: ({ filter, first }: { filter: { search: string }; first: number }) => ({
        typed: filter.search,
        first,
      }),
    },
  ],
  [
    CREATE,
    {
      query: `mutation CreateTask($input: ApiAddTaskInput!) {
  createTask: apiAddTask(input: $input) {
    result {
      id: rowId key title description status priority dueAt assigneeIds labelIds creatorId version createdAt
    }
  }
}`,
      variables: ({ input: { projectId, ...input } }: CreateVariables) => ({ input: { project: projectId, ...input } }),
    },
  ],
  [
    UPDATE,
    {
      query: `mutation UpdateTask($input: ApiChangeTaskInput!) {
  updateTask: apiChangeTask(input: $input) {
    result { id: rowId key title status completedAt version updatedAt }
  }
}`,
      variables: ({ id, input }: { id: string; input: object }) => ({ input: { taskId: id, ...input } }),
    },
  ],
])

/** Translates the body of a GraphQL request. */
export function translate(body: object): object {
  const { query, variables } = body as { query: string; variables: never }
  const translation = translations.get(query)
  if (!translation) throw new Error(`no translation of ${query}`)
  return { query: translation.query, variables: translation.variables(variables) }
}
