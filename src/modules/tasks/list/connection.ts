import { builder } from '../../../schema/builder.ts'
import { type Connection, connectionType } from '../../../schema/lists.ts'
import { grouped } from '../../../schema/rules.ts'
import { TaskType } from '../type.ts'
import { MAX_RANKED } from './ranked.ts'

export const TaskConnection = connectionType(TaskType)

builder.objectField(TaskConnection, 'searchTruncated', (t) =>
  t.boolean({
    nullable: true,
    restEmbed: true,
    description: `True if a search in order of relevance found more than ${grouped(MAX_RANKED)} tasks and ranked only the newest of them. Null for other lists.`,
    resolve: (page: Connection<unknown>) => page.remark,
  }),
)
