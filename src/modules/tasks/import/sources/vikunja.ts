import type { FileRow } from '../row.ts'
import { foreignRow, type Json, listOf, textOf } from './foreign.ts'
import { readJson } from './json.ts'

/** Vikunja's way to say that there is no time. */
const NO_TIME = /^0001-/

/** Reads `data.json` of a Vikunja export: all its projects, into one. */
export async function* readVikunja(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<FileRow> {
  let line = 0
  for await (const { value } of readJson(chunks, ['$.*.tasks.*'])) yield toRow(++line, value)
}

function toRow(line: number, task: Json): FileRow {
  const time = (value: unknown) => (NO_TIME.test(textOf(value)) ? '' : textOf(value))
  const isDone = task.done === true
  const priority = Math.trunc(Number(task.priority) || 1)
  const people = listOf(task.assignees)
  const strangers = people.filter((one) => textOf(one.email) === '').map((one) => textOf(one.username))
  const [parent] = listOf((task.related_tasks as Json | null | undefined)?.parenttask)
  return foreignRow({
    line,
    source: 'vikunja',
    id: String(task.id ?? ''),
    parentId: parent && String(parent.id),
    title: textOf(task.title),
    description: plainText(textOf(task.description)),
    status: isDone ? 'COMPLETED' : Number(task.percent_done) > 0 ? 'IN_PROGRESS' : 'PENDING',
    priority: Math.min(Math.max(priority, 1), 5),
    dueAt: time(task.due_date),
    completedAt: time(task.done_at),
    labels: listOf(task.labels).map((label) => textOf(label.title)),
    assignees: people.map((one) => textOf(one.email)).filter(Boolean),
    warnings: strangers.map(
      (name) => `assignees: ${JSON.stringify(name.slice(0, 50))} has no e-mail address in the file`,
    ),
  })
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", nbsp: ' ' }

/** Descriptions are HTML. Keeps their text and its lines. */
function plainText(html: string): string {
  if (!/<\w|&\w/.test(html)) return html
  return html
    .replace(/<(?:br|\/p|\/li|\/h\d)\s*\/?>/gi, '\n')
    .replace(/<[^>]{0,1000}>/g, '')
    .replace(/&(amp|lt|gt|quot|#39|nbsp);/g, (_, name: string) => ENTITIES[name] ?? '')
    .trim()
}
