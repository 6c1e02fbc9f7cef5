import { randomUUID } from 'node:crypto'
import type { Random } from '../../support/random.ts'

/** What the writers know of a task. Another writer may have changed it since. */
export interface KnownTask {
  id: string
  projectId: string
  deleted: boolean
}

/** One write, as a REST request and as a GraphQL operation. */
export interface Write {
  rest: { method: string; path: string; body?: object }
  graphql: { query: string; variables: object }
  /** The tasks to change. */
  tasks: readonly KnownTask[]
  /** The unique title it sets, by which the write is found in the log. */
  mark?: string
  /** Records the effect of a successful write. */
  succeeded?(task: KnownTask): void
}

const SELECTION = 'id version projectId'
const OUTCOMES = `{ outcomes { task { ${SELECTION} } } }`
const STATUSES = ['PENDING', 'IN_PROGRESS', 'COMPLETED', 'CANCELLED'] as const
const SMALLEST_BATCH = 20
const LARGEST_BATCH = 200

/** Returns a function that chooses the next write. */
export function writePlans(random: Random, projectIds: readonly string[], tasks: readonly KnownTask[]): () => Write {
  const alive = () => {
    for (let tries = 0; tries < 20; tries++) {
      const task = random.pick(tasks)
      if (!task.deleted) return task
    }
    return random.pick(tasks)
  }
  const newTask = (title: string) => ({ title, projectId: random.pick(projectIds), status: random.pick(STATUSES) })
  const changes = (title: string) => ({ title, ...(random.chance(0.5) && { status: random.pick(STATUSES) }) })
  const batch = () => SMALLEST_BATCH + random.below(LARGEST_BATCH - SMALLEST_BATCH)
  const several = () => [...new Set(Array.from({ length: batch() }, alive))]

  const plans: [share: number, plan: () => Write][] = [
    [25, () => create(newTask(randomUUID()))],
    [30, () => update(alive(), changes(randomUUID()))],
    [6, () => move(alive(), random.pick(projectIds))],
    [6, () => remove(alive())],
    [6, () => restore(tasks.find((task) => task.deleted) ?? alive())],
    [
      12,
      () =>
        bulkCreate(
          randomUUID(),
          Array.from({ length: batch() }, () => newTask('')),
        ),
    ],
    [13, () => bulkUpdate(randomUUID(), several(), () => changes(''))],
    [2, () => bulkDelete(several())],
  ]
  const total = plans.reduce((sum, [share]) => sum + share, 0)
  return () => {
    if (tasks.length < LARGEST_BATCH)
      return bulkCreate(
        randomUUID(),
        Array.from({ length: batch() }, () => newTask('')),
      )
    let left = random.below(total)
    for (const [share, plan] of plans) {
      left -= share
      if (left < 0) return plan()
    }
    throw new Error('the shares do not add up to the total')
  }
}

function create(input: { title: string }): Write {
  return {
    rest: { method: 'POST', path: '/tasks', body: input },
    graphql: {
      query: `mutation ($input: CreateTaskInput!) { createTask(input: $input) { ${SELECTION} } }`,
      variables: { input },
    },
    tasks: [],
    mark: input.title,
  }
}

function update(task: KnownTask, input: { title: string }): Write {
  return {
    rest: { method: 'PATCH', path: `/tasks/${task.id}`, body: input },
    graphql: {
      query: `mutation ($id: ID!, $input: UpdateTaskInput!) { updateTask(id: $id, input: $input) { ${SELECTION} } }`,
      variables: { id: task.id, input },
    },
    tasks: [task],
    mark: input.title,
  }
}

function move(task: KnownTask, projectId: string): Write {
  return {
    rest: { method: 'POST', path: `/tasks/${task.id}/move`, body: { projectId } },
    graphql: {
      query: `mutation ($id: ID!, $projectId: ID!) { moveTask(id: $id, projectId: $projectId) { ${SELECTION} } }`,
      variables: { id: task.id, projectId },
    },
    tasks: [task],
    succeeded: (moved) => (moved.projectId = projectId),
  }
}

const ofOne = (field: string, task: KnownTask) => ({
  query: `mutation ($id: ID!) { ${field}(id: $id) { ${SELECTION} } }`,
  variables: { id: task.id },
})

function remove(task: KnownTask): Write {
  return {
    rest: { method: 'DELETE', path: `/tasks/${task.id}` },
    graphql: ofOne('deleteTask', task),
    tasks: [task],
    succeeded: (one) => (one.deleted = true),
  }
}

function restore(task: KnownTask): Write {
  return {
    rest: { method: 'POST', path: `/tasks/${task.id}/restore` },
    graphql: ofOne('restoreTask', task),
    tasks: [task],
    succeeded: (one) => (one.deleted = false),
  }
}

function bulkCreate(mark: string, items: readonly object[]): Write {
  const input = { items: items.map((item) => ({ ...item, title: mark })) }
  return {
    rest: { method: 'POST', path: '/tasks/bulk', body: input },
    graphql: {
      query: `mutation ($input: BulkCreateTasksInput!) { bulkCreateTasks(input: $input) ${OUTCOMES} }`,
      variables: { input },
    },
    tasks: [],
    mark,
  }
}

function bulkUpdate(mark: string, tasks: readonly KnownTask[], changes: () => object): Write {
  const input = { items: tasks.map(({ id }) => ({ id, ...changes(), title: mark })) }
  return {
    rest: { method: 'PATCH', path: '/tasks/bulk', body: input },
    graphql: {
      query: `mutation ($input: BulkUpdateTasksInput!) { bulkUpdateTasks(input: $input) ${OUTCOMES} }`,
      variables: { input },
    },
    tasks,
    mark,
  }
}

function bulkDelete(tasks: readonly KnownTask[]): Write {
  const input = { items: tasks.map(({ id }) => ({ id })) }
  return {
    rest: { method: 'POST', path: '/tasks/bulk-delete', body: input },
    graphql: {
      query: `mutation ($input: BulkDeleteTasksInput!) { bulkDeleteTasks(input: $input) ${OUTCOMES} }`,
      variables: { input },
    },
    tasks,
    succeeded: (task) => (task.deleted = true),
  }
}
