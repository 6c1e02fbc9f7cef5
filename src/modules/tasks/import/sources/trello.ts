import type { FileRow } from '../row.ts'
import { foreignRow, type Json, listOf, textOf } from './foreign.ts'
import { readJson } from './json.ts'

/** Cards that wait for the names of their lists, which come later in the file. */
const MAX_WAITING = 5_000

/**
 * Reads the JSON export of a Trello board. A list named like a status sets the status; any other
 * becomes a label. Archived cards are CANCELLED. Members have no e-mail address in the file.
 */
export async function* readTrello(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<FileRow> {
  const lists = new Map<string, string>()
  let waiting: { line: number; card: Json }[] = []
  let line = 0
  for await (const { list, value } of readJson(chunks, ['$.cards.*', '$.lists.*'])) {
    if (list === 'lists') {
      if (lists.size < MAX_WAITING) lists.set(textOf(value.id), textOf(value.name))
      continue
    }
    waiting.push({ line: ++line, card: smallCard(value) })
    if (waiting.length < MAX_WAITING) continue
    for (const one of waiting) yield toRow(one, lists)
    waiting = []
  }
  for (const one of waiting) yield toRow(one, lists)
}

const USED = ['id', 'name', 'desc', 'closed', 'due', 'dueComplete', 'idList', 'labels', 'idMembers']

const smallCard = (card: Json): Json => Object.fromEntries(USED.map((name) => [name, card[name]]))

function toRow({ line, card }: { line: number; card: Json }, lists: ReadonlyMap<string, string>): FileRow {
  const list = lists.get(textOf(card.idList))
  const listStatus = statusOfList(list ?? '')
  const members = Array.isArray(card.idMembers) ? card.idMembers.length : 0
  const status =
    card.closed === true ? 'CANCELLED' : card.dueComplete === true ? 'COMPLETED' : (listStatus ?? 'PENDING')
  return foreignRow({
    line,
    source: 'trello',
    id: textOf(card.id),
    title: textOf(card.name),
    description: textOf(card.desc),
    status,
    dueAt: textOf(card.due),
    labels: [
      ...listOf(card.labels).map((label) => textOf(label.name) || textOf(label.color)),
      ...(list && !listStatus ? [list] : []),
    ],
    warnings: [
      ...(members > 0 ? [`assignees: ${members} members have no e-mail address in the file`] : []),
      ...(list === undefined ? ['the name of its list stands too far behind it, and was left out'] : []),
    ],
  })
}

function statusOfList(name: string): string | undefined {
  if (/^(done|complete|completed|finished)\b/i.test(name)) return 'COMPLETED'
  if (/^(doing|in progress|started)\b/i.test(name)) return 'IN_PROGRESS'
  return /^(to ?do|backlog|open)\b/i.test(name) ? 'PENDING' : undefined
}
