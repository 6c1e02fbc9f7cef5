import type { Caller, Outcome } from './outcome.ts'

/** Paging arguments in GraphQL form. */
export interface Paging {
  first?: unknown
  after?: unknown
  last?: unknown
  before?: unknown
  offset?: unknown
  totalCount?: boolean
}

/** List arguments in GraphQL form, translated to a query string for REST. */
export interface ListArguments extends Paging {
  filter?: Record<string, unknown>
  orderBy?: { field: string; direction?: string }[]
}

export type Input = Record<string, unknown>

/** Task fields that a client has to request. */
export const EMBEDDED = ['subtaskProgress', 'parent', 'assignees', 'labels', 'relations'] as const
export type Embedded = (typeof EMBEDDED)[number]

/** Operations common to GraphQL and REST. */
export interface Operations {
  protocol: 'GraphQL' | 'REST'
  createTask(caller: Caller, input: Input): Promise<Outcome>
  getTask(caller: Caller, id: string, include?: readonly Embedded[]): Promise<Outcome>
  listTasks(caller: Caller, args?: ListArguments): Promise<Outcome>
  updateTask(caller: Caller, id: string, input: Input, expectedVersion?: number): Promise<Outcome>
  replaceTask(caller: Caller, id: string, input: Input, expectedVersion?: number): Promise<Outcome>
  /** Returns no data over REST, like the other deletions. */
  deleteTask(caller: Caller, id: string, expectedVersion?: number): Promise<Outcome>
  restoreTask(caller: Caller, id: string, expectedVersion?: number): Promise<Outcome>
  duplicateTask(caller: Caller, id: string, title?: unknown): Promise<Outcome>
  moveTask(caller: Caller, id: string, projectId: unknown, expectedVersion?: number): Promise<Outcome>
  bulkCreateTasks(caller: Caller, input: Input): Promise<Outcome>
  bulkUpdateTasks(caller: Caller, input: Input): Promise<Outcome>
  bulkDeleteTasks(caller: Caller, input: Input): Promise<Outcome>
  listLabels(caller: Caller, projectId: string, args?: Paging): Promise<Outcome>
  createLabel(caller: Caller, projectId: string, input: Input): Promise<Outcome>
  updateLabel(caller: Caller, id: string, input: Input, expectedVersion?: number): Promise<Outcome>
  deleteLabel(caller: Caller, id: string, expectedVersion?: number): Promise<Outcome>
  /** Returns the relations as a plain list. */
  listRelations(caller: Caller, taskId: string): Promise<Outcome>
  createRelation(caller: Caller, taskId: string, input: Input): Promise<Outcome>
  deleteRelation(caller: Caller, taskId: string, id: string): Promise<Outcome>
  createProject(caller: Caller, input: Input): Promise<Outcome>
  getProject(caller: Caller, id: string): Promise<Outcome>
  listProjects(caller: Caller, args?: ListArguments): Promise<Outcome>
  me(caller: Caller): Promise<Outcome>
  register(caller: Caller, input: Input): Promise<Outcome>
  signIn(caller: Caller, input: Input): Promise<Outcome>
  listEvents(caller: Caller, args?: { projectId?: unknown; after?: unknown; first?: unknown }): Promise<Outcome>
  eventCursor(caller: Caller): Promise<Outcome>
}
