import { dateIssues, optionalDay } from '../dates.ts'
import type { TaskLinks } from '../links.ts'
import type { changedTask } from '../service.ts'
import { MAX_ANCESTORS, treeIssue } from '../tree-rules.ts'
import type { FoundParent, KnownTask } from './look-up.ts'
import type { RowOutcome } from './results.ts'
import type { ReadyRow, RowValues } from './row.ts'

type Patch = Partial<ReturnType<typeof changedTask>>

/** What a row will do. */
export interface PlannedRow {
  row: ReadyRow
  status: RowOutcome['status']
  /** Id of the task, also of a new one. */
  id: string
  message: string | null
  warnings: string[]
  /** Number of tasks from the root down to it. */
  depth: number
  links: TaskLinks
  /** Changes of a task that was imported before. */
  patch: Patch
  /** A parent that has not been seen in the file yet. */
  waitsFor: string | undefined
  /** Labels of the row that are new to the importer. */
  labels: [name: string, id: string][]
}

/** What is known about the project. */
export interface Known {
  known: KnownTask | undefined
  newId: () => string
  label: (name: string) => string | undefined
  person: (address: string) => string | undefined
  parent: (ref: string) => FoundParent | undefined
  newLabels: ReadonlyMap<string, string>
}

/** Identifies a row by where it comes from; undefined if it does not say so. */
export const externalName = ({ externalSource, externalId }: RowValues): string | undefined =>
  externalSource != null && externalId != null ? `${externalSource}\n${externalId}` : undefined

export function planRow(row: ReadyRow, { known, newId, label, person, parent, newLabels }: Known): PlannedRow {
  const { fields, parentRef } = row
  const warnings = [...(row.warnings ?? [])]
  const assigneeIds = fields.assignees?.flatMap((address) => {
    const id = person(address)
    if (id === undefined) warnings.push(`assignees: ${JSON.stringify(address)} is not a member of the project`)
    return id ?? []
  })
  const labelIds = fields.labels?.flatMap((name) => label(name) ?? [])
  const above = parentRef === undefined ? undefined : parent(parentRef)
  const links: TaskLinks = {
    parentId: above?.id,
    assigneeIds: assigneeIds && [...new Set(assigneeIds)],
    labelIds: labelIds && [...new Set(labelIds)],
  }
  const planned: PlannedRow = {
    row,
    status: 'CREATED',
    id: known?.id ?? newId(),
    message: null,
    warnings,
    depth: (above?.depth ?? 0) + 1,
    links,
    patch: {},
    waitsFor: parentRef !== undefined && !above ? parentRef : undefined,
    labels: (fields.labels ?? []).flatMap((name): [string, string][] => {
      const id = newLabels.get(name)
      return id === undefined ? [] : [[name, id]]
    }),
  }
  if (above && above.depth > MAX_ANCESTORS) {
    const { message } = treeIssue('depth')
    return { ...planned, status: 'FAILED', message: `parent: ${message}`, waitsFor: undefined }
  }
  if (!known) return planned
  if (known.deleted) {
    const warning = `Task ${known.key} is in the trash, and stays there`
    return { ...planned, status: 'UNCHANGED', warnings: [...warnings, warning], waitsFor: undefined }
  }
  const patch = changesOf(known, fields, links)
  const [issue] = dateIssues(patch, known)
  if (issue) {
    const message = `${issue.path.join('.')}: ${issue.message}`
    return { ...planned, status: 'FAILED', message, waitsFor: undefined }
  }
  return { ...planned, patch, status: Object.keys(patch).length > 0 ? 'UPDATED' : 'UNCHANGED' }
}

/** A task is due at a time or on a day: a row that sets one replaces the other. */
function dueOf({ dueAt, dueOn }: RowValues): Pick<Patch, 'dueAt' | 'dueOn'> {
  return {
    ...(dueAt !== undefined && { dueAt }),
    ...(dueOn !== undefined && { dueOn: optionalDay(dueOn) }),
    ...(dueAt != null && { dueOn: null }),
    ...(dueOn != null && { dueAt: null }),
  }
}

/** Returns what the row changes. A field that the file does not have keeps its value. */
function changesOf(known: KnownTask, fields: RowValues, links: TaskLinks): Patch {
  const wanted: Patch = {
    title: fields.title,
    ...(fields.description !== undefined && { description: fields.description }),
    ...(fields.status != null && { status: fields.status }),
    ...(fields.priority != null && { priority: fields.priority }),
    ...(fields.startAt !== undefined && { startAt: fields.startAt }),
    ...dueOf(fields),
    ...(links.parentId !== undefined && { parentId: links.parentId }),
    ...(links.assigneeIds && { assigneeIds: links.assigneeIds }),
    ...(links.labelIds && { labelIds: links.labelIds }),
  }
  const before = known as unknown as Record<string, unknown>
  return Object.fromEntries(
    Object.entries(wanted).filter(([name, value]) => textOf(value) !== textOf(before[name])),
  ) as Patch
}

/** Lists are sets, and times are compared by their instant. */
const textOf = (value: unknown): string => JSON.stringify(Array.isArray(value) ? [...value].sort() : (value ?? null))
