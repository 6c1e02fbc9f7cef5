/**
 * The JSON schemas of fastify-rest.ts. Fastify compiles the requests' to checks and the responses'
 * to serializers.
 */

const text = { type: 'string' } as const
const integer = { type: 'integer' } as const
const time = { type: 'string', format: 'date-time' } as const
const id = { type: 'string', format: 'uuid' } as const
const optional = <Schema extends object>(schema: Schema) => ({ ...schema, nullable: true }) as const
const ids = { type: 'array', items: id, maxItems: 20 } as const
const status = { type: 'string', enum: ['PENDING', 'IN_PROGRESS', 'COMPLETED', 'CANCELLED'] } as const

const properties = {
  id: text,
  key: text,
  projectId: text,
  number: integer,
  title: text,
  description: optional(text),
  status: text,
  priority: integer,
  dueAt: optional(time),
  completedAt: optional(time),
  parentId: optional(text),
  assigneeIds: { type: 'array', items: text },
  labelIds: { type: 'array', items: text },
  creatorId: optional(text),
  deletedAt: optional(time),
  version: integer,
  createdAt: time,
  updatedAt: time,
} as const

export const task = { type: 'object', properties, required: Object.keys(properties) } as const

export const page = {
  type: 'object',
  properties: {
    nodes: { type: 'array', items: task },
    pageInfo: {
      type: 'object',
      properties: {
        hasNextPage: { type: 'boolean' },
        hasPreviousPage: { type: 'boolean' },
        startCursor: optional(text),
        endCursor: optional(text),
      },
    },
  },
} as const

export const listQuery = {
  type: 'object',
  properties: {
    projectId: id,
    status: { type: 'array', items: status },
    search: { type: 'string', minLength: 1, maxLength: 200 },
    orderBy: { type: 'string', pattern: '^(createdAt|priority|dueAt):(asc|desc)$' },
    limit: { type: 'integer', minimum: 1, maximum: 100, default: 20 },
    after: text,
  },
  additionalProperties: false,
} as const

const values = {
  title: { type: 'string', minLength: 1, maxLength: 200, pattern: '\\S' },
  description: optional({ type: 'string', maxLength: 2000 }),
  status: optional({ ...status, enum: [...status.enum, null] }),
  priority: optional({ type: 'integer', minimum: 1, maximum: 5 }),
  dueAt: optional(time),
} as const

export const newTask = {
  type: 'object',
  properties: {
    ...values,
    projectId: id,
    parentId: optional(id),
    assigneeIds: optional(ids),
    labelIds: optional(ids),
  },
  required: ['projectId', 'title'],
  additionalProperties: false,
} as const

export const taskChange = { type: 'object', properties: values, additionalProperties: false } as const
