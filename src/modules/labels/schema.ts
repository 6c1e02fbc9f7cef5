import { builder } from '../../schema/builder.ts'
import { listQuery, pageArguments } from '../../schema/lists.ts'
import { EXPECTED_VERSION } from '../../schema/rules.ts'
import { createLabelRules, listLabelsRules, updateLabelRules } from './input.ts'
import * as labels from './service.ts'
import { LabelConnection } from './type.ts'

const name = '1 to 50 characters. Must be unique in the project, ignoring case.'

const CreateLabelInput = builder.inputType('CreateLabelInput', {
  validate: createLabelRules,
  fields: (t) => ({
    name: t.string({ required: true, description: name }),
    color: t.string({ description: 'A hex color like #1d76db. Gray by default.' }),
  }),
})

const UpdateLabelInput = builder.inputType('UpdateLabelInput', {
  description: 'Absent fields stay unchanged.',
  validate: updateLabelRules,
  fields: (t) => ({
    name: t.string({ description: name }),
    color: t.string({ description: 'A hex color like #1d76db.' }),
  }),
})

builder.queryField('labels', (t) =>
  t.field({
    type: LabelConnection,
    description: 'List the labels of a project, sorted by name. Needs VIEWER on the project.',
    access: { scope: 'tasks:read' },
    rest: { method: 'GET', path: '/projects/{projectId}/labels', tag: 'labels' },
    validate: listLabelsRules,
    args: { projectId: t.arg.id({ required: true }), ...pageArguments },
    resolve: (_root, args, ctx, info) => labels.listLabels(ctx, args, listQuery(ctx, info)),
  }),
)

builder.mutationField('createLabel', (t) =>
  t.prismaField({
    type: 'Label',
    description: 'Add a label to a project. Needs EDITOR on the project.',
    access: { scope: 'tasks:write' },
    rest: {
      method: 'POST',
      path: '/projects/{projectId}/labels',
      status: 201,
      body: 'input',
      tag: 'labels',
      location: (_label, { projectId }) => `/projects/${projectId}/labels`,
    },
    args: { projectId: t.arg.id({ required: true }), input: t.arg({ type: CreateLabelInput, required: true }) },
    resolve: (query, _root, { projectId, input }, ctx) => labels.createLabel(ctx, projectId, input, query),
  }),
)

builder.mutationField('updateLabel', (t) =>
  t.prismaField({
    type: 'Label',
    description: 'Change the name or color of a label. Needs EDITOR on the project.',
    access: { scope: 'tasks:write' },
    rest: { method: 'PATCH', path: '/labels/{id}', body: 'input' },
    args: {
      id: t.arg.id({ required: true }),
      input: t.arg({ type: UpdateLabelInput, required: true }),
      expectedVersion: t.arg.int({ description: EXPECTED_VERSION }),
    },
    resolve: (query, _root, { id, input, expectedVersion }, ctx) =>
      labels.updateLabel(ctx, id, input, expectedVersion, query),
  }),
)

builder.mutationField('deleteLabel', (t) =>
  t.prismaField({
    type: 'Label',
    description: 'Delete a label and remove it from all tasks. Needs EDITOR on the project.',
    access: { scope: 'tasks:write' },
    rest: { method: 'DELETE', path: '/labels/{id}', status: 204 },
    args: {
      id: t.arg.id({ required: true }),
      expectedVersion: t.arg.int({ description: EXPECTED_VERSION }),
    },
    resolve: (query, _root, { id, expectedVersion }, ctx) => labels.deleteLabel(ctx, id, expectedVersion, query),
  }),
)
