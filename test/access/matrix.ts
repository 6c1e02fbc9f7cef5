import type { ApiScope } from '../../src/modules/api-keys/scopes.ts'

/**
 * Who may do what, stated once. A row is a field of Query, Mutation or Subscription; words behind the field tell apart what
 * depends on its arguments (recipes.ts makes them). A cell is what each persona hears, in every protocol alike:
 *
 *   ok    it is done, and a list shows exactly what the persona may see; of a bulk operation, that each item has an outcome
 *         (bulk.test.ts says which)
 *   400 BAD_REQUEST   401 UNAUTHENTICATED   403 FORBIDDEN   404 NOT_FOUND (what may not be seen, and what is not there)
 *
 * What “one reads” is in a project where members are VIEWERs, whatever they are in the project that most rows are about; “the
 * unseen” is in one that only ADMINs see. The columns are the keys of PERSONAS, in the same order.
 */
export const TABLE = `
                                               anon  stra view comm edit ownr admn remo  disa  t:r t:w p:r p:w adm a:tr

Query.me                                       401   ok   ok   ok   ok   ok   ok   ok    401   ok  ok  ok  ok  ok  ok
Query.sessions                                 401   ok   ok   ok   ok   ok   ok   ok    401   403 403 403 403 403 403
Query.apiKeys                                  401   ok   ok   ok   ok   ok   ok   ok    401   403 403 403 403 403 403
Query.users                                    401   403  403  403  403  403  ok   403   401   403 403 403 403 ok  403
Query.user                                     401   403  403  403  403  403  ok   403   401   403 403 403 403 ok  403
Query.user: one's own                          401   403  403  403  403  403  ok   403   401   403 403 403 403 ok  403
Query.projects                                 401   ok   ok   ok   ok   ok   ok   ok    401   403 403 ok  403 403 403
Query.project                                  401   404  ok   ok   ok   ok   ok   404   401   403 403 ok  403 403 403
Query.members                                  401   404  ok   ok   ok   ok   ok   404   401   403 403 ok  403 403 403
Query.tasks                                    401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Query.tasks: of the project                    401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.tasks: of it by and, or, not             401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.tasks: of the trash                      401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Query.tasks: of the project’s trash            401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.tasks: by words                          401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Query.tasks: by words, the oldest first        401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Query.tasks: by words in the project           401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.tasks: by words or else                  401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Query.tasks: by keys                           401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Query.tasks: by label                          401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.tasks: by parent                         401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.tasks: by the key of a parent            401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.tasks: assigned to somebody              401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Query.tasks: assigned to oneself               401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Query.tasks: created by oneself                401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Query.task                                     401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.task: by key                             401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.task: deleted                            401   404  404  404  404  404  404  404   401   404 403 403 403 403 404
Query.task: deleted, by key                    401   404  404  404  404  404  404  404   401   404 403 403 403 403 404
Query.taskRelations                            401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.taskRelations: by key                    401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.labels                                   401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.events                                   401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Query.events: of the project                   401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.events: of some types                    401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Query.events: by a filter of the project       401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.events: by a filter of its label         401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Query.events: by words                         401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Query.eventCursor                              401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok

Mutation.registerUser                          ok    ok   ok   ok   ok   ok   ok   ok    ok    ok  ok  ok  ok  ok  ok
Mutation.signIn                                ok    ok   ok   ok   ok   ok   ok   ok    401   ok  ok  ok  ok  ok  ok
Mutation.refreshSession                        ok    ok   ok   ok   ok   ok   ok   ok    401   ok  ok  ok  ok  ok  ok
Mutation.signOut                               401   ok   ok   ok   ok   ok   ok   ok    401   403 403 403 403 403 403
Mutation.signOutEverywhere                     401   ok   ok   ok   ok   ok   ok   ok    401   403 403 403 403 403 403
Mutation.revokeSession                         401   ok   ok   ok   ok   ok   ok   ok    401   403 403 403 403 403 403
Mutation.revokeSession: another's              401   404  404  404  404  404  404  404   401   403 403 403 403 403 403
Mutation.updateMe                              401   ok   ok   ok   ok   ok   ok   ok    401   403 403 403 403 403 403
Mutation.changePassword                        401   ok   ok   ok   ok   ok   ok   ok    401   403 403 403 403 403 403
Mutation.createApiKey                          401   ok   ok   ok   ok   ok   ok   ok    401   403 403 403 403 403 403
Mutation.createApiKey: for administration      401   403  403  403  403  403  ok   403   401   403 403 403 403 403 403
Mutation.revokeApiKey                          401   ok   ok   ok   ok   ok   ok   ok    401   403 403 403 403 403 403
Mutation.revokeApiKey: another's               401   404  404  404  404  404  404  404   401   403 403 403 403 403 403
Mutation.createStreamTicket                    401   ok   ok   ok   ok   ok   ok   ok    401   ok  ok  ok  ok  ok  ok
Mutation.renewConnection                       401   ok   ok   ok   ok   ok   ok   ok    401   403 403 403 403 403 403
Mutation.renewConnection: of no websocket      401   400  400  400  400  400  400  400   401   403 403 403 403 403 403
Mutation.createUser                            401   403  403  403  403  403  ok   403   401   403 403 403 403 ok  403
Mutation.updateUser                            401   403  403  403  403  403  ok   403   401   403 403 403 403 ok  403
Mutation.updateUser: oneself to ADMIN          401   403  403  403  403  403  ok   403   401   403 403 403 403 ok  403
Mutation.deleteUser                            401   403  403  403  403  403  ok   403   401   403 403 403 403 ok  403
Mutation.createProject                         401   ok   ok   ok   ok   ok   ok   ok    401   403 403 403 ok  403 403
Mutation.addMember                             401   404  403  403  403  ok   ok   404   401   403 403 403 ok  403 403
Mutation.setMember                             401   404  403  403  403  ok   ok   404   401   403 403 403 ok  403 403
Mutation.removeMember                          401   404  403  403  403  ok   ok   404   401   403 403 403 ok  403 403
Mutation.createTask                            401   ok   ok   ok   ok   ok   ok   ok    401   403 ok  403 403 403 403
Mutation.createTask: in the project            401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.createTask: below a task              401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.createTask: with links                401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.updateTask                            401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.updateTask: by key                    401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.replaceTask                           401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.deleteTask                            401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.deleteTask: by key                    401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.restoreTask                           401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.restoreTask: by key                   401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.duplicateTask                         401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.moveTask                              401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.moveTask: to where one reads          401   404  403  403  403  403  ok   404   401   403 403 403 403 403 403
Mutation.moveTask: from where one reads        401   404  403  403  403  403  ok   404   401   403 403 403 403 403 403
Mutation.moveTask: to the unseen               401   404  403  403  404  404  ok   404   401   403 404 403 403 403 403
Mutation.bulkCreateTasks                       401   ok   ok   ok   ok   ok   ok   ok    401   403 ok  403 403 403 403
Mutation.bulkUpdateTasks                       401   ok   ok   ok   ok   ok   ok   ok    401   403 ok  403 403 403 403
Mutation.bulkDeleteTasks                       401   ok   ok   ok   ok   ok   ok   ok    401   403 ok  403 403 403 403
Mutation.createTaskRelation                    401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.createTaskRelation: to what one reads 401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.createTaskRelation: of what one reads 401   404  403  403  403  403  ok   404   401   403 403 403 403 403 403
Mutation.createTaskRelation: to the unseen     401   404  403  403  404  404  ok   404   401   403 404 403 403 403 403
Mutation.deleteTaskRelation                    401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.deleteTaskRelation: to the unseen     401   404  403  403  404  404  ok   404   401   403 404 403 403 403 403
Mutation.createLabel                           401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.updateLabel                           401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403
Mutation.deleteLabel                           401   404  403  403  ok   ok   ok   404   401   403 ok  403 403 403 403

Subscription.events                            401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Subscription.events: of the project            401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Subscription.events: of some types             401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Subscription.events: of it by a filter         401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Subscription.taskEvents                        401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
Subscription.taskEvents: of the project        401   404  ok   ok   ok   ok   ok   404   401   ok  403 403 403 403 404
Subscription.taskEvents: by words or else      401   ok   ok   ok   ok   ok   ok   ok    401   ok  403 403 403 403 ok
`

