import type { Context } from '../../request/context.ts'
import type { Entry } from './loader.ts'
import { loadFilename } from './names.ts'
import { excerpt, inWords, nameOf, type ReadableChange, readableChanges, shorten } from './values.ts'

export interface Description {
  text: string
  changes: ReadableChange[]
}

/** Code points. Longer only if a task gains or loses many labels and assignees at once. */
const MAX_TEXT = 500

const described = new WeakMap<Entry, Promise<Description>>()

/** Describes an event in a sentence. Loads the names once per entry. */
export function describeEntry(ctx: Context, entry: Entry): Promise<Description> {
  const known = described.get(entry) ?? describe(ctx, entry)
  described.set(entry, known)
  return known
}

async function describe(ctx: Context, entry: Entry): Promise<Description> {
  const { actorId, subjectId, taskId, otherTaskId, type } = entry
  const isMember = type.startsWith('member.')
  const isTask = type.startsWith('task.')
  const [changes, actor, member, task, otherTask, filename] = await Promise.all([
    readableChanges(ctx, entry.changes),
    actorId === null ? 'The server' : nameOf(ctx, 'user', actorId),
    isMember ? nameOf(ctx, 'user', subjectId) : '',
    isTask || taskId === null ? null : nameOf(ctx, 'task', taskId),
    otherTaskId === null ? null : nameOf(ctx, 'task', otherTaskId),
    type === 'attachment.deleted' ? loadFilename(ctx, subjectId) : null,
  ])
  const names: Names = {
    member: member ?? '',
    task: task ?? 'a task',
    otherTask: otherTask ?? 'a task of another project',
    filename,
  }
  const text = `${actor} ${predicateOf(entry, changes, names)}`
  return { text: `${shorten(text, MAX_TEXT)}.`, changes }
}

interface Names {
  member: string
  /** The key of the task that a comment or a relation belongs to. */
  task: string
  otherTask: string
  /** Name of a deleted file. */
  filename: string | null
}

/** Returns what follows the actor. */
function predicateOf(entry: Entry, changes: ReadableChange[], names: Names): string {
  const [noun = '', verb = ''] = entry.type.split('.')
  switch (noun) {
    case 'task':
      return taskPredicate(entry, verb, changes)
    case 'comment':
      return commentPredicate(entry, verb, changes, names)
    case 'attachment':
      return attachmentPredicate(entry, verb, changes, names)
    case 'member':
      return memberPredicate(entry, verb, changes, names)
    case 'relation':
      return relationPredicate(verb, changes, names)
    case 'project':
      return projectPredicate(verb, changes)
    case 'savedFilter':
      if (verb === 'removed') return 'stopped sharing a saved filter'
      return otherPredicate(entry, verb === 'created' ? 'shared' : verb, changes, names)
    default:
      return otherPredicate(entry, verb, changes, names)
  }
}

function taskPredicate({ of, task }: Entry, verb: string, changes: ReadableChange[]): string {
  const whole = of === 'task' ? 'the task' : `${task.key} ${excerpt(task.title)}`
  const isNew = verb === 'created'
  if (isNew) return of === 'task' ? `created the task ${excerpt(task.title)}` : `created ${whole}`
  if (verb === 'deleted') return task.deletedAt === null ? `deleted ${whole} for good` : `moved ${whole} to the trash`
  if (verb === 'purged') return `deleted ${whole} for good`
  if (verb === 'restored') return `restored ${whole} from the trash`
  if (verb === 'removed') return `moved ${whole} to another project`
  if (changes.some(({ column }) => column === 'projectId'))
    return `moved ${whole} here from another project${of === 'task' ? `, as ${task.key}` : ''}`
  return `${clausesOf(changes)}${of === 'task' ? '' : ` on ${task.key}`}`
}

function commentPredicate({ of }: Entry, verb: string, changes: ReadableChange[], { task }: Names): string {
  const on = of === 'task' ? '' : ` on ${task}`
  const body = changes.find(({ column }) => column === 'body')
  if (verb === 'created') return `commented${on}: ${excerpt(body?.to)}`
  if (verb === 'updated' && body) return `edited a comment${on} from ${excerpt(body.from)} to ${excerpt(body.to)}`
  return `${verb} a comment${on}`
}

