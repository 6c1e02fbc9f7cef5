import type { GraphQLSchema } from 'graphql'
import type { RestContent } from '../operation.ts'
import type { InputPlan } from '../rest/input.ts'
import type { Route } from '../rest/routes.ts'
import { COMMON, named } from './headers.ts'
import type { Dialect, JsonSchema } from './json-schema.ts'
import { IF_NONE_MATCH, routeParameters } from './parameters.ts'
import { type Access, errorAnswers } from './responses.ts'

const BINARY = { type: 'string', format: 'binary' }

/** Returns the body of an operation that takes a file: a form with it, or its bytes. */
export function fileBody(name: string): JsonSchema {
  const form = { type: 'object', properties: { [name]: BINARY }, required: [name], additionalProperties: false }
  return {
    required: true,
    description: `The file: the only part of a form, in the field \`${name}\`; or its bytes, with its own media type. The name of the bytes is that in Content-Disposition, unless a parameter gives another.`,
    content: { 'multipart/form-data': { schema: form }, '*/*': { schema: BINARY } },
  }
}

/** The name of a file that is sent as bytes. */
export const CONTENT_DISPOSITION = {
  name: 'Content-Disposition',
  in: 'header',
  required: false,
  schema: { type: 'string', pattern: '^[\\w-]+(;.*)?$', maxLength: 4_096 },
  description: 'The name of a file that is sent as bytes (RFC 6266), like `attachment; filename="plan.pdf"`.',
}

const RANGE = {
  name: 'Range',
  in: 'header',
  required: false,
  schema: { type: 'string', pattern: '^\\w+=[0-9, -]+$', maxLength: 200 },
  description: 'One range of bytes, like `bytes=0-499`, `bytes=500-` or `bytes=-500` (RFC 9110 14.2).',
}

const IF_RANGE = {
  name: 'If-Range',
  in: 'header',
  required: false,
  schema: { type: 'string', pattern: '^\\S', maxLength: 200 },
  description:
    'The ETag or the Last-Modified of the part that the client has: 200 with the whole if it is not current.',
}

/** Returns the answers and parameters of a path that serves the bytes behind a route. */
export function contentOperation(
  route: Route,
  { description }: RestContent,
  plan: InputPlan,
  access: Access,
  schema: GraphQLSchema,
  dialect: Dialect,
): JsonSchema {
  const shared = {
    ...COMMON,
    ...named('Cache-Control', 'ETag', 'Last-Modified', 'Accept-Ranges', 'Content-Security-Policy'),
  }
  const sent = { ...shared, ...named('Content-Disposition') }
  const content = { '*/*': { schema: BINARY } }
  const inPath = routeParameters(route, plan, schema, dialect).filter((parameter) => parameter.in === 'path')
  return {
    description,
    parameters: [...inPath, RANGE, IF_RANGE, IF_NONE_MATCH],
    responses: {
      200: { description: 'The bytes, as they were sent. Browsers save them.', headers: sent, content },
      206: { description: 'The range of bytes.', headers: { ...sent, ...named('Content-Range') }, content },
      304: { description: 'Not modified: `If-None-Match` contains the current ETag.', headers: shared },
      ...errorAnswers([
        'BAD_REQUEST',
        ...(access.isPublic ? [] : (['UNAUTHENTICATED'] as const)),
        ...(access.mayForbid ? (['FORBIDDEN'] as const) : []),
        'NOT_FOUND',
        'RANGE_NOT_SATISFIABLE',
        'VALIDATION_FAILED',
      ]),
    },
  }
}
