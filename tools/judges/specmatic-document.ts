import { PLACEHOLDERS, type PlaceholderName } from './specmatic-fixtures.ts'

type Schema = Record<string, unknown>

interface Parameter {
  name: string
  in: string
  schema?: Schema
}

interface Operation {
  security?: Record<string, string[]>[]
  parameters?: Parameter[]
  requestBody?: { content: Record<string, { schema: ObjectSchema }> }
}

interface ObjectSchema {
  properties?: Record<string, Schema>
}

interface Document {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, ObjectSchema> }
}

/**
 * Parameters that depend on an earlier response or on another parameter, or that change
 * what is required.
 */
const SKIPPED_PARAMETERS = [
  'after',
  'before',
  'If-Match',
  'If-None-Match',
  'Idempotency-Key',
  'fields',
  'include',
  'filter',
  'orderBy',
]

/** Operations that Specmatic cannot run. */
const SKIPPED_PATHS = ['/events/stream', '/auth/token']

/**
 * Adapts the document: puts placeholders for existing ids, and drops patterns
 * that Specmatic misreads.
 */
export function adaptDocument(document: Document): Document {
  for (const path of SKIPPED_PATHS) delete document.paths[path]
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const operation of Object.values(methods)) {
      operation.security = operation.security?.slice(0, 1)
      operation.parameters = (operation.parameters ?? []).filter(({ name }) => !SKIPPED_PARAMETERS.includes(name))
      for (const parameter of operation.parameters) fill(parameter.schema, placeholderOf(path, parameter))
      for (const { schema } of Object.values(operation.requestBody?.content ?? {})) fillBody('', schema)
    }
  }
  for (const [name, schema] of Object.entries(document.components.schemas))
    if (/(Input|Item)$/.test(name)) fillBody(name, schema)
  dropPatterns(document)
  return document
}

function fillBody(name: string, { properties = {} }: ObjectSchema): void {
  for (const [property, schema] of Object.entries(properties)) fill(schema, placeholderInBody(name, property))
}

/** Replaces a schema (or the items of a list) with the placeholder of an existing thing. */
function fill(schema: Schema | undefined, name: PlaceholderName | undefined): void {
  if (!schema || !name) return
  const target = (schema.items as Schema | undefined) ?? schema
  const nullable = [target.type].flat().includes('null')
  target.type = nullable ? ['string', 'null'] : 'string'
  target.enum = nullable ? [PLACEHOLDERS[name], null] : [PLACEHOLDERS[name]]
  for (const keyword of ['pattern', 'format', 'minLength', 'maxLength', 'examples']) delete target[keyword]
}

const PATHS: Record<string, PlaceholderName> = {
  'api-keys': 'apiKey',
  labels: 'label',
  members: 'member',
  projects: 'project',
  relations: 'relation',
  sessions: 'session',
  tasks: 'task',
  users: 'user',
}

const QUERIES: Record<string, PlaceholderName> = {
  assigneeId: 'member',
  creatorId: 'member',
  labelId: 'label',
  'labelId.all': 'label',
  'labelId.any': 'label',
  key: 'taskKey',
  parentId: 'task',
  projectId: 'project',
}

function placeholderOf(path: string, { name, in: place }: Parameter): PlaceholderName | undefined {
  if (place === 'query') return QUERIES[name]
  if (place !== 'path') return undefined
  const noun = path.split('/').at(path.split('/').indexOf(`{${name}}`) - 1) ?? ''
  return PATHS[noun]
}

const BODIES: Record<string, PlaceholderName> = {
  assigneeIds: 'member',
  labelIds: 'label',
  parentId: 'otherTask',
  relatedTaskId: 'otherTask',
  projectId: 'project',
  refreshToken: 'refreshToken',
  currentPassword: 'password',
  'CreateApiKeyInput.expiresAt': 'future',
  'CreateProjectInput.key': 'newKey',
  'SignInInput.email': 'email',
  'SignInInput.password': 'password',
  'AddMemberInput.email': 'strangerEmail',
  'RegisterUserInput.email': 'newEmail',
  'CreateUserInput.email': 'newEmail',
  'UpdateMeInput.email': 'newEmail',
  'BulkDeleteTaskItem.id': 'task',
  'BulkUpdateTaskItem.id': 'task',
}

const placeholderInBody = (name: string, property: string) => BODIES[`${name}.${property}`] ?? BODIES[property]

/**
 * Drops patterns that Specmatic misreads: unanchored ones, and those with quotation marks,
 * \u or \x.
 */
function dropPatterns(place: unknown): void {
  if (typeof place !== 'object' || place === null) return
  const schema = place as Schema
  if (typeof schema.pattern === 'string' && (/["]|\\u|\\x/.test(schema.pattern) || !/^\^.*\$$/.test(schema.pattern)))
    delete schema.pattern
  for (const inner of Object.values(schema)) dropPatterns(inner)
}
