import { Prisma } from '../../generated/prisma/client.ts'
import { builder } from '../../schema/builder.ts'
import { connectionType } from '../../schema/lists.ts'
import { logged } from '../../schema/logged.ts'
import { findsNodes, Node } from '../../schema/node.ts'
import { inVisibleProject } from '../projects/policy.ts'
import { color, createLabelRules } from './input.ts'

logged('label', { table: 'Label', project: 'projectId', columns: ['name', 'color'], fixed: ['projectId'] })

findsNodes({
  name: 'Label',
  scope: 'tasks:read',
  visible: (viewer) => inVisibleProject(viewer, Prisma.sql`"projectId"`),
})

export const LabelType = builder.prismaObject('Label', {
  interfaces: [Node],
  select: { id: true },
  description: 'A label of a project, to mark its tasks with.',
  fields: (t) => ({
    id: t.exposeID('id'),
    projectId: t.exposeID('projectId'),
    name: t.exposeString('name', {
      description: 'Unique in the project, ignoring case.',
      extensions: { rules: createLabelRules.shape.name },
    }),
    color: t.exposeString('color', { description: 'A hex color like #1d76db.', extensions: { rules: color } }),
    version: t.exposeInt('version', { description: 'Increases by one with each change.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
  }),
})

export const LabelConnection = connectionType(LabelType)
