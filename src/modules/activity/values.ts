import type { Context } from '../../request/context.ts'
import { isId } from '../../schema/rules.ts'
import { DELETED_USER } from '../users/erasure-service.ts'
import { loadName, type NamedKind } from './names.ts'

/** How a logged column appears in activity. */
interface FieldRule {
  /** The field's name, if it differs from the column. */
  name?: string
  /** The field in a sentence. Default: its name in words. */
  words?: string
  /** What the ids in the column refer to. */
  refersTo?: NamedKind
  /** Verbs for what a list gains and loses. */
  verbs?: { gains: string; loses: string }
  /** Free text, quoted in sentences. */
  isText?: true
  /** Not in sentences: it follows from another change, or says nothing to people. */
  silent?: true
}

const FIELDS: Readonly<Record<string, FieldRule>> = {
  title: { isText: true },
  name: { isText: true },
  description: { isText: true },
  body: { words: 'text', isText: true },
  dueAt: { words: 'due date' },
  completedAt: { silent: true },
  editedAt: { silent: true },
  filter: { silent: true },
  key: { silent: true },
  projectId: { name: 'project', refersTo: 'project', silent: true },
  taskId: { name: 'task', refersTo: 'task', silent: true },
  parentId: { name: 'parent', refersTo: 'task' },
  sourceId: { name: 'source', refersTo: 'task' },
  targetId: { name: 'target', refersTo: 'task' },
  assigneeIds: { name: 'assignees', refersTo: 'user', verbs: { gains: 'assigned', loses: 'unassigned' } },
  labelIds: {
    name: 'labels',
    refersTo: 'label',
    verbs: { gains: 'added the label', loses: 'removed the label' },
  },
  mentionIds: { name: 'mentions', refersTo: 'user', silent: true },
}

/** Code points of a value, and of a text in a sentence. */
const MAX_VALUE = 200
const MAX_EXCERPT = 80

export interface ReadableChange {
  column: string
  field: string
  words: string
  rule: FieldRule
  /** Names in place of ids. Null where there is no value, or none that the viewer can see. */
  from: unknown
  to: unknown
}

/** Returns the changes of an event with names in place of ids, and long texts shortened. */
export function readableChanges(
  ctx: Context,
  changes: Readonly<Record<string, { from: unknown; to: unknown }>>,
): Promise<ReadableChange[]> {
  const order = Object.keys(FIELDS)
  const rank = (column: string) => (order.includes(column) ? order.indexOf(column) : -1)
  const columns = Object.keys(changes).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
  return Promise.all(
    columns.map(async (column) => {
      const rule = FIELDS[column] ?? {}
      const { from, to } = changes[column] ?? {}
      const field = rule.name ?? column
      const [before, after] = await Promise.all([readable(ctx, rule, from), readable(ctx, rule, to)])
      return { column, field, words: rule.words ?? inWords(field), rule, from: before, to: after }
    }),
  )
}

async function readable(ctx: Context, rule: FieldRule, value: unknown): Promise<unknown> {
  if (value === null || value === undefined) return null
  const { refersTo } = rule
  if (refersTo && Array.isArray(value)) {
    const names = await Promise.all(value.map((id) => nameOf(ctx, refersTo, id)))
    return names.filter((name) => name !== null)
  }
  if (refersTo) return nameOf(ctx, refersTo, value)
  if (typeof value === 'string') return shorten(value, MAX_VALUE)
  return typeof value === 'object' ? shorten(JSON.stringify(value), MAX_VALUE) : value
}

/** Returns the name of what an id refers to, or null. Users have one even when they are deleted. */
export async function nameOf(ctx: Context, kind: NamedKind, id: unknown): Promise<string | null> {
  const name = typeof id === 'string' && isId(id) ? await loadName(ctx, { kind, id }) : null
  return name ?? (kind === 'user' ? DELETED_USER : null)
}

/** Shortens a text for a sentence, in one line and in quotes. */
export const excerpt = (text: unknown) => `"${shorten(String(text).replaceAll(/\s+/g, ' ').trim(), MAX_EXCERPT)}"`

/** Cuts a text to a number of code points. */
export function shorten(text: string, max: number): string {
  if (text.length <= max) return text
  const characters = [...text.slice(0, 2 * max)]
  return characters.length <= max ? text : `${characters.slice(0, max - 1).join('')}…`
}

/** Returns "savedFilter" as "saved filter". */
export const inWords = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
