import { HELD, type HeldName } from './specmatic-worlds.ts'

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

/** Parameters whose values follow from an earlier answer, or from another parameter, or that change what is required. */
const LEFT_OUT = [
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

/** Operations that Specmatic cannot run at all. */
const UNFIT = ['/events/stream', '/auth/token']

/** The document as Specmatic can use it: with ids of things that are there, and without what it reads otherwise than JSON Schema has it. */
export function adaptDocument(document: Document): Document {
  for (const path of UNFIT) delete document.paths[path]
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const operation of Object.values(methods)) {
      operation.security = operation.security?.slice(0, 1)
      operation.parameters = (operation.parameters ?? []).filter(({ name }) => !LEFT_OUT.includes(name))
      for (const parameter of operation.parameters) hold(parameter.schema, heldBy(path, parameter))
      for (const { schema } of Object.values(operation.requestBody?.content ?? {})) holdBody('', schema)
    }
  }
  for (const [name, schema] of Object.entries(document.components.schemas))
    if (/(Input|Item)$/.test(name)) holdBody(name, schema)
  mendPatterns(document)
  return document
}

function holdBody(name: string, { properties = {} }: ObjectSchema): void {
  for (const [property, schema] of Object.entries(properties)) hold(schema, heldInBody(name, property))
}

/** Makes a value (or the items of a list) one that is there. */
function hold(schema: Schema | undefined, name: HeldName | undefined): void {
  if (!schema || !name) return
  const place = (schema.items as Schema | undefined) ?? schema
  const takesNull = [place.type].flat().includes('null')
  place.type = takesNull ? ['string', 'null'] : 'string'
  place.enum = takesNull ? [HELD[name], null] : [HELD[name]]
  for (const keyword of ['pattern', 'format', 'minLength', 'maxLength', 'examples']) delete place[keyword]
}

const PATHS: Record<string, HeldName> = {
  'api-keys': 'apiKey',
  labels: 'label',
  members: 'member',
  projects: 'project',
  relations: 'relation',
  sessions: 'session',
  tasks: 'task',
  users: 'user',
}

const QUERIES: Record<string, HeldName> = {
  assigneeId: 'member',
  creatorId: 'member',
  labelId: 'label',
  'labelId.all': 'label',
  'labelId.any': 'label',
  key: 'taskKey',
  parentId: 'task',
  projectId: 'project',
}

function heldBy(path: string, { name, in: place }: Parameter): HeldName | undefined {
  if (place === 'query') return QUERIES[name]
  if (place !== 'path') return undefined
  const noun = path.split('/').at(path.split('/').indexOf(`{${name}}`) - 1) ?? ''
  return PATHS[noun]
}

const BODIES: Record<string, HeldName> = {
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

const heldInBody = (name: string, property: string) => BODIES[`${name}.${property}`] ?? BODIES[property]

/** Specmatic reads a pattern as the whole of a text, a quotation mark as the beginning of a literal, and no \u. */
function mendPatterns(place: unknown): void {
  if (typeof place !== 'object' || place === null) return
  const schema = place as Schema
  if (typeof schema.pattern === 'string' && (/["]|\\u|\\x/.test(schema.pattern) || !/^\^.*\$$/.test(schema.pattern)))
    delete schema.pattern
  for (const inner of Object.values(schema)) mendPatterns(inner)
}