interface Description {
  who: string
  /** In the project that the operations are about. */
  role?: 'VIEWER' | 'COMMENTER' | 'EDITOR' | 'OWNER'
  admin?: true
  /** Holds the role no more. */
  removed?: true
  disabled?: true
  /** What they come with: a token unless told. */
  credential?: 'none' | ApiScope
}

export const PERSONAS = {
  anon: { who: 'somebody not signed in', credential: 'none' },
  stra: { who: 'a stranger: signed in, no member' },
  view: { who: 'a VIEWER', role: 'VIEWER' },
  comm: { who: 'a COMMENTER', role: 'COMMENTER' },
  edit: { who: 'an EDITOR', role: 'EDITOR' },
  ownr: { who: 'an OWNER', role: 'OWNER' },
  admn: { who: 'an ADMIN of the instance, no member', admin: true },
  remo: { who: 'an EDITOR whose membership was removed', role: 'EDITOR', removed: true },
  disa: { who: 'an EDITOR whose account is disabled, with an unexpired token', role: 'EDITOR', disabled: true },
  't:r': { who: 'an OWNER’s API key with tasks:read', role: 'OWNER', credential: 'tasks:read' },
  't:w': { who: 'an OWNER’s API key with tasks:write', role: 'OWNER', credential: 'tasks:write' },
  'p:r': { who: 'an OWNER’s API key with projects:read', role: 'OWNER', credential: 'projects:read' },
  'p:w': { who: 'an OWNER’s API key with projects:write', role: 'OWNER', credential: 'projects:write' },
  adm: { who: 'an ADMIN’s API key with admin', admin: true, credential: 'admin' },
  'a:tr': {
    who: 'an ADMIN’s API key with tasks:read alone: it administers nothing',
    admin: true,
    credential: 'tasks:read',
  },
} as const satisfies Record<string, Description>

