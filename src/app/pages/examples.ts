/** The tabs that GraphiQL opens with. A test runs each. */
export const EXAMPLES = [
  {
    query: `# Press the round button. Once you are signed in, the headers are filled in.
query UrgentTasks {
  tasks(first: 10, filter: { status: [PENDING, IN_PROGRESS] }, orderBy: [{ field: PRIORITY, direction: DESC }]) {
    totalCount
    nodes {
      key
      title
      priority
      project { name }
      assignees { name }
    }
  }
}
`,
  },
  {
    query: `# The next tab shows this live in a second window.
mutation CreateTask($input: CreateTaskInput!) {
  createTask(input: $input) {
    key
    title
    status
    version
  }
}
`,
    variables: { input: { title: 'Try GraphiQL', priority: 4 } },
  },
  {
    query: `# Runs until stopped. Create a task meanwhile.
subscription FollowTasks {
  taskEvents {
    cursor
    type
    actor { name }
    task { key title status }
  }
}
`,
  },
] as const
