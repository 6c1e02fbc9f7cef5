import type { World } from './cast.ts'
import type { Persona } from './matrix.ts'

/** Something that is there and hidden from whoever asks. */
export interface Hiding {
  /** What is in the answer of whoever asks for it. */
  shows: string
  personas: readonly Persona[]
  /** Ids or keys by what they are; `other` is a world the persona has nothing to do with. */
  hidden: (asking: World, other: World) => Record<string, string>
}

/** What stands for the opening of a stream. */
export const OPENED = 'a stream without end'

const refused = (code: string) => `"code":"${code}"`

/** A stranger, somebody who was a member, and the OWNER of another project. */
const outside: Pick<Hiding, 'shows' | 'personas'> = {
  shows: refused('NOT_FOUND'),
  personas: ['stra', 'remo', 'ownr'],
}

export const projects: Hiding = {
  ...outside,
  hidden: ({ unseen }, { projectId, self }) => ({
    'a project': projectId,
    'an Inbox': self.inboxId,
    'a project with tasks that are related to theirs': unseen.projectId,
  }),
}

const byEither = (what: string, { id, key }: { id: string; key: string }) => ({ [what]: id, [`${what}, by key`]: key })

const foreignTasks: Hiding['hidden'] = ({ unseen }, other) => ({
  ...byEither('a task', other.task),
  ...byEither('a deleted task', other.deletedTask),
  ...byEither('a task related to one of theirs, created by and assigned to them', unseen.task),
})

export const tasks: Hiding = {
  ...outside,
  hidden: (asking, other) => ({
    ...foreignTasks(asking, other),
    ...byEither('a deleted task in a project of their own or none', asking.deletedTask),
  }),
}

/** For operations that find what is in the trash, too. */
export const tasksAnywhere: Hiding = { ...outside, hidden: foreignTasks }

export const labels: Hiding = {
  ...outside,
  hidden: ({ unseen }, { labelId }) => ({ 'a label': labelId, 'a label of a related task': unseen.labelId }),
}

export const relations: Hiding = {
  shows: refused('NOT_FOUND'),
  personas: ['ownr'],
  hidden: ({ unseen }, { relationId }) => ({
    'a relation of other tasks': relationId,
    'one of their task to a task they do not see': unseen.relationId,
  }),
}

export const sessions: Hiding = {
  ...outside,
  hidden: (_asking, { third, self }) => ({ 'a session': third.session.id, 'another session': self.session.id }),
}

export const apiKeys: Hiding = {
  ...outside,
  hidden: (_asking, { third, self }) => ({ 'an API key': third.apiKeyId, 'another API key': self.apiKeyId }),
}

/** Only ADMINs may ask: anybody else hears no more of an account that is there. */
export const users: Hiding = {
  shows: refused('FORBIDDEN'),
  personas: ['stra', 'ownr'],
  hidden: (asking, { third }) => ({ 'another user': third.id, oneself: asking.self.id }),
}

const noMembers: Hiding['hidden'] = ({ outsider }, { self }) => ({
  'a user who is no member': self.id,
  'one without any project': outsider.id,
})

/** Users who are there, but no members of the project: for its OWNER no different from users who are not there. */
export const members: Hiding = { shows: refused('NOT_FOUND'), personas: ['ownr', 'admn'], hidden: noMembers }

/** Whoever is no member cannot be assigned, whether there is such a user or not. */
export const assignees: Hiding = { ...outside, shows: refused('VALIDATION_FAILED'), hidden: noMembers }

/** Whose tasks are looked for need not be there. */
export const people: Hiding = {
  ...outside,
  shows: '"nodes":[]',
  hidden: ({ outsider }, { self, third }) => ({
    'a user with tasks elsewhere': self.id,
    'one who is assigned elsewhere': third.id,
    'one without any task': outsider.id,
  }),
}

/** Nor which task. */
export const keys: Hiding = {
  ...outside,
  shows: '"nodes":[]',
  hidden: ({ unseen }, { task, deletedTask }) => ({
    'the key of a task': task.key,
    'the key of a deleted task': deletedTask.key,
    'the key of a task related to one of theirs': unseen.task.key,
  }),
}

/** A stream opens, whatever its condition names. */
export const followed = (hiding: Hiding): Hiding => ({ ...hiding, shows: OPENED })

/** The list of what does not meet a condition is one's own, and the same whatever the condition names. */
export const negated = (hiding: Hiding): Hiding => ({ ...hiding, shows: hiding.shows.replace(']', '') })
