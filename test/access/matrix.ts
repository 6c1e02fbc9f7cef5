import { nouns } from './nouns.ts'
import { type Persona, personas } from './personas.ts'

/**
 * Access matrix: the single statement of who may do what, with the rows of test/access/nouns. A
 * row is a field of Query, Mutation or Subscription; a suffix after the colon distinguishes
 * variants of its arguments (see recipes.ts). A cell is the outcome for one persona, the same
 * over every protocol:
 *
 *   ok    succeeds; a list shows exactly what the persona may see; a bulk operation returns an
 *         outcome per item (see bulk.test.ts)
 *   400 BAD_REQUEST   401 UNAUTHENTICATED   403 FORBIDDEN   404 NOT_FOUND (hidden or nonexistent)
 *
 * Most rows act on one project. "Readable" refers to another project, where members are only
 * VIEWERs; "hidden" refers to a project that only ADMINs see. The columns are the keys of PERSONAS,
 * in the same order.
 */
export const TABLE = `
                                               anon  stra view comm edit ownr admn remo  disa  t:r t:w p:r p:w adm a:tr

Query.me                                       401   ok   ok   ok   ok   ok   ok   ok    401   ok  ok  ok  ok  ok  ok
Query.sessions                                 401   ok   ok   ok   ok   ok   ok   ok    401   403 403 403 403 403 403
Query.apiKeys                                  401   ok   ok   ok   ok   ok   ok   ok    401   403 403 403 403 403 403
Query.users                                    401   403  403  403  403  403  ok   403   401   403 403 403 403 ok  403
Query.user                                     401   403  403  403  403  403  ok   403   401   403 403 403 403 ok  403
Query.user: own account                        401   403  403  403  403  403  ok   403   401   403 403 403 403 ok  403
Query.projects                                 401   ok   ok   ok   ok   ok   ok   ok    401   403 403 ok  403 403 403
Query.project                                  401   404  ok   ok   ok   ok   ok   404   401   403 403 ok  403 403 403
Query.members                                  401   404  ok   ok   ok   ok   ok   404   401   403 403 ok  403 403 403
Query.tasks                                    401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Query.tasks: in the project                    401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.tasks: in the project, nested filter     401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.tasks: in the trash                      401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Query.tasks: in the project’s trash            401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.tasks: by search                         401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Query.tasks: by search, oldest first           401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Query.tasks: by search in the project          401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.tasks: by search or priority             401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Query.tasks: by keys                           401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Query.tasks: by label                          401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.tasks: by parent                         401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.tasks: by parent key                     401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.tasks: by assignee                       401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Query.tasks: assigned to the viewer            401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Query.tasks: created by the viewer             401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Query.task                                     401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.task: by key                             401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.task: in the trash                       401   404  404  404  404  404  404  404   401   404 403 403 403 403 404
Query.task: in the trash, by key               401   404  404  404  404  404  404  404   401   404 403 403 403 403 404
Query.taskRelations                            401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.taskRelations: by key                    401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.labels                                   401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.events                                   401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Query.events: in the project                   401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.events: by types                         401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Query.events: filtered by project              401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.events: filtered by label                401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.events: by search                        401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Query.eventCursor                              401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok

Mutation.registerUser                          ok    ok   ok   ok   ok   ok   ok   ok    ok    ok  ok  ok  ok  ok  ok
Mutation.signIn                                ok    ok   ok   ok   ok   ok   ok   ok    401   ok  ok  ok  ok  ok  ok
Mutation.refreshSession                        ok    ok   ok   ok   ok   ok   ok   ok    401   ok  ok  ok  ok  ok  ok
Mutation.signOut                               401   ok   ok   ok   ok   ok   ok   ok    401   403 403 403 403 403 403
Mutation.signOutEverywhere                     401   ok   ok   ok   ok   ok   ok   ok    401   403 403 403 403 403 403
Mutation.revokeSession                         401   ok   ok   ok   ok   ok   ok   ok    401   403 403 403 403 403 403
Mutation.revokeSession: of another user        401   404  404  404  404  404  404  404   401   403 403 403 403 403 403
Mutation.updateMe                              401   ok   ok   ok   ok   ok   ok   ok    401   403 403 403 403 403 403
Mutation.changePassword                        401   ok   ok   ok   ok   ok   ok   ok    401   403 403 403 403 403 403
Mutation.createApiKey                          401   ok   ok   ok   ok   ok   ok   ok    401   403 403 403 403 403 403
Mutation.createApiKey: with the admin scope    401   403  403  403  403  403  ok   403   401   403 403 403 403 403 403
Mutation.revokeApiKey                          401   ok   ok   ok   ok   ok   ok   ok    401   403 403 403 403 403 403
Mutation.revokeApiKey: of another user         401   404  404  404  404  404  404  404   401   403 403 403 403 403 403
Mutation.createStreamTicket                    401   ok   ok   ok   ok   ok   ok   ok    401   ok  ok  ok  ok  ok  ok
Mutation.renewConnection                       401   ok   ok   ok   ok   ok   ok   ok    401   403 403 403 403 403 403
Mutation.renewConnection: outside a websocket  401   400  400  400  400  400  400  400   401   403 403 403 403 403 403
Mutation.createUser                            401   403  403  403  403  403  ok   403   401   403 403 403 403 ok  403
Mutation.updateUser                            401   403  403  403  403  403  ok   403   401   403 403 403 403 ok  403
Mutation.updateUser: self-promotion to ADMIN   401   403  403  403  403  403  ok   403   401   403 403 403 403 ok  403
Mutation.deleteUser                            401   403  403  403  403  403  ok   403   401   403 403 403 403 ok  403
Mutation.createProject                         401   ok   ok   ok   ok   ok   ok   ok    401   403 403 403 ok  403 403
Mutation.updateProject                         401   404  403  403  403  ok   ok   404   401   403 403 403 ok  403 403
Mutation.archiveProject                        401   404  403  403  403  ok   ok   404   401   403 403 403 ok  403 403
Mutation.unarchiveProject                      401   404  403  403  403  ok   ok   404   401   403 403 403 ok  403 403
Mutation.deleteProject                         401   404  403  403  403  ok   ok   404   401   403 403 403 ok  403 403
Mutation.leaveProject                          401   404  ok   ok   ok   ok   404  404   401   403 403 403 ok  403 403
Mutation.addMember                             401   404  403  403  403  ok   ok   404   401   403 403 403 ok  403 403
Mutation.setMember                             401   404  403  403  403  ok   ok   404   401   403 403 403 ok  403 403
Mutation.removeMember                          401   404  403  403  403  ok   ok   404   401   403 403 403 ok  403 403
Mutation.createTask                            401   ok   ok   ok   ok   ok   ok   ok    401   403 ok  403 403 403 403
Mutation.createTask: in the project            401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.createTask: as a sub-task             401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.createTask: with label and assignee   401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.updateTask                            401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.updateTask: by key                    401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.replaceTask                           401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.deleteTask                            401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.deleteTask: by key                    401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.restoreTask                           401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.restoreTask: by key                   401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.duplicateTask                         401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.moveTask                              401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.moveTask: to readable project         401   404  403  403  403  403  ok   404   401   403 403 403 403 403 403
Mutation.moveTask: from readable project       401   404  403  403  403  403  ok   404   401   403 403 403 403 403 403
Mutation.moveTask: to hidden project           401   404  403  403  404  404  ok   404   401   403 404 403 403 403 403
Mutation.repositionTask                        401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.repositionTask: after another task    401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.bulkCreateTasks                       401   ok   ok   ok   ok   ok   ok   ok    401   403 ok  403 403 403 403
Mutation.bulkUpdateTasks                       401   ok   ok   ok   ok   ok   ok   ok    401   403 ok  403 403 403 403
Mutation.bulkDeleteTasks                       401   ok   ok   ok   ok   ok   ok   ok    401   403 ok  403 403 403 403
Mutation.createTaskRelation                    401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.createTaskRelation: to readable task  401   404  403  403  403  403  ok   404   401   403 403 403 403 403 403
Mutation.createTaskRelation: duplicates it     401   404  403  403  403  403  ok   404   401   403 403 403 403 403 403
Mutation.createTaskRelation: relates to it     401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.createTaskRelation: of readable task  401   404  403  403  403  403  ok   404   401   403 403 403 403 403 403
Mutation.createTaskRelation: to hidden task    401   404  403  403  404  404  ok   404   401   403 404 403 403 403 403
Mutation.deleteTaskRelation                    401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.deleteTaskRelation: to hidden task    401   404  403  403  404  404  ok   404   401   403 404 403 403 403 403
Mutation.createLabel                           401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.updateLabel                           401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.deleteLabel                           401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403

Subscription.events                            401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Subscription.events: in the project            401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Subscription.events: by types                  401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Subscription.events: filtered by project       401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Subscription.taskEvents                        401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Subscription.taskEvents: in the project        401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Subscription.taskEvents: by search or priority 401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
`

