import type { Context } from '../../context.ts'
import { AppError } from '../../gateway/errors.ts'
import type { ExtraRoute } from '../../gateway/rest/extra.ts'
import { decodeForm, decodeUtf8 } from '../../gateway/utf8.ts'
import { refresh } from '../sessions/refresh.ts'
import { refreshRules, signInRules } from './input.ts'
import { signIn } from './service.ts'

/** The errors of RFC 6749 5.2 that this endpoint has a use for. */
type OAuthError = 'invalid_request' | 'invalid_grant' | 'unsupported_grant_type'

class GrantError extends Error {
  readonly error: OAuthError

  constructor(error: OAuthError, description: string) {
    // RFC 6749 5.2 has no other characters in a description.
    super(description.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?'))
    this.error = error
  }
}

const KEPT_BY_NONE = { 'Cache-Control': { $ref: '#/components/headers/Cache-Control' } }

/** What clients may send and nobody reads: any text that has a place in a form. */
const IGNORED = { pattern: '^[ -~]*$', maxLength: 4_096 }

/**
 * The OAuth 2 token endpoint (RFC 6749 4.3 and 6): password and refresh grant, form-encoded, with OAuth's own names and errors, so
 * that stock clients and Swagger UI's Authorize work. The same sign-in and refresh as everywhere else, limits included.
 */
export const oauthToken: ExtraRoute<Context> = {
  method: 'POST',
  path: '/auth/token',
  async handle({ exchange, createContext }) {
    const { request, response } = exchange
    // RFC 6749 5.1: neither tokens nor the reasons they were refused may be kept by a cache.
    const headers = {
      'Content-Type': 'application/json; charset=utf-8',
      'Cache-Control': 'no-store',
      Pragma: 'no-cache',
    }
    try {
      const form = readForm(request.headers['content-type'], await exchange.body())
      const { accessToken, refreshToken, expiresIn } = await grant(await createContext(), form)
      response.writeHead(200, headers)
      response.end(
        JSON.stringify({
          access_token: accessToken,
          token_type: 'Bearer',
          expires_in: expiresIn,
          refresh_token: refreshToken,
        }),
      )
    } catch (error) {
      const refused = toGrantError(error)
      response.writeHead(400, headers).end(JSON.stringify({ error: refused.error, error_description: refused.message }))
    }
  },
  openapi: {
    operationId: 'oauthToken',
    tags: ['auth'],
    summary: 'OAuth 2 token endpoint',
    description: 'Password and refresh grant (RFC 6749). What signIn and refreshSession do, with OAuth’s names.',
    security: [{}],
    requestBody: {
      required: true,
      content: {
        'application/x-www-form-urlencoded': {
          schema: {
            type: 'object',
            properties: {
              grant_type: { type: 'string', enum: ['password', 'refresh_token'] },
              username: {
                type: 'string',
                format: 'email',
                maxLength: 254,
                examples: ['ada@example.org'],
                description: 'The e-mail address, with grant_type=password.',
              },
              password: { type: 'string', format: 'password', maxLength: 200, examples: ['correct horse battery'] },
              refresh_token: {
                type: 'string',
                pattern: '^[^\\u0000]+$',
                maxLength: 500,
                description: 'With grant_type=refresh_token.',
              },
              scope: {
                type: 'string',
                ...IGNORED,
                description: 'Ignored: a person’s token may everything the person may.',
              },
              client_id: { type: 'string', ...IGNORED, description: 'Ignored: there are no registered clients.' },
              client_secret: { type: 'string', ...IGNORED, description: 'Ignored.' },
            },
            required: ['grant_type'],
            examples: [{ grant_type: 'password', username: 'ada@example.org', password: 'correct horse battery' }],
          },
        },
      },
    },
    responses: {
      200: {
        description: 'The tokens.',
        headers: KEPT_BY_NONE,
        content: {
          'application/json': {
            schema: {
              type: 'object',
              properties: {
                access_token: { type: 'string' },
                token_type: { type: 'string', enum: ['Bearer'] },
                expires_in: {
                  type: 'integer',
                  format: 'int32',
                  minimum: 1,
                  maximum: 2 ** 31 - 1,
                  description: 'Seconds.',
                },
                refresh_token: { type: 'string' },
              },
              required: ['access_token', 'token_type', 'expires_in', 'refresh_token'],
            },
          },
        },
      },
      400: {
        description: 'Refused, in the form of RFC 6749 5.2.',
        headers: KEPT_BY_NONE,
        content: {
          'application/json': {
            schema: {
              type: 'object',
              properties: {
                error: { type: 'string', enum: ['invalid_request', 'invalid_grant', 'unsupported_grant_type'] },
                error_description: { type: 'string' },
              },
              required: ['error', 'error_description'],
            },
          },
        },
      },
    },
    'x-errors': [
      'NOT_ACCEPTABLE',
      'PAYLOAD_TOO_LARGE',
      'UNSUPPORTED_MEDIA_TYPE',
      'RATE_LIMITED',
      'INTERNAL',
      'UNAVAILABLE',
    ],
  },
}

function readForm(contentType: string | undefined, body: Buffer): URLSearchParams {
  if (contentType?.split(';')[0]?.trim().toLowerCase() !== 'application/x-www-form-urlencoded') {
    throw new GrantError('invalid_request', 'Send application/x-www-form-urlencoded.')
  }
  const form = decodeForm(decodeUtf8(body, 'The body'), 'The body')
  for (const name of new Set(form.keys())) {
    if (form.getAll(name).length > 1) throw new GrantError('invalid_request', `${name} is given more than once.`)
    // RFC 6749 3.2: a parameter without a value was not sent.
    if (form.get(name) === '') form.delete(name)
  }
  return form
}

function grant(ctx: Context, form: URLSearchParams) {
  const type = form.get('grant_type')
  if (type === 'password') {
    const input = signInRules.safeParse({ email: form.get('username'), password: form.get('password') })
    if (!input.success)
      throw new GrantError('invalid_request', 'username must be an e-mail address, and password be given.')
    return signIn(ctx, input.data)
  }
  if (type === 'refresh_token') {
    const input = refreshRules.safeParse({ refreshToken: form.get('refresh_token') })
    if (!input.success) throw new GrantError('invalid_request', 'refresh_token must be given.')
    return refresh(ctx, input.data.refreshToken)
  }
  if (type === null) throw new GrantError('invalid_request', 'grant_type must be given.')
  throw new GrantError('unsupported_grant_type', 'grant_type must be password or refresh_token.')
}

/** Anything but a refused grant keeps its own answer: too many attempts, no database. */
function toGrantError(error: unknown): GrantError {
  if (error instanceof GrantError) return error
  if (error instanceof AppError && error.code === 'BAD_REQUEST') return new GrantError('invalid_request', error.message)
  if (error instanceof AppError && error.code === 'UNAUTHENTICATED')
    return new GrantError('invalid_grant', error.message)
  throw error
}
