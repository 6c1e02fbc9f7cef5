import { queryFromInfo } from '@pothos/plugin-prisma'
import { builder } from '../../builder.ts'
import { checkPage, connectionType, pageArguments, pageRules } from '../../pagination.ts'
import { createProjectRules } from './input.ts'
import * as projects from './service.ts'

export const ProjectType = builder.prismaObject('Project', {
  description: 'What tasks belong to, and who may see and change them.',
  fields: (t) => ({
    id: t.exposeID('id'),
    key: t.exposeString('key', {
      description: 'The first half of its tasks’ keys, like WEB.',
      extensions: { rules: createProjectRules.shape.key },
    }),
    name: t.exposeString('name', { extensions: { rules: createProjectRules.shape.name } }),
    description: t.exposeString('description', {
      nullable: true,
      description: 'Markdown.',
      extensions: { rules: createProjectRules.shape.description },
    }),
    archivedAt: t.expose('archivedAt', { type: 'DateTime', nullable: true }),
    version: t.exposeInt('version', { description: 'Rises by one with each change.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
  }),
})

const ProjectConnection = connectionType(ProjectType)

const CreateProjectInput = builder.inputType('CreateProjectInput', {
  validate: createProjectRules,
  fields: (t) => ({
    key: t.string({ description: 'Unique; 2 to 10 capital letters and digits. Made from the name when absent.' }),
    name: t.string({ required: true, description: 'At most 100 characters.' }),
    description: t.string({ description: 'Markdown, at most 2,000 characters.' }),
  }),
})

builder.mutationField('createProject', (t) =>
  t.prismaField({
    type: 'Project',
    description: 'Create a project. Whoever creates it is its OWNER.',
    authScopes: { scope: 'projects:write' },
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
    // Null beside its error, so that one id that is not there does not take the rest of a query with it.
    nullable: true,
    description: 'One project.',
    authScopes: { scope: 'projects:read' },
    rest: { method: 'GET', path: '/projects/{id}' },
    args: { id: t.arg.id({ required: true }) },
    resolve: (query, _root, { id }, ctx) => projects.getProject(ctx, id, query),
  }),
)

builder.queryField('projects', (t) =>
  t.field({
    type: ProjectConnection,
    description: 'The projects you see, oldest first.',
    authScopes: { scope: 'projects:read' },
    rest: { method: 'GET', path: '/projects' },
    validate: pageRules.check(checkPage),
    args: pageArguments,
    resolve: (_root, args, ctx, info) =>
      projects.listProjects(ctx, args, queryFromInfo({ context: ctx, info, paths: [['nodes'], ['edges', 'node']] })),
  }),
)
