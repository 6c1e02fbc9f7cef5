import type { NamedTask, Session } from './cast-rows.ts'
import type { Credential } from './doors.ts'
import type { Persona } from './personas.ts'

export interface Account {
  id: string
  email: string
  session: Session
  apiKeyId: string
}

/** One persona with everything its operations need, isolated from all other worlds. */
export interface World {
  persona: Persona
  /** Unique to this world. */
  tag: string
  self: Account & { inboxId: string; inboxTask: NamedTask; otherSession: Session; token: string; apiKeyIds: string[] }
  credential: Credential
  /** OWNER of the project, which is `self` if the persona is an OWNER. */
  ownerId: string
  ownerToken: string
  /** A VIEWER of the project, as a target for membership changes. */
  third: Account
  /** A user without any membership. */
  outsider: { id: string; email: string }
  projectId: string
  task: NamedTask
  /** Sub-task of `task`, related to it, labelled, and assigned to `third`. */
  subtask: NamedTask
  deletedTask: NamedTask
  labelId: string
  relationId: string
  membershipIds: string[]
  /** A project where `self` has the same role as in `projectId`. */
  secondProjectId: string
  /** A project where `self` is a VIEWER, if the persona has any membership. */
  readable: { projectId: string; task: NamedTask }
  /**
   * A project that only ADMINs see, although much points to it: `self` created its task, `self`
   * and `third` are assigned to it, and it is related to the project's task.
   */
  unseen: {
    ownerId: string
    projectId: string
    membershipId: string
    task: NamedTask
    deletedTask: NamedTask
    labelId: string
    relationId: string
  }
  /** Everything in this world. */
  userIds: string[]
  projectIds: string[]
  /** An e-mail address without an account. */
  newEmail: string
}
