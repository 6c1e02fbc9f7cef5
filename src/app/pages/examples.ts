/** The tabs that GraphiQL opens with. A test runs each. */
export const EXAMPLES = [
  {
    query: `# Press the round button to run this. Sign in on the start page first: it fills in the headers.
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
    query: `# The tab "FollowTasks" shows this change live if you open it in a second window.
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
    query: `# Runs until you stop it. Then create a task in another window.
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
