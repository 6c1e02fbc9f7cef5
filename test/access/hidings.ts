import type { Persona } from './personas.ts'
import type { World } from './world.ts'

/** An existing object that is hidden from the persona that asks for it. */
export interface Hiding {
  /** Text that the response must contain. */
  shows: string
  personas: readonly Persona[]
  /** Hidden ids or keys by description. `other` is a world unrelated to the persona. */
  hidden: (asking: World, other: World) => Record<string, string>
}

/** Placeholder body of a stream that opened. */
export const OPENED = 'an open stream'

export const refused = (code: string) => `"code":"${code}"`

/** A stranger, a removed member, and the OWNER of another project. */
export const outside: Pick<Hiding, 'shows' | 'personas'> = {
  shows: refused('NOT_FOUND'),
  personas: ['stra', 'remo', 'ownr'],
}

export const projects: Hiding = {
  ...outside,
  hidden: ({ unseen }, { projectId, self }) => ({
    'a project': projectId,
    'an Inbox': self.inboxId,
    'a project with tasks related to theirs': unseen.projectId,
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
    ...byEither('a deleted task of their own world', asking.deletedTask),
  }),
}

/** Tasks hidden from operations that also search the trash. */
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
    'a relation of their task to a hidden task': unseen.relationId,
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

/** Accounts are for ADMINs only; anyone else gets the same refusal for every id. */
export const users: Hiding = {
  shows: refused('FORBIDDEN'),
  personas: ['stra', 'ownr'],
  hidden: (asking, { third }) => ({ 'another user': third.id, 'their own account': asking.self.id }),
}

const noMembers: Hiding['hidden'] = ({ outsider }, { self }) => ({
  'a user who is not a member': self.id,
  'a user without any project': outsider.id,
})

/** Existing users who are not members of the project, for its OWNER the same as unknown users. */
export const members: Hiding = { shows: refused('NOT_FOUND'), personas: ['ownr', 'admn'], hidden: noMembers }

/** Non-members cannot be assigned, whether the user exists or not. */
export const assignees: Hiding = { ...outside, shows: refused('VALIDATION_FAILED'), hidden: noMembers }

/** Users named in a filter need not exist. */
export const people: Hiding = {
  ...outside,
  shows: '"nodes":[]',
  hidden: ({ outsider }, { self, third }) => ({
    'a user with tasks elsewhere': self.id,
    'a user with an assignment elsewhere': third.id,
    'a user without any task': outsider.id,
  }),
}

/** Keys named in a filter need not exist. */
export const keys: Hiding = {
  ...outside,
  shows: '"nodes":[]',
  hidden: ({ unseen }, { task, deletedTask }) => ({
    'the key of a task': task.key,
    'the key of a deleted task': deletedTask.key,
    'the key of a task related to one of theirs': unseen.task.key,
  }),
}

/** Expects a stream to open whatever its filter names. */
export const followed = (hiding: Hiding): Hiding => ({ ...hiding, shows: OPENED })

/** Expects a negated filter to return the viewer's own list, whatever the filter names. */
export const negated = (hiding: Hiding): Hiding => ({ ...hiding, shows: hiding.shows.replace(']', '') })
