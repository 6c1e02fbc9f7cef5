import { mayWrite, nounsOf, seenHere, visibleProjects, visibleSecrets, visibleTasks, visibleTrash } from './powers.ts'
import type { Recipe, SeenEvents } from './recipe.ts'
import type { World } from './world.ts'

const ofTask = ({ task }: World) => ({ id: task.id })
const byKey = ({ task }: World) => ({ id: task.key })
const ofProject = ({ projectId }: World) => ({ projectId })
const title = (text: string) => ({ input: { title: text } })
const related = (type: string, relatedTaskId: string) => ({ input: { type, relatedTaskId } })

/** Returns the ids of the live tasks in the project that the operations act on. */
const projectTasks = ({ task, subtask }: World) => [task.id, subtask.id]

/** Wraps the project in `and`, because REST reads a bare `projectId` as the argument. */
const filterOfProject = (world: World) => ({ filter: { and: [ofProject(world)] } })

const SOME_TYPES = ['project', 'task.created', 'member.added']

const eventsOfAll = (world: World, all: readonly World[]): SeenEvents => ({
  eventsOf: visibleProjects(world, all),
  nouns: nounsOf(world),
})
const taskEventsOfAll = (world: World, all: readonly World[]): SeenEvents => ({
  eventsOf: visibleProjects(world, all),
  nouns: ['task'],
})
const eventsOfProject = (world: World): SeenEvents => ({ eventsOf: [world.projectId], nouns: nounsOf(world) })

