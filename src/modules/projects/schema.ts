import { Prisma } from '../../generated/prisma/client.ts'
import { builder } from '../../schema/builder.ts'
import { connectionType, listQuery, pageArguments } from '../../schema/lists.ts'
import { logged } from '../../schema/logged.ts'
import { findsNodes, Node } from '../../schema/node.ts'
import { EXPECTED_VERSION } from '../../schema/rules.ts'
import { createProjectRules, listProjectsRules, updateProjectRules } from './input.ts'
import { inVisibleProject } from './policy.ts'
import * as projects from './service.ts'

logged('project', {
  table: 'Project',
  project: 'id',
  columns: ['key', 'name', 'description', 'archivedAt'],
  fixed: ['key'],
})

findsNodes({
  name: 'Project',
  scope: 'projects:read',
  visible: (viewer) => inVisibleProject(viewer, Prisma.sql`"id"`),
})

export const ProjectType = builder.prismaObject('Project', {
  interfaces: [Node],
  select: { id: true },
  description: 'A project: a group of tasks with members who can see and change them.',
  fields: (t) => ({
    id: t.exposeID('id'),
    key: t.exposeString('key', {
      description: 'The prefix of the keys of its tasks: WEB in WEB-42.',
      extensions: { rules: createProjectRules.shape.key },
    }),
    name: t.exposeString('name', { extensions: { rules: createProjectRules.shape.name } }),
    description: t.exposeString('description', {
      nullable: true,
      description: 'Markdown.',
      extensions: { rules: createProjectRules.shape.description },
    }),
    archivedAt: t.expose('archivedAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'When it was archived: nobody writes tasks, labels, comments or files in it. Null for other projects.',
    }),
    version: t.exposeInt('version', { description: 'Increases by one with each change.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
  }),
})

const ProjectConnection = connectionType(ProjectType)

const CreateProjectInput = builder.inputType('CreateProjectInput', {
  validate: createProjectRules,
  fields: (t) => ({
    key: t.string({
      description:
        '2 to 10 capital letters and digits, starting with a letter. Must be unique. By default derived from the name.',
    }),
    name: t.string({ required: true, description: 'At most 100 characters.' }),
    description: t.string({ description: 'Markdown, at most 2,000 characters.' }),
  }),
})

const UpdateProjectInput = builder.inputType('UpdateProjectInput', {
  description: 'Absent fields stay unchanged.',
  validate: updateProjectRules,
  fields: (t) => ({
    name: t.string({ description: 'At most 100 characters.' }),
    description: t.string({ description: 'Markdown, at most 2,000 characters. Null clears it.' }),
  }),
})

builder.mutationField('createProject', (t) =>
  t.prismaField({
    type: 'Project',
    description: 'Create a project. You become its OWNER.',
    access: { scope: 'projects:write' },
    rest: {
      method: 'POST',
      path: '/projects',
      status: 201,
      body: 'input',
      location: (project) => `/projects/${project.id}`,
    },
    args: { input: t.arg({ type: CreateProjectInput, required: true }) },
    resolve: (query, _root, { input }, ctx) => projects.createProject(ctx, input, query),
  }),
)

builder.queryField('project', (t) =>
  t.prismaField({
    type: 'Project',
    // Nullable, so that an unknown id does not null the rest of the query.
    nullable: true,
    description: 'Get a project by id. Needs VIEWER on the project.',
    access: { scope: 'projects:read' },
    rest: { method: 'GET', path: '/projects/{id}' },
    args: { id: t.arg.id({ required: true }) },
    resolve: (query, _root, { id }, ctx) => projects.getProject(ctx, id, query),
  }),
)

builder.queryField('projects', (t) =>
  t.field({
    type: ProjectConnection,
    description: 'List the projects you can see, oldest first.',
    access: { scope: 'projects:read' },
    rest: { method: 'GET', path: '/projects' },
    validate: listProjectsRules,
    args: {
      archived: t.arg.boolean({ description: 'Only projects that are archived (true), or that are not (false).' }),
      ...pageArguments,
    },
    resolve: (_root, args, ctx, info) => projects.listProjects(ctx, args, listQuery(ctx, info)),
  }),
)

const changed = builder.args((t) => ({
  id: t.id({ required: true }),
  expectedVersion: t.int({ description: EXPECTED_VERSION }),
}))

builder.mutationField('updateProject', (t) =>
  t.prismaField({
    type: 'Project',
    description: 'Change the name or description of a project. Needs OWNER on the project.',
    access: { scope: 'projects:write' },
    rest: { method: 'PATCH', path: '/projects/{id}', body: 'input' },
    args: { ...changed, input: t.arg({ type: UpdateProjectInput, required: true }) },
    resolve: (query, _root, { id, input, expectedVersion }, ctx) =>
      projects.updateProject(ctx, id, input, expectedVersion, query),
  }),
)

builder.mutationField('archiveProject', (t) =>
  t.prismaField({
    type: 'Project',
    description:
      'Archive a project: nobody can write tasks, labels, comments or files in it until it is unarchived. Needs OWNER on the project. An Inbox cannot be archived.',
    access: { scope: 'projects:write' },
    rest: { method: 'POST', path: '/projects/{id}/archive' },
    args: changed,
    resolve: (query, _root, { id, expectedVersion }, ctx) =>
      projects.setArchived(ctx, id, true, expectedVersion, query),
  }),
)

builder.mutationField('unarchiveProject', (t) =>
  t.prismaField({
    type: 'Project',
    description: 'Open an archived project again. Needs OWNER on the project.',
    access: { scope: 'projects:write' },
    rest: { method: 'POST', path: '/projects/{id}/unarchive' },
    args: changed,
    resolve: (query, _root, { id, expectedVersion }, ctx) =>
      projects.setArchived(ctx, id, false, expectedVersion, query),
  }),
)

builder.mutationField('deleteProject', (t) =>
  t.prismaField({
    type: 'Project',
    description:
      'Delete a project for good, with its tasks, labels, comments, files and members. Needs OWNER on the project. An Inbox, and a project with more than 10,000 tasks, cannot be deleted.',
    access: { scope: 'projects:write' },
    rest: { method: 'DELETE', path: '/projects/{id}', status: 204 },
    args: changed,
    resolve: (query, _root, { id, expectedVersion }, ctx) => projects.deleteProject(ctx, id, expectedVersion, query),
  }),
)