function attachmentPredicate(
  { of }: Entry,
  verb: string,
  changes: ReadableChange[],
  { task, filename: former }: Names,
): string {
  const to = of === 'task' ? '' : verb === 'created' ? ` to ${task}` : ` of ${task}`
  const filename = former ?? changes.find(({ column }) => column === 'filename')?.to
  if (filename == null) return `${verb === 'created' ? 'attached' : 'deleted'} a file${to}`
  return verb === 'created' ? `attached ${filename}${to}` : `deleted the attachment ${filename}${to}`
}

function memberPredicate(
  { actorId, subjectId }: Entry,
  verb: string,
  changes: ReadableChange[],
  { member }: Names,
): string {
  const role = changes.find(({ column }) => column === 'role')
  const isSelf = actorId === subjectId
  if (verb === 'added') return isSelf ? `joined as ${role?.to}` : `added ${member} as ${role?.to}`
  if (verb === 'removed') return isSelf ? 'left the project' : `removed ${member} from the project`
  return `changed the role of ${member} from ${role?.from} to ${role?.to}`
}

const RELATIONS: Readonly<Record<string, string>> = {
  BLOCKS: 'blocks',
  RELATES_TO: 'relates to',
  DUPLICATES: 'duplicates',
}

/** An event names only the tasks of its own project. */
function relationPredicate(verb: string, changes: ReadableChange[], { task, otherTask }: Names): string {
  if (verb === 'deleted') return `removed the relation between ${task} and ${otherTask}`
  const shown = (name: string) => changes.find(({ column }) => column === name)?.to
  const hidden = 'a task of another project'
  const type = RELATIONS[String(shown('type'))] ?? 'relates to'
  return `noted that ${shown('sourceId') ?? hidden} ${type} ${shown('targetId') ?? hidden}`
}

function projectPredicate(verb: string, changes: ReadableChange[]): string {
  if (verb !== 'updated') return `${verb} the project`
  const archived = changes.find(({ column }) => column === 'archivedAt')
  if (archived) return archived.to === null ? 'unarchived the project' : 'archived the project'
  return `${clausesOf(changes)} on the project`
}

/** Describes an event of any other noun, by its name if the event has one. */
function otherPredicate({ type, of }: Entry, verb: string, changes: ReadableChange[], { task }: Names): string {
  const noun = inWords(type.split('.')[0] ?? '')
  const isUpdate = verb === 'updated'
  const name = isUpdate ? undefined : changes.find(({ column }) => /^(name|title|filename)$/.test(column))?.to
  const article = name === undefined ? (/^[aeiou]/.test(noun) ? 'an' : 'a') : 'the'
  const what = `${article} ${noun}${name === undefined ? '' : ` ${excerpt(name)}`}`
  const on = of === 'project' && changes.some(({ column }) => column === 'taskId') ? ` on ${task}` : ''
  const said = isUpdate ? clausesOf(changes, '') : ''
  return said ? `${said} on ${what}${on}` : `${isUpdate ? 'changed' : verb} ${what}${on}`
}

/** Returns the changes as clauses, like "changed the status from PENDING to COMPLETED". */
function clausesOf(changes: ReadableChange[], otherwise = 'made a change'): string {
  const clauses = changes.filter(({ rule }) => !rule.silent).flatMap(clauseOf)
  return clauses.length === 0 ? otherwise : listed(clauses)
}

function clauseOf({ words, rule, from, to }: ReadableChange): string[] {
  if (rule.verbs) {
    const [before, after] = [namesIn(from), namesIn(to)]
    const gained = after.filter((name) => !before.includes(name))
    const lost = before.filter((name) => !after.includes(name))
    const clause = (verb: string, names: string[]) => (names.length > 0 ? [`${verb} ${listed(names)}`] : [])
    return [...clause(rule.verbs.gains, gained), ...clause(rule.verbs.loses, lost)]
  }
  const shown = (value: unknown) => (rule.isText ? excerpt(value) : String(value))
  if (from === null && to === null) return [`changed the ${words}`]
  if (from === null) return [`set the ${words} to ${shown(to)}`]
  if (to === null) return [`removed the ${words} ${shown(from)}`]
  return [`changed the ${words} from ${shown(from)} to ${shown(to)}`]
}

const namesIn = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : [])

/** Joins with commas and "and". */
function listed(parts: readonly string[]): string {
  const last = parts.at(-1) ?? ''
  return parts.length < 2 ? last : `${parts.slice(0, -1).join(', ')} and ${last}`
}