export const taskRecipes: Record<string, Recipe> = {
  'Query.tasks': { sees: (world, all) => ({ ids: visibleTasks(world, all) }) },
  'Query.tasks: in the project': {
    variables: (world) => ({ filter: ofProject(world) }),
    sees: (world) => ({ ids: projectTasks(world) }),
  },
  'Query.tasks: in the project, nested filter': {
    variables: ({ projectId, self, labelId }) => ({
      filter: {
        and: [{ or: [{ projectId }, { projectId: self.inboxId }] }],
        not: { or: [{ projectId: self.inboxId }, { not: { labelId: { all: [labelId] } } }] },
      },
    }),
    sees: ({ subtask }) => ({ ids: [subtask.id] }),
  },
  'Query.tasks: in the trash': {
    variables: () => ({ filter: { deleted: true } }),
    sees: (world, all) => ({ ids: visibleTrash(world, all) }),
  },
  'Query.tasks: in the project’s trash': {
    variables: ({ projectId }) => ({ filter: { projectId, deleted: true } }),
    sees: ({ deletedTask }) => ({ ids: [deletedTask.id] }),
  },
  'Query.tasks: by search': {
    variables: () => ({ filter: { search: 'secrets' } }),
    sees: (world, all) => ({ ids: visibleSecrets(world, all) }),
  },
  'Query.tasks: by search, oldest first': {
    variables: () => ({ filter: { search: 'secrets' }, orderBy: [{ field: 'CREATED_AT', direction: 'ASC' }] }),
    sees: (world, all) => ({ ids: visibleSecrets(world, all) }),
  },
  'Query.tasks: by search in the project': {
    variables: ({ projectId }) => ({ filter: { projectId, search: 'secrets' } }),
    sees: (world) => ({ ids: projectTasks(world) }),
  },
  'Query.tasks: by search or priority': {
    variables: () => ({ filter: { or: [{ search: 'secrets' }, { priority: { gte: 5 } }] } }),
    sees: (world, all) => ({ ids: visibleSecrets(world, all) }),
  },
  'Query.tasks: by keys': {
    variables: ({ task, unseen }) => ({ filter: { key: [task.key, unseen.task.key] } }),
    sees: (world) => ({ ids: seenHere(world, { project: [world.task.id], unseen: [world.unseen.task.id] }) }),
  },
  'Query.tasks: by label': {
    variables: ({ labelId }) => ({ filter: { labelId: { any: [labelId] } } }),
    sees: ({ subtask }) => ({ ids: [subtask.id] }),
  },
  'Query.tasks: by parent': {
    variables: ({ task }) => ({ filter: { parentId: task.id } }),
    sees: ({ subtask }) => ({ ids: [subtask.id] }),
  },
  'Query.tasks: by parent key': {
    variables: ({ task }) => ({ filter: { parentId: task.key } }),
    sees: ({ subtask }) => ({ ids: [subtask.id] }),
  },
  'Query.tasks: by assignee': {
    variables: ({ third }) => ({ filter: { assigneeId: [third.id] } }),
    sees: (world) => ({ ids: seenHere(world, { project: [world.subtask.id], unseen: [world.unseen.task.id] }) }),
  },
  'Query.tasks: assigned to the viewer': {
    variables: () => ({ filter: { assigneeId: ['me'] } }),
    sees: (world) => ({ ids: seenHere(world, { unseen: [world.unseen.task.id] }) }),
  },
  'Query.tasks: created by the viewer': {
    variables: () => ({ filter: { creatorId: ['me'] } }),
    sees: (world) => ({
      ids: [
        world.self.inboxTask.id,
        ...(world.ownerId === world.self.id ? projectTasks(world) : []),
        ...seenHere(world, { unseen: [world.unseen.task.id] }),
      ],
    }),
  },
  'Query.task': { variables: ofTask, is: ({ task }) => task.id },
  'Query.task: by key': { variables: byKey, is: ({ task }) => task.id },
  'Query.task: in the trash': { variables: ({ deletedTask }) => ({ id: deletedTask.id }) },
  'Query.task: in the trash, by key': { variables: ({ deletedTask }) => ({ id: deletedTask.key }) },
  'Query.taskRelations': {
    variables: ({ task }) => ({ taskId: task.id }),
    sees: (world) => ({ ids: seenHere(world, { project: [world.relationId], unseen: [world.unseen.relationId] }) }),
  },
  'Query.taskRelations: by key': {
    variables: ({ subtask }) => ({ taskId: subtask.key }),
    sees: ({ relationId }) => ({ ids: [relationId] }),
  },
  'Query.labels': { variables: ofProject, sees: ({ labelId }) => ({ ids: [labelId] }) },
  'Query.events': { sees: eventsOfAll },
  'Query.events: in the project': {
    variables: ofProject,
    sees: eventsOfProject,
  },
  'Query.events: by types': {
    variables: () => ({ types: SOME_TYPES }),
    sees: (world, all) => ({ ...eventsOfAll(world, all), types: SOME_TYPES }),
  },
  'Query.events: filtered by project': {
    variables: filterOfProject,
    sees: (world) => ({ eventsOf: [world.projectId], nouns: ['task'], subjects: projectTasks(world) }),
  },
  'Query.events: filtered by label': {
    variables: ({ labelId }) => ({ filter: { labelId: { any: [labelId] } } }),
    sees: ({ projectId, subtask }) => ({ eventsOf: [projectId], nouns: ['task'], subjects: [subtask.id] }),
  },
  'Query.events: by search': {
    variables: () => ({ filter: { search: 'secrets' } }),
    sees: (world, all) => ({
      eventsOf: visibleProjects(world, all),
      nouns: ['task'],
      subjects: visibleSecrets(world, all),
    }),
  },
  'Query.eventCursor': {},

  'Mutation.createTask': { variables: () => title('In my Inbox') },
  'Mutation.createTask: in the project': {
    variables: ({ projectId }) => ({ input: { projectId, title: 'In the project' } }),
  },
  'Mutation.createTask: as a sub-task': {
    variables: ({ task }) => ({ input: { parentId: task.key, title: 'Below a task' } }),
  },
  'Mutation.createTask: with label and assignee': {
    variables: ({ projectId, labelId, third }) => ({
      input: { projectId, title: 'With links', labelIds: [labelId], assigneeIds: [third.id] },
    }),
  },
  'Mutation.updateTask': { variables: (world) => ({ ...ofTask(world), ...title('Changed') }) },
  'Mutation.updateTask: by key': { variables: (world) => ({ ...byKey(world), ...title('Changed') }) },
  'Mutation.replaceTask': { variables: (world) => ({ ...ofTask(world), ...title('Replaced'), expectedVersion: 1 }) },
  'Mutation.deleteTask': { variables: ofTask },
  'Mutation.deleteTask: by key': { variables: byKey },
  'Mutation.restoreTask': { variables: ({ deletedTask }) => ({ id: deletedTask.id, expectedVersion: 1 }) },
  'Mutation.restoreTask: by key': { variables: ({ deletedTask }) => ({ id: deletedTask.key }) },
  'Mutation.duplicateTask': { variables: ofTask },
  'Mutation.moveTask': { variables: (world) => ({ ...ofTask(world), projectId: world.secondProjectId }) },
  'Mutation.moveTask: to readable project': {
    variables: (world) => ({ ...ofTask(world), projectId: world.readable.projectId }),
  },
  'Mutation.moveTask: from readable project': {
    variables: ({ readable, secondProjectId }) => ({ id: readable.task.id, projectId: secondProjectId }),
  },
  'Mutation.moveTask: to hidden project': {
    variables: (world) => ({ ...ofTask(world), projectId: world.unseen.projectId }),
  },
  'Mutation.repositionTask': { variables: (world) => ({ ...ofTask(world), input: { status: 'IN_PROGRESS' } }) },
  'Mutation.repositionTask: after another task': {
    variables: (world) => ({ ...byKey(world), input: { afterId: world.subtask.key } }),
  },
  'Mutation.bulkCreateTasks': {
    variables: ({ projectId }) => ({ input: { items: [{ projectId, title: 'One of many' }] } }),
    changes: mayWrite,
  },
  'Mutation.bulkUpdateTasks': {
    variables: ({ task }) => ({ input: { items: [{ id: task.id, title: 'One of many' }] } }),
    changes: mayWrite,
  },
  'Mutation.bulkDeleteTasks': {
    variables: ({ task }) => ({ input: { items: [{ id: task.key }] } }),
    changes: mayWrite,
  },

  'Mutation.createTaskRelation': {
    variables: ({ task, subtask }) => ({ taskId: task.id, ...related('DUPLICATES', subtask.key) }),
  },
  'Mutation.createTaskRelation: to readable task': {
    variables: ({ task, readable }) => ({ taskId: task.id, ...related('BLOCKED_BY', readable.task.id) }),
  },
  'Mutation.createTaskRelation: duplicates it': {
    variables: ({ task, readable }) => ({ taskId: task.id, ...related('DUPLICATES', readable.task.id) }),
  },
  'Mutation.createTaskRelation: relates to it': {
    variables: ({ task, readable }) => ({ taskId: task.id, ...related('RELATES_TO', readable.task.id) }),
  },
  'Mutation.createTaskRelation: of readable task': {
    variables: ({ task, readable }) => ({ taskId: readable.task.id, ...related('BLOCKS', task.id) }),
  },
  'Mutation.createTaskRelation: to hidden task': {
    variables: ({ task, unseen }) => ({ taskId: task.id, ...related('BLOCKS', unseen.task.id) }),
  },
  'Mutation.deleteTaskRelation': { variables: ({ task, relationId }) => ({ taskId: task.id, id: relationId }) },
  'Mutation.deleteTaskRelation: to hidden task': {
    variables: ({ task, unseen }) => ({ taskId: task.id, id: unseen.relationId }),
  },
  'Mutation.createLabel': { variables: (world) => ({ ...ofProject(world), input: { name: 'Another' } }) },
  'Mutation.updateLabel': { variables: ({ labelId }) => ({ id: labelId, input: { name: 'Another' } }) },
  'Mutation.deleteLabel': { variables: ({ labelId }) => ({ id: labelId }) },

  'Subscription.events': { sees: eventsOfAll },
  'Subscription.events: in the project': { variables: ofProject, sees: eventsOfProject },
  'Subscription.events: by types': {
    variables: () => ({ types: ['task', 'member.updated'] }),
    sees: (world, all) => ({ ...eventsOfAll(world, all), types: ['task', 'member.updated'] }),
  },
  'Subscription.events: filtered by project': {
    variables: filterOfProject,
    sees: ({ projectId }) => ({ eventsOf: [projectId], nouns: ['task'] }),
  },
  'Subscription.taskEvents': { sees: taskEventsOfAll },
  'Subscription.taskEvents: in the project': {
    variables: ofProject,
    sees: ({ projectId }) => ({ eventsOf: [projectId], nouns: ['task'] }),
  },
  'Subscription.taskEvents: by search or priority': {
    variables: () => ({ filter: { or: [{ search: 'secrets' }, { priority: { lte: 5 } }] } }),
    sees: taskEventsOfAll,
  },
}
