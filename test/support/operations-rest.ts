import { rest } from './clients.ts'
import type { ListArguments, Operations } from './operation-types.ts'
import { type Caller, describeError, type Outcome, shown } from './outcome.ts'

const at = (id: string) => encodeURIComponent(id)

export const overRest: Operations = {
  protocol: 'REST',
  createTask: (caller, body) => call(caller, 'POST /tasks', body),
  getTask: (caller, id, include = []) =>
    call(caller, `GET /tasks/${at(id)}${include.length > 0 ? `?include=${include.join(',')}` : ''}`),
  listTasks: (caller, args) => call(caller, `GET /tasks${queryString(args)}`),
  updateTask: (caller, id, body, version) => call(caller, `PATCH /tasks/${at(id)}`, body, ifMatch(version)),
  replaceTask: (caller, id, body, version) => call(caller, `PUT /tasks/${at(id)}`, body, ifMatch(version)),
  deleteTask: (caller, id, version) => call(caller, `DELETE /tasks/${at(id)}`, undefined, ifMatch(version)),
  restoreTask: (caller, id, version) => call(caller, `POST /tasks/${at(id)}/restore`, undefined, ifMatch(version)),
  duplicateTask: (caller, id, title) =>
    call(caller, `POST /tasks/${at(id)}/duplicate`, title === undefined ? undefined : { title }),
  moveTask: (caller, id, projectId, version) =>
    call(caller, `POST /tasks/${at(id)}/move`, { projectId }, ifMatch(version)),
  bulkCreateTasks: (caller, body) => call(caller, 'POST /tasks/bulk', body),
  bulkUpdateTasks: (caller, body) => call(caller, 'PATCH /tasks/bulk', body),
  bulkDeleteTasks: (caller, body) => call(caller, 'POST /tasks/bulk-delete', body),
  listLabels: (caller, projectId, args) => call(caller, `GET /projects/${at(projectId)}/labels${queryString(args)}`),
  createLabel: (caller, projectId, body) => call(caller, `POST /projects/${at(projectId)}/labels`, body),
  updateLabel: (caller, id, body, version) => call(caller, `PATCH /labels/${at(id)}`, body, ifMatch(version)),
  deleteLabel: (caller, id, version) => call(caller, `DELETE /labels/${at(id)}`, undefined, ifMatch(version)),
  listRelations: async (caller, taskId) => {
    const outcome = await call(caller, `GET /tasks/${at(taskId)}/relations`)
    return outcome.error ? outcome : { ...outcome, data: outcome.data.nodes }
  },
  createRelation: (caller, taskId, body) => call(caller, `POST /tasks/${at(taskId)}/relations`, body),
  deleteRelation: (caller, taskId, id) => call(caller, `DELETE /tasks/${at(taskId)}/relations/${at(id)}`),
  createProject: (caller, body) => call(caller, 'POST /projects', body),
  getProject: (caller, id) => call(caller, `GET /projects/${at(id)}`),
  listProjects: (caller, args) => call(caller, `GET /projects${queryString(args)}`),
  me: (caller) => call(caller, 'GET /me'),
  register: (caller, body) => call(caller, 'POST /auth/register', body),
  signIn: (caller, body) => call(caller, 'POST /auth/sign-in', body),
  listEvents: (caller, { projectId, ...args } = {}) =>
    call(caller, `GET /events${queryString({ ...args, ...(projectId !== undefined && { filter: { projectId } }) })}`),
  eventCursor: (caller) => call(caller, 'GET /events/cursor'),
}

/** Calls `"GET /tasks"`. */
export async function call(
  caller: Caller,
  request: string,
  body?: Record<string, unknown>,
  headers?: Record<string, string>,
): Promise<Outcome> {
  const answer = await rest(caller, request, { token: caller.token, body, ...(headers && { headers }) })
  const sent = body === undefined ? '' : ` with ${shown(body)}`
  const exchange = `${request}${sent} answered ${answer.status} ${answer.text}`
  if (answer.status < 400) return { data: answer.body, exchange }
  return { data: undefined, error: describeError(answer.body?.code, answer.body?.errors, requestName), exchange }
}

/** Maps `["body","title"]` to `title`, `["query","filter","not"]` of a JSON filter to `not`. */
function requestName([, ...names]: string[]): string {
  const name = names.join('.')
  return name === 'If-Match' ? 'expectedVersion' : name.replace(/^filter\./, '')
}

export function ifMatch(version: number | undefined): Record<string, string> | undefined {
  return version === undefined ? undefined : { 'if-match': `"v${version}.anything"` }
}

export function queryString({
  filter = {},
  orderBy = [],
  totalCount,
  first,
  last,
  ...rest
}: ListArguments = {}): string {
  const { flat, json } = spellFilter(filter)
  const values: [string, unknown][] = [
    ...flat,
    ['filter', json && JSON.stringify(json)],
    [
      'orderBy',
      orderBy.map(({ field, direction }) => `${camelCase(field)}${direction ? `:${direction.toLowerCase()}` : ''}`),
    ],
    ['limit', first ?? last],
    ['include', totalCount ? 'totalCount' : undefined],
    ...Object.entries(rest),
  ]
  const query = new URLSearchParams(
    values.flatMap(([name, value]) =>
      value === undefined ? [] : [value].flat().map((one): [string, string] => [name, String(one)]),
    ),
  )
  return query.size > 0 ? `?${query}` : ''
}

/** Encodes a filter as parameters where possible and the rest as JSON. */
function spellFilter(filter: Record<string, unknown>) {
  const flat: [string, unknown][] = []
  const json: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(filter)) {
    const operators = isObject(value) ? Object.entries(value) : []
    if (isFlat(value)) flat.push([name, value])
    else if (name !== 'not' && operators.length > 0 && operators.every(([, operand]) => isFlat(operand)))
      flat.push(
        ...operators.map(([operator, operand]): [string, unknown] => [
          ['in', 'any'].includes(operator) ? name : `${name}.${operator}`,
          operand,
        ]),
      )
    else json[name] = value
  }
  return { flat, json: Object.keys(json).length > 0 ? json : undefined }
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Returns true for values that parameters can express, unlike null and empty lists. */
function isFlat(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0 && value.every((one) => typeof one !== 'object')
  return typeof value !== 'object'
}

function camelCase(constant: string): string {
  return constant.toLowerCase().replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
}
