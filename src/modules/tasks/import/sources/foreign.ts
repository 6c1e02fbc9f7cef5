import { parseInstant } from '../../../../schema/scalars.ts'
import type { FileRow } from '../row.ts'

/** Helpers for the files of other programs. */

export type Json = Readonly<Record<string, unknown>>

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

export const listOf = (value: unknown): Json[] =>
  Array.isArray(value) ? value.filter((one): one is Json => typeof one === 'object' && one !== null) : []

const MAX_TITLE = 200
const MAX_DESCRIPTION = 2_000

/** A task of another program. Longer texts than a task can have are cut, with a warning. */
export interface Foreign {
  line: number
  source: string
  id: string
  title: string
  description?: string
  status: string
  priority?: number
  dueAt?: string | undefined
  completedAt?: string | undefined
  labels?: readonly string[]
  assignees?: readonly string[]
  parentId?: string | undefined
  warnings?: readonly string[]
}

export function foreignRow(task: Foreign): FileRow {
  const warnings = [...(task.warnings ?? [])]
  const shortened = (name: string, text: string, max: number) => {
    const characters = text.length > max ? [...text] : []
    if (characters.length <= max) return text
    warnings.push(`${name}: was cut to ${max} characters`)
    return characters.slice(0, max).join('')
  }
  const time = (name: string, text: string | undefined) => {
    if (!text) return null
    try {
      return parseInstant(text).toISOString()
    } catch {
      warnings.push(`${name}: ${JSON.stringify(text.slice(0, 50))} is not a date, and was left out`)
      return null
    }
  }
  const description = shortened('description', (task.description ?? '').replaceAll('\0', ''), MAX_DESCRIPTION)
  return {
    line: task.line,
    ref: task.id,
    parentRef: task.parentId,
    refSource: task.source,
    warnings,
    values: {
      // One line: a line break would be refused.
      title: shortened('title', task.title.replace(/\s+/g, ' ').trim(), MAX_TITLE),
      description: description === '' ? null : description,
      status: task.status,
      priority: task.priority ?? 1,
      dueAt: time('dueAt', task.dueAt),
      completedAt: task.status === 'COMPLETED' ? time('completedAt', task.completedAt) : null,
      labels: [
        ...new Set((task.labels ?? []).map((name) => shortened('label', name.trim(), 50)).filter(Boolean)),
      ].slice(0, 20),
      assignees: (task.assignees ?? []).slice(0, 20),
      externalSource: task.source,
      externalId: task.id,
    },
  }
}
