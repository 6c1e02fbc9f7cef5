import { z } from 'zod'
import { line as lineRule } from '../../../schema/rules.ts'
import { parseInstant } from '../../../schema/scalars.ts'
import { dateIssues } from '../dates.ts'
import { calendarDate, description, priority, status, title } from '../input.ts'

/** A task as a file has it: values that are not validated yet. An absent field keeps its value. */
export interface FileRow {
  /** Where it begins in the file: a line from 1, or in JSON an item from 1. */
  line: number
  values: Record<string, unknown>
  /** The name by which other rows of the file refer to this one. */
  ref?: string | undefined
  parentRef?: string | undefined
  /** The program whose ids these names are. Without one they are keys. */
  refSource?: string
  /** What the file has and a task cannot keep. */
  warnings?: string[]
  /** Why it is no task. */
  skipped?: string
  /** Why it cannot be read. */
  problem?: string
}

const MAX_NAMES = 20
const names = (rule: z.ZodType<string>) =>
  z.array(rule).max(MAX_NAMES, `must have at most ${MAX_NAMES} items`).nullish()

/** Accepts the names that other programs have for a status. */
const STATUS_NAMES: Readonly<Record<string, string>> = {
  TODO: 'PENDING',
  TO_DO: 'PENDING',
  OPEN: 'PENDING',
  DOING: 'IN_PROGRESS',
  STARTED: 'IN_PROGRESS',
  DONE: 'COMPLETED',
  COMPLETE: 'COMPLETED',
  CLOSED: 'COMPLETED',
  CANCELED: 'CANCELLED',
}

function readStatus(value: unknown): unknown {
  if (typeof value !== 'string') return value
  const name = value
    .trim()
    .toUpperCase()
    .replace(/[\s-]+/g, '_')
  return STATUS_NAMES[name] ?? name
}

const time = z.unknown().transform((value, { addIssue }): Date | null => {
  if (value === null || value === undefined) return null
  try {
    return parseInstant(value)
  } catch (error) {
    addIssue({ code: 'custom', message: (error as Error).message })
    return null
  }
})

/** The fields that an import sets. Others of an export are ignored: the server gives them. */
const FIELDS = {
  title,
  description: description.nullish(),
  status: z.preprocess(readStatus, status.nullish()),
  priority: priority.nullish(),
  startAt: time.optional(),
  dueAt: time.optional(),
  dueOn: calendarDate.nullish(),
  completedAt: time.optional(),
  labels: names(lineRule(50)),
  assignees: names(z.string().max(254)),
  externalSource: lineRule(50).nullish(),
  externalId: lineRule(200).nullish(),
} as const

export type Field = keyof typeof FIELDS | 'key' | 'parentKey'

/** How the text of a cell becomes the value of a field. */
export const CELL_TYPES: Readonly<Record<Field, 'text' | 'number' | 'names'>> = {
  title: 'text',
  description: 'text',
  status: 'text',
  priority: 'number',
  startAt: 'text',
  dueAt: 'text',
  dueOn: 'text',
  completedAt: 'text',
  labels: 'names',
  assignees: 'names',
  externalSource: 'text',
  externalId: 'text',
  key: 'text',
  parentKey: 'text',
}

export const isField = (name: string): name is Field => Object.hasOwn(CELL_TYPES, name)

/** Fields of an export that the server sets itself. */
export const IGNORED = new Set(['id', 'parentId', 'createdAt', 'updatedAt'])

const rowRules = z
  .object(FIELDS)
  .refine((row) => (row.externalSource == null) === (row.externalId == null), {
    path: ['externalId'],
    message: 'needs externalSource, and the other way round',
  })
  .check(({ value, issues }) => {
    for (const { path, message } of dateIssues(value)) issues.push({ code: 'custom', path, message, input: value })
  })

export type RowValues = z.infer<typeof rowRules>

/** A valid row. */
export interface ReadyRow extends FileRow {
  fields: RowValues
}

/** Validates a row. Returns its values, or a message that names every problem. */
export function checkRow({ values, problem }: FileRow): RowValues | string {
  if (problem !== undefined) return problem
  const { key: _key, parentKey: _parent, ...fields } = values
  const read = rowRules.safeParse(fields)
  if (read.success) return read.data
  return read.error.issues
    .slice(0, 10)
    .map(({ path, message }) => `${path.join('.')}: ${path[0] === 'title' && !fields.title ? 'is required' : message}`)
    .join('; ')
}
