import { ERROR_CODES, errorCodes } from '../errors.ts'
import { EXAMPLE_REQUEST } from './headers.ts'
import type { JsonSchema } from './json-schema.ts'

/** Returns the schema of an error. Its codes include those of the application. */
export const problemSchema = (): JsonSchema => ({
  type: 'object',
  description: 'An error (RFC 9457).',
  properties: {
    type: { type: 'string', format: 'uri-reference', description: 'Always about:blank. Use `code`.' },
    title: { type: 'string', description: 'The code in words.' },
    status: { type: 'integer', format: 'int32', minimum: 400, maximum: 599 },
    detail: { type: 'string', description: 'What is wrong with this request.' },
    code: { type: 'string', enum: errorCodes() },
    requestId: { type: 'string', description: 'Identifies the request in the server’s log.' },
    errors: {
      type: 'array',
      description: 'All invalid values of the request.',
      items: {
        type: 'object',
        properties: {
          path: {
            type: 'array',
            items: { type: ['string', 'integer'], format: 'int32', minimum: 0, maximum: 2 ** 31 - 1 },
            description: 'Starts with body, query, path or header.',
          },
          code: { type: 'string', description: 'The rule that was broken.' },
          message: { type: 'string' },
        },
        required: ['path', 'code', 'message'],
      },
    },
  },
  required: ['type', 'title', 'status', 'detail', 'code', 'requestId'],
  examples: [
    {
      type: 'about:blank',
      title: ERROR_CODES.VALIDATION_FAILED.title,
      status: 422,
      detail: 'query.limit: must be 1 to 100',
      code: 'VALIDATION_FAILED',
      requestId: EXAMPLE_REQUEST,
      errors: [{ path: ['query', 'limit'], code: 'too_big', message: 'must be 1 to 100' }],
    },
  ],
})
