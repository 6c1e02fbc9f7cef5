import { describe } from 'vitest'
import { overGraphql } from './operations-graphql.ts'
import { overRest } from './operations-rest.ts'
import type { Caller, Outcome } from './outcome.ts'

export { ask, LIST, LIST_VARIABLES, overGraphql, PAGE, TASK, USER } from './operations-graphql.ts'
export { call, ifMatch, overRest } from './operations-rest.ts'
export { type Caller, data, type Outcome, refusal } from './outcome.ts'

/** Which part of a list is asked for, as GraphQL says it. */
export interface Paging {
  first?: unknown
  after?: unknown
  last?: unknown
  before?: unknown
  offset?: unknown
  totalCount?: boolean
}

/** A list's arguments as GraphQL has them; REST's query string is made from them. */
export interface ListArguments extends Paging {
  filter?: Record<string, unknown>
  orderBy?: { field: string; direction?: string }[]
}

export type Input = Record<string, unknown>

/** What a task shows only when it is asked for. */
export const EMBEDDED = ['subtaskProgress', 'parent', 'assignees', 'labels', 'relations'] as const
export type Embedded = (typeof EMBEDDED)[number]

/** The operations that GraphQL and REST have in common. */
export interface Operations {
  protocol: 'GraphQL' | 'REST'
  createTask(caller: Caller, input: Input): Promise<Outcome>
  getTask(caller: Caller, id: string, include?: readonly Embedded[]): Promise<Outcome>
  listTasks(caller: Caller, args?: ListArguments): Promise<Outcome>
  updateTask(caller: Caller, id: string, input: Input, expectedVersion?: number): Promise<Outcome>
  replaceTask(caller: Caller, id: string, input: Input, expectedVersion?: number): Promise<Outcome>
  /** REST answers with nothing, as the other deletions do. */
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
  /** The data are the relations themselves. */
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

/** Runs the same specification over both protocols. */
export function describeBoth(what: string, specify: (api: Operations) => void): void {
  describe.each([overGraphql, overRest])(`${what} over $protocol`, specify)
}
