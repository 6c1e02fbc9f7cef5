import type { Schema } from './json-schema.ts'

/** The subset of OpenAPI 3.1 that openapi.json uses. */
export interface Document {
  openapi: string
  info: Record<string, unknown>
  servers: { url: string }[]
  tags: { name: string; description?: string }[]
  security: Record<string, string[]>[]
  paths: Record<string, Record<string, Operation>>
  components: {
    schemas: Record<string, Schema>
    responses: Record<string, Schema>
    headers: Record<string, Schema>
    securitySchemes: Record<string, Schema>
  }
}

export interface Parameter {
  name: string
  in: string
  required: boolean
  schema: Schema
  /** Replaces the schema for values that are not plain. */
  content?: Record<string, { schema: Schema }>
}

export interface Response {
  $ref?: string
  description?: string
  headers?: Record<string, Schema>
  content?: Record<string, { schema: Schema; example?: unknown }>
}

export interface Operation {
  operationId: string
  summary: string
  description?: string
  tags: string[]
  'x-graphql-operation'?: { field: string; document: string }
  parameters?: Parameter[]
  requestBody?: { content: Record<string, { schema: Schema; example?: unknown }> }
  responses: Record<string, Response>
  security?: Record<string, string[]>[]
}

export interface DescribedOperation {
  method: string
  path: string
  /** Such as "GET /things". */
  name: string
  operation: Operation
}

export function operationsOf(document: Document): DescribedOperation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      name: `${method.toUpperCase()} ${path}`,
      operation,
    })),
  )
}
