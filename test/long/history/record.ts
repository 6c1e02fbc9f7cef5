/** What clients did and were told. Times are of `performance.now()` in one process. */

/** A request and its answer. */
export interface Call {
  /** When it was sent. */
  start: number
  /** When it was answered; infinity if nobody knows whether it was carried out. */
  end: number
}

export type Outcome =
  | 'ok'
  /** The task is not there, or deleted. */
  | 'missing'
  /** The task has another version than expected. */
  | 'conflict'
  /** Neither success nor refusal was answered: it may have been carried out, also later. */
  | 'unknown'

/** What one sees of a task. */
export interface TaskState {
  version: number
  title: string
  projectId: string
}

/** A call about one task. A batch makes one for each of its tasks. */
export interface TaskCall extends Call {
  kind: 'create' | 'update' | 'move' | 'delete' | 'restore' | 'read'
  outcome: Outcome
  /** Undefined if a task was created without an answer. */
  taskId: string | undefined
  /** The title that it sets: no other call sets the same. */
  title?: string
  /** The project that it creates in, or moves to. */
  projectId?: string
  /** The version that it requires. */
  expected?: number | undefined
  /** The task in the answer. */
  answer?: TaskState | undefined
}

/** A page with all tasks of a project. */
export interface ListCall extends Call {
  projectId: string
  tasks: ReadonlyMap<string, TaskState>
}

/** A member gets into a project, or out of it. */
export interface MembershipCall extends Call {
  kind: 'add' | 'remove'
  memberId: string
  projectId: string
}

/** A member was shown something of a project. */
export interface AccessCall extends Call {
  memberId: string
  projectId: string
}

/** An event that reached a member in a stream. */
export interface SeenEvent {
  memberId: string
  projectId: string
  taskId: string
  version: number
  at: number
}

export interface History {
  tasks: TaskCall[]
  lists: ListCall[]
  memberships: MembershipCall[]
  accesses: AccessCall[]
  seen: SeenEvent[]
}

export const newHistory = (): History => ({ tasks: [], lists: [], memberships: [], accesses: [], seen: [] })
