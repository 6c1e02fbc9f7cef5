import type { Variables } from './doors.ts'
import { probesOfFilter } from './filter-probes.ts'
import { assignees, followed, labels, negated, projects, relations, tasks, tasksAnywhere } from './hidings.ts'
import type { Probe } from './probe.ts'
import type { World } from './world.ts'

const FILTERED = ['Query.tasks', 'Query.events', 'Subscription.events', 'Subscription.taskEvents']

const filterProbes = FILTERED.map((name) => {
  const isStream = name.startsWith('Subscription.')
  return probesOfFilter(`${name} filter`, (filter) => ({ filter }), {
    // All fields share one filter lookup, so only Query.tasks tries every persona.
    ...(name !== 'Query.tasks' && { personas: ['remo'] }),
    unnamed: (hiding, place) => (isStream ? followed(hiding) : place === 'not.' ? negated(hiding) : hiding),
  })
})

type Input = (id: string) => Variables

/** Builds input for a new task in the viewer's Inbox or for the existing one, single or bulk. */
const inInbox =
  (input: Input): Probe['variables'] =>
  (id, { self }) => ({ input: { projectId: self.inboxId, title: 'A', ...input(id) } })
const ofOwn =
  (input: Input): Probe['variables'] =>
  (id, { self }) => ({ id: self.inboxTask.id, input: input(id) })
const items = (item: Variables): Variables => ({ input: { items: [item] } })
const itemInInbox =
  (input: Input): Probe['variables'] =>
  (id, { self }) =>
    items({ projectId: self.inboxId, title: 'A', ...input(id) })
const itemOfOwn =
  (input: Input): Probe['variables'] =>
  (id, { self }) =>
    items({ id: self.inboxTask.id, ...input(id) })

const parent = (parentId: string) => ({ parentId })
const label = (id: string) => ({ labelIds: [id] })
const assignee = (id: string) => ({ assigneeIds: [id] })
const titled = (input: Input) => (id: string) => ({ title: 'A', ...input(id) })
const blocks = (relatedTaskId: string) => ({ input: { type: 'BLOCKS', relatedTaskId } })
const ownTask = ({ self }: World) => self.inboxTask.id

export const taskProbes: Record<string, Probe> = {
  ...Object.assign({}, ...filterProbes),
  'Query.tasks filter.projectId: with a search': {
    ...projects,
    variables: (projectId) => ({ filter: { projectId, search: 'secret' } }),
  },
  'Query.task id': { ...tasks, variables: (id) => ({ id }) },
  'Query.taskRelations taskId': { ...tasks, variables: (taskId) => ({ taskId }) },
  'Query.labels projectId': { ...projects, variables: (projectId) => ({ projectId }) },

  'Mutation.createTask input.projectId': {
    ...projects,
    variables: (projectId) => ({ input: { projectId, title: 'A' } }),
  },
  'Mutation.createTask input.parentId': { ...tasks, variables: inInbox(parent) },
  'Mutation.createTask input.parentId: without a project': {
    ...tasks,
    variables: (parentId) => ({ input: { title: 'A', parentId } }),
  },
  'Mutation.createTask input.labelIds': { ...labels, variables: inInbox(label) },
  'Mutation.createTask input.assigneeIds': { ...assignees, variables: inInbox(assignee) },
  'Mutation.updateTask id': { ...tasks, variables: (id) => ({ id, input: { title: 'A' }, expectedVersion: 7 }) },
  'Mutation.updateTask input.parentId': { ...tasks, variables: ofOwn(parent) },
  'Mutation.updateTask input.labelIds': { ...labels, variables: ofOwn(label) },
  'Mutation.updateTask input.assigneeIds': { ...assignees, variables: ofOwn(assignee) },
  'Mutation.replaceTask id': { ...tasks, variables: (id) => ({ id, input: { title: 'A' } }) },
  'Mutation.replaceTask input.parentId': { ...tasks, variables: ofOwn(titled(parent)) },
  'Mutation.replaceTask input.labelIds': { ...labels, variables: ofOwn(titled(label)) },
  'Mutation.replaceTask input.assigneeIds': { ...assignees, variables: ofOwn(titled(assignee)) },
  'Mutation.deleteTask id': { ...tasks, variables: (id) => ({ id, expectedVersion: 7 }) },
  'Mutation.restoreTask id': { ...tasksAnywhere, variables: (id) => ({ id, expectedVersion: 7 }) },
  'Mutation.duplicateTask id': { ...tasks, variables: (id) => ({ id }) },
  'Mutation.moveTask id': { ...tasks, variables: (id, { self }) => ({ id, projectId: self.inboxId }) },
  'Mutation.moveTask projectId': {
    ...projects,
    variables: (projectId, asking) => ({ id: ownTask(asking), projectId }),
  },
  'Mutation.repositionTask id': { ...tasks, variables: (id) => ({ id, input: {}, expectedVersion: 7 }) },
  'Mutation.repositionTask input.beforeId': { ...tasks, variables: ofOwn((beforeId) => ({ beforeId })) },
  'Mutation.repositionTask input.afterId': { ...tasks, variables: ofOwn((afterId) => ({ afterId })) },

  'Mutation.bulkCreateTasks input.items.projectId': {
    ...projects,
    variables: (projectId) => items({ projectId, title: 'A' }),
  },
  'Mutation.bulkCreateTasks input.items.parentId': { ...tasks, variables: itemInInbox(parent) },
  'Mutation.bulkCreateTasks input.items.parentId: without a project': {
    ...tasks,
    variables: (parentId) => items({ title: 'A', parentId }),
  },
  'Mutation.bulkCreateTasks input.items.labelIds': { ...labels, variables: itemInInbox(label) },
  'Mutation.bulkCreateTasks input.items.assigneeIds': { ...assignees, variables: itemInInbox(assignee) },
  'Mutation.bulkUpdateTasks input.items.id': {
    ...tasks,
    variables: (id) => items({ id, title: 'A', expectedVersion: 7 }),
  },
  'Mutation.bulkUpdateTasks input.items.parentId': { ...tasks, variables: itemOfOwn(parent) },
  'Mutation.bulkUpdateTasks input.items.labelIds': { ...labels, variables: itemOfOwn(label) },
  'Mutation.bulkUpdateTasks input.items.assigneeIds': { ...assignees, variables: itemOfOwn(assignee) },
  'Mutation.bulkDeleteTasks input.items.id': { ...tasks, variables: (id) => items({ id, expectedVersion: 7 }) },

  'Mutation.createTaskRelation taskId': {
    ...tasks,
    variables: (taskId, asking) => ({ taskId, ...blocks(ownTask(asking)) }),
  },
  'Mutation.createTaskRelation input.relatedTaskId': {
    ...tasks,
    variables: (relatedTaskId, asking) => ({ taskId: ownTask(asking), ...blocks(relatedTaskId) }),
  },
  'Mutation.deleteTaskRelation taskId': {
    ...tasks,
    variables: (taskId, { relationId }) => ({ taskId, id: relationId }),
  },
  'Mutation.deleteTaskRelation id': { ...relations, variables: (id, { task }) => ({ taskId: task.id, id }) },
  'Mutation.createLabel projectId': { ...projects, variables: (projectId) => ({ projectId, input: { name: 'A' } }) },
  'Mutation.updateLabel id': { ...labels, variables: (id) => ({ id, input: { name: 'A' }, expectedVersion: 7 }) },
  'Mutation.deleteLabel id': { ...labels, variables: (id) => ({ id, expectedVersion: 7 }) },
}
