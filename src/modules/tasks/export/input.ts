import { z } from 'zod'
import { checkOrder, selectTasksRules } from '../list/input.ts'
import { EXPORT_FORMATS, type ExportFormat } from './formats.ts'

export const EXPORT_FORMAT_NAMES = Object.keys(EXPORT_FORMATS) as ExportFormat[]

export const exportTasksRules = selectTasksRules
  .extend({ format: z.enum(EXPORT_FORMAT_NAMES).nullish() })
  .check(checkOrder)

export type ExportTasksValues = z.infer<typeof exportTasksRules>
