import { AppError } from '../gateway/errors.ts'
import { mediaTypeOf } from '../gateway/http/content-type.ts'
import { decodeForm, decodeUtf8 } from '../gateway/http/utf8.ts'
import type { ExtraRoute } from '../gateway/rest/extra.ts'
import { refreshRules, signInRules } from '../modules/accounts/input.ts'
import { signIn } from '../modules/accounts/service.ts'
import { refresh } from '../modules/sessions/refresh-service.ts'
import type { Context } from '../request/context.ts'

/** The errors of RFC 6749 section 5.2 that this endpoint returns. */
type OAuthError = 'invalid_request' | 'invalid_grant' | 'unsupported_grant_type'

class GrantError extends Error {
  readonly error: OAuthError

  constructor(error: OAuthError, description: string) {
    // RFC 6749 section 5.2 allows only these characters in a description.
    super(description.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?'))
    this.error = error
  }
}

const NO_STORE = { 'Cache-Control': { $ref: '#/components/headers/Cache-Control' } }

/** Schema of parameters that OAuth clients may send and this endpoint ignores. */
const IGNORED = { pattern: '^[ -~]*$', maxLength: 4_096 }

/**
 * OAuth 2 token endpoint (RFC 6749 sections 4.3 and 6): password and refresh grant, form-encoded,
 * with OAuth's names and errors, so that stock clients and Swagger UI's Authorize button work.
 * Uses the same sign-in and refresh as the other protocols, rate limits included.
 */
export const oauthToken: ExtraRoute<Context> = {
  method: 'POST',
  path: '/auth/token',
  async handle({ exchange, createContext }) {
    const { request, response } = exchange
    // RFC 6749 section 5.1: tokens and grant errors must not be cached.
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
    description:
      'Password and refresh grant (RFC 6749). Does the same as signIn and refreshSession, with OAuth’s parameter names.',
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
                pattern: '^\\s*[^\\s@]+@[^\\s@]+\\s*$',
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
                description: 'Ignored: a token has all rights of its user.',
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
        headers: NO_STORE,
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
        description: 'The grant failed, in the error format of RFC 6749 section 5.2.',
        headers: NO_STORE,
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
  if (mediaTypeOf(contentType) !== 'application/x-www-form-urlencoded') {
    throw new GrantError('invalid_request', 'The content type must be application/x-www-form-urlencoded.')
  }
  const form = decodeForm(decodeUtf8(body, 'The body'), 'The body')
  for (const name of new Set(form.keys())) {
    if (form.getAll(name).length > 1) throw new GrantError('invalid_request', `${name} must not be repeated.`)
    // RFC 6749 section 3.2: a parameter without a value counts as not sent.
    if (form.get(name) === '') form.delete(name)
  }
  return form
}

function grant(ctx: Context, form: URLSearchParams) {
  const type = form.get('grant_type')
  if (type === 'password') {
    const input = signInRules.safeParse({ email: form.get('username'), password: form.get('password') })
    if (!input.success)
      throw new GrantError('invalid_request', 'username must be an e-mail address, and password is required.')
    return signIn(ctx, input.data)
  }
  if (type === 'refresh_token') {
    const input = refreshRules.safeParse({ refreshToken: form.get('refresh_token') })
    if (!input.success) throw new GrantError('invalid_request', 'refresh_token is required.')
    return refresh(ctx, input.data.refreshToken)
  }
  if (type === null) throw new GrantError('invalid_request', 'grant_type is required: password or refresh_token.')
  throw new GrantError('unsupported_grant_type', 'grant_type must be password or refresh_token.')
}

/**
 * Turns a refused sign-in into `invalid_grant`. Other errors, such as RATE_LIMITED,
 * pass through unchanged.
 */
function toGrantError(error: unknown): GrantError {
  if (error instanceof GrantError) return error
  if (error instanceof AppError && error.code === 'BAD_REQUEST') return new GrantError('invalid_request', error.message)
  if (error instanceof AppError && error.code === 'UNAUTHENTICATED')
    return new GrantError('invalid_grant', error.message)
  throw error
}