export type Persona = keyof typeof PERSONAS
export const personas = Object.keys(PERSONAS) as Persona[]
export const describePersona = (persona: Persona): Description => PERSONAS[persona]

const CELLS = {
  ok: 'OK',
  400: 'BAD_REQUEST',
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
} as const

export type Expected = (typeof CELLS)[keyof typeof CELLS]

export interface Row {
  /** Like "Query.tasks: of the project". */
  name: string
  /** Like "Query.tasks". */
  field: string
  expected: Record<Persona, Expected>
}

function readRow(line: string): Row {
  const [, name = '', cells = ''] = /^(\S+(?: \S+)*?)\s+((?:(?:ok|\d{3})\s*)+)$/.exec(line.trimEnd()) ?? []
  const read = cells.trim().split(/\s+/)
  const unknown = read.filter((cell) => !Object.hasOwn(CELLS, cell))
  if (read.length !== personas.length || unknown.length > 0) {
    throw new Error(`A row needs ${personas.length} cells of ${Object.keys(CELLS).join(', ')}: ${line}`)
  }
  const expected = personas.map((persona, index) => [persona, CELLS[read[index] as keyof typeof CELLS]])
  return { name, field: name.split(':')[0] ?? name, expected: Object.fromEntries(expected) }
}

const [heading = '', ...lines] = TABLE.split('\n').filter((line) => line.trim() !== '')
if (heading.trim().split(/\s+/).join() !== personas.join()) throw new Error(`The columns are ${personas.join(' ')}`)

export const rows: readonly Row[] = lines.map(readRow)

/** The rows of "Query", "Mutation" or "Subscription". */
export const rowsOf = (kind: string) => rows.filter((row) => row.field.startsWith(`${kind}.`))
