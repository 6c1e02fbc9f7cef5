import { builder } from '../../builder.ts'
import { connectionType } from '../../pagination.ts'
import { color, createLabelRules } from './input.ts'

export const LabelType = builder.prismaObject('Label', {
  description: 'A mark that tasks of a project may bear.',
  fields: (t) => ({
    id: t.exposeID('id'),
    projectId: t.exposeID('projectId'),
    name: t.exposeString('name', {
      description: 'Unique in its project, whatever the case.',
      extensions: { rules: createLabelRules.shape.name },
    }),
    color: t.exposeString('color', { description: 'Like #1d76db.', extensions: { rules: color } }),
    version: t.exposeInt('version', { description: 'Rises by one with each change.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
  }),
})

export const LabelConnection = connectionType(LabelType)
