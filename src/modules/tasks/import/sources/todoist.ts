import { createHash } from 'node:crypto'
import type { FileRow } from '../row.ts'
import { type CsvRecord, readRecords } from './csv.ts'
import { foreignRow } from './foreign.ts'

/** Todoist's 1 is the highest priority, and its 4 the default. */
const PRIORITIES: Readonly<Record<string, number>> = { 1: 5, 2: 4, 3: 3, 4: 1 }

/**
 * Reads a CSV export of a Todoist project. Its tasks have no ids: one is made of the texts of a task
 * and those above it. Sections become labels. Comments are left out, with a warning.
 */
export async function* readTodoist(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<FileRow> {
  /** Ids of the task before, and of those above it. */
  let above: string[] = []
  let section = ''
  let last: FileRow | undefined
  const seen = new Map<string, number>()
  for await (const record of readRecords(chunks)) {
    const type = (record.cells.TYPE ?? '').trim().toLowerCase()
    if (type === 'note') last?.warnings?.push('a comment was left out')
    if (record.problem === undefined && type === 'section') {
      section = (record.cells.CONTENT ?? '').trim()
      above = []
    }
    if (record.problem === undefined && type !== 'task') continue
    if (last) yield last
    if (record.problem !== undefined) {
      last = { line: record.line, values: {}, problem: record.problem }
      continue
    }
    const indent = Math.max(Number(record.cells.INDENT) || 1, 1)
    above = above.slice(0, indent - 1)
    const id = idOf([section, above.at(-1) ?? '', record.cells.CONTENT ?? ''], seen)
    last = toRow(record, id, above.at(-1), section)
    above.push(id)
  }
  if (last) yield last
}

const MAX_SEEN = 100_000

/** Equal tasks in the same place are numbered. */
function idOf(place: readonly string[], seen: Map<string, number>): string {
  const id = createHash('sha256').update(JSON.stringify(place)).digest('base64url').slice(0, 22)
  const count = (seen.get(id) ?? 0) + 1
  if (seen.size < MAX_SEEN || seen.has(id)) seen.set(id, count)
  return count === 1 ? id : `${id}-${count}`
}

const LABEL = /(?:^|\s)@([^\s@]+)/g

function toRow({ line, cells }: CsvRecord, id: string, parentId: string | undefined, section: string): FileRow {
  const content = cells.CONTENT ?? ''
  const { RESPONSIBLE: person, DATE: date = '' } = cells
  return foreignRow({
    line,
    source: 'todoist',
    id,
    parentId,
    title: content.replace(LABEL, ' '),
    description: cells.DESCRIPTION ?? '',
    status: 'PENDING',
    priority: PRIORITIES[cells.PRIORITY?.trim() ?? ''] ?? 1,
    dueAt: date.trim().replace(/^(\d{4}-\d\d-\d\d) (\d\d:\d\d)$/, '$1T$2:00Z'),
    labels: [...content.matchAll(LABEL)].map(([, name]) => String(name)).concat(section),
    warnings: person ? [`assignees: ${JSON.stringify(person.slice(0, 50))} has no e-mail address in the file`] : [],
  })
}
