import { builder } from '../../schema/builder.ts'
import { connectionType, listQuery, pageArguments } from '../../schema/lists.ts'
import { logged } from '../../schema/logged.ts'
import { findsNodes, Node } from '../../schema/node.ts'
import { EXPECTED_VERSION } from '../../schema/rules.ts'
import { TaskFilter } from '../tasks/filter/schema.ts'
import { createSavedFilterRules, listSavedFiltersRules, updateSavedFilterRules } from './input.ts'
import { visibleSavedFiltersSql } from './policy.ts'
import * as savedFilters from './service.ts'

logged('savedFilter', {
  table: 'SavedFilter',
  project: 'projectId',
  verbs: { insert: 'created', update: 'updated', delete: 'deleted', leave: 'removed' },
  columns: ['name', 'filter', 'projectId'],
  fixed: ['ownerId'],
})

findsNodes({ name: 'SavedFilter', scope: 'tasks:read', visible: visibleSavedFiltersSql })

export const SavedFilterType = builder.prismaObject('SavedFilter', {
  interfaces: [Node],
  select: { id: true },
  description: 'A task filter under a name, for its owner or shared with a project.',
  fields: (t) => ({
    id: t.exposeID('id'),
    name: t.exposeString('name', { extensions: { rules: createSavedFilterRules.shape.name } }),
    filter: t.expose('filter', {
      type: 'JSON',
      description: 'A TaskFilter. `me` in it is whoever uses the filter.',
      extensions: { rules: createSavedFilterRules.shape.filter },
    }),
    projectId: t.exposeID('projectId', {
      nullable: true,
      description: 'The project it is shared with. Null if only its owner sees it.',
    }),
    ownerId: t.exposeID('ownerId'),
    owner: t.relation('owner'),
    version: t.exposeInt('version', { description: 'Increases by one with each change.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
  }),
})

const SavedFilterConnection = connectionType(SavedFilterType)

const NAME = '1 to 100 characters.'

const CreateSavedFilterInput = builder.inputType('CreateSavedFilterInput', {
  validate: createSavedFilterRules,
  fields: (t) => ({
    name: t.string({ required: true, description: NAME }),
    filter: t.field({ type: TaskFilter, required: true }),
    projectId: t.id({ description: 'Share it with this project. By default only you see it.' }),
  }),
})

const UpdateSavedFilterInput = builder.inputType('UpdateSavedFilterInput', {
  description: 'Absent fields stay unchanged.',
  validate: updateSavedFilterRules,
  fields: (t) => ({
    name: t.string({ description: NAME }),
    filter: t.field({ type: TaskFilter, description: 'Replaces the whole filter.' }),
    projectId: t.id({ description: 'Share it with this project. Null makes it private.' }),
  }),
})

builder.queryField('savedFilters', (t) =>
  t.field({
    type: SavedFilterConnection,
    description: 'Your saved filters and those shared with your projects, oldest first.',
    access: { scope: 'tasks:read' },
    extensions: { errors: ['NOT_FOUND'] },
    rest: { method: 'GET', path: '/saved-filters' },
    validate: listSavedFiltersRules,
    args: { projectId: t.arg.id({ description: 'Only those shared with this project.' }), ...pageArguments },
    resolve: (_root, args, ctx, info) => savedFilters.listSavedFilters(ctx, args, listQuery(ctx, info)),
  }),
)

builder.queryField('savedFilter', (t) =>
  t.prismaField({
    type: 'SavedFilter',
    nullable: true,
    description: 'A saved filter by id. List its tasks with `tasks(savedFilterId:)`.',
    access: { scope: 'tasks:read' },
    rest: { method: 'GET', path: '/saved-filters/{id}' },
    args: { id: t.arg.id({ required: true }) },
    resolve: (query, _root, { id }, ctx) => savedFilters.getSavedFilter(ctx, id, query),
  }),
)

builder.mutationField('createSavedFilter', (t) =>
  t.prismaField({
    type: 'SavedFilter',
    description: 'Save a task filter under a name. Sharing it needs EDITOR on the project.',
    access: { scope: 'tasks:write' },
    extensions: { errors: ['NOT_FOUND'] },
    rest: {
      method: 'POST',
      path: '/saved-filters',
      status: 201,
      body: 'input',
      location: ({ id }) => `/saved-filters/${id}`,
    },
    args: { input: t.arg({ type: CreateSavedFilterInput, required: true }) },
    resolve: (query, _root, { input }, ctx) => savedFilters.createSavedFilter(ctx, input, query),
  }),
)

builder.mutationField('updateSavedFilter', (t) =>
  t.prismaField({
    type: 'SavedFilter',
    description:
      'Change, share or unshare a saved filter. Only its owner, who needs EDITOR on the project it is shared with, and the OWNERs of that project can do this.',
    access: { scope: 'tasks:write' },
    rest: { method: 'PATCH', path: '/saved-filters/{id}', body: 'input' },
    args: {
      id: t.arg.id({ required: true }),
      input: t.arg({ type: UpdateSavedFilterInput, required: true }),
      expectedVersion: t.arg.int({ description: EXPECTED_VERSION }),
    },
    resolve: (query, _root, { id, input, expectedVersion }, ctx) =>
      savedFilters.updateSavedFilter(ctx, id, input, expectedVersion, query),
  }),
)

builder.mutationField('deleteSavedFilter', (t) =>
  t.prismaField({
    type: 'SavedFilter',
    description: 'Delete a saved filter. Only its owner and the OWNERs of the project it is shared with can do this.',
    access: { scope: 'tasks:write' },
    rest: { method: 'DELETE', path: '/saved-filters/{id}', status: 204 },
    args: {
      id: t.arg.id({ required: true }),
      expectedVersion: t.arg.int({ description: EXPECTED_VERSION }),
    },
    resolve: (query, _root, { id, expectedVersion }, ctx) =>
      savedFilters.deleteSavedFilter(ctx, id, expectedVersion, query),
  }),
)
