import { TaskStatus } from '../../generated/prisma/enums.ts'
import { builder } from '../../schema/builder.ts'

export const TaskStatusType = builder.enumType(TaskStatus, { name: 'TaskStatus', description: 'Progress of a task.' })
