import { randomUUID } from 'node:crypto'
import type { Random } from '../../fuzz/random.ts'

/** A task as far as the writers know it: others may have changed it meanwhile. */
export interface KnownTask {
  id: string
  projectId: string
  deleted: boolean
}

/** One request, in both protocols. */
export interface Write {
  rest: { method: string; path: string; body?: object }
  graphql: { query: string; variables: object }
  /** Tasks it would change. */
  tasks: readonly KnownTask[]
  /** A title it gives, where it gives one: by it the write is found in the log. */
  mark?: string
  /** What it makes of them when it succeeds. */
  succeeded?(task: KnownTask): void
}

const SHOWN = 'id version projectId'
const OUTCOMES = `{ outcomes { task { ${SHOWN} } } }`
const STATUSES = ['PENDING', 'IN_PROGRESS', 'COMPLETED', 'CANCELLED'] as const
const SMALLEST_BATCH = 20
const LARGEST_BATCH = 200

/** Chooses what to write next. */
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
    throw new Error('the shares do not add up')
  }
}

function create(input: { title: string }): Write {
  return {
    rest: { method: 'POST', path: '/tasks', body: input },
    graphql: {
      query: `mutation ($input: CreateTaskInput!) { createTask(input: $input) { ${SHOWN} } }`,
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
      query: `mutation ($id: ID!, $input: UpdateTaskInput!) { updateTask(id: $id, input: $input) { ${SHOWN} } }`,
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
      query: `mutation ($id: ID!, $projectId: ID!) { moveTask(id: $id, projectId: $projectId) { ${SHOWN} } }`,
      variables: { id: task.id, projectId },
    },
    tasks: [task],
    succeeded: (moved) => (moved.projectId = projectId),
  }
}

const ofOne = (field: string, task: KnownTask) => ({
  query: `mutation ($id: ID!) { ${field}(id: $id) { ${SHOWN} } }`,
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