const CELLS = {
  ok: 'OK',
  400: 'BAD_REQUEST',
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
} as const

export type Expected = (typeof CELLS)[keyof typeof CELLS]

export interface Row {
  /** Such as "Query.tasks: in the project". */
  name: string
  /** Such as "Query.tasks". */
  field: string
  expected: Record<Persona, Expected>
}

function readRow(line: string): Row {
  const [, name = '', cells = ''] = /^(\S+(?: \S+)*?)\s+((?:(?:ok|\d{3})\s*)+)$/.exec(line.trimEnd()) ?? []
  const read = cells.trim().split(/\s+/)
  const unknown = read.filter((cell) => !Object.hasOwn(CELLS, cell))
  if (read.length !== personas.length || unknown.length > 0) {
    throw new Error(`Expected ${personas.length} cells, each one of ${Object.keys(CELLS).join(', ')}, in row: ${line}`)
  }
  const expected = personas.map((persona, index) => [persona, CELLS[read[index] as keyof typeof CELLS]])
  return { name, field: name.split(':')[0] ?? name, expected: Object.fromEntries(expected) }
}

function readTable(table: string): Row[] {
  const [heading = '', ...lines] = table.split('\n').filter((line) => line.trim() !== '')
  if (heading.trim().split(/\s+/).join() !== personas.join()) throw new Error(`Expected columns: ${personas.join(' ')}`)
  return lines.map(readRow)
}

export const rows: readonly Row[] = [TABLE, ...nouns.map((noun) => noun.matrix)].flatMap(readTable)

/** Returns the rows of "Query", "Mutation" or "Subscription". */
export const rowsOf = (kind: string) => rows.filter((row) => row.field.startsWith(`${kind}.`))
