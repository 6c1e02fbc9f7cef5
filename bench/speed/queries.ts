/** The GraphQL documents of the work items. */

export const BY_ID = `query Task($id: ID!) {
  task(id: $id) {
    id key number title description status priority dueAt completedAt creatorId version createdAt updatedAt
  }
}`

export const LIST = `query Tasks($filter: TaskFilter, $orderBy: [TaskOrder!], $first: Int) {
  tasks(filter: $filter, orderBy: $orderBy, first: $first) {
    nodes { id key title status priority dueAt assigneeIds labelIds createdAt }
    pageInfo { hasNextPage endCursor }
  }
}`

export const LIST_WITH_RELATIONS = `query TasksWithRelations($filter: TaskFilter, $orderBy: [TaskOrder!], $first: Int) {
  tasks(filter: $filter, orderBy: $orderBy, first: $first) {
    nodes {
      id key title status priority dueAt
      project { key name }
      assignees { id name }
      labels { id name color }
    }
    pageInfo { hasNextPage endCursor }
  }
}`

export const SEARCH = `query Search($filter: TaskFilter, $first: Int) {
  tasks(filter: $filter, first: $first) {
    nodes { id key title status priority }
    pageInfo { hasNextPage endCursor }
  }
}`

export const CREATE = `mutation CreateTask($input: CreateTaskInput!) {
  createTask(input: $input) {
    id key title description status priority dueAt assigneeIds labelIds creatorId version createdAt
  }
}`

export const UPDATE = `mutation UpdateTask($id: ID!, $input: UpdateTaskInput!) {
  updateTask(id: $id, input: $input) { id key title status completedAt version updatedAt }
}`

export const BULK = `mutation CreateTasks($input: BulkCreateTasksInput!) {
  bulkCreateTasks(input: $input) { succeeded failed outcomes { status task { id key } } }
}`
