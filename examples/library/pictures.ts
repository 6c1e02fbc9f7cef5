import { type ExtraRoute, FormReader, validationFailed } from '../../src/gateway/library/exports.ts'
import type { LibraryContext } from './builder.ts'
import { captionRule } from './input.ts'
import type { Picture } from './store.ts'

const MAX_PICTURES = 10

/** `POST /books/{id}/pictures`: a form with a caption and several files, each written as it arrives. */
export const pictures: ExtraRoute<LibraryContext> = {
  method: 'POST',
  path: '/books/{id}/pictures',
  openapi: {
    operationId: 'addPictures',
    summary: 'Upload pictures of a book',
    description: `Upload up to ${MAX_PICTURES} pictures of a book under one caption, which comes first in the form.`,
    tags: ['books'],
    security: [{}],
    parameters: [
      {
        name: 'id',
        in: 'path',
        required: true,
        schema: { type: 'string', format: 'uuid', minLength: 36, maxLength: 36 },
      },
    ],
    requestBody: {
      required: true,
      content: {
        'multipart/form-data': {
          schema: {
            type: 'object',
            properties: {
              caption: {
                type: 'string',
                minLength: 1,
                maxLength: 200,
                pattern: '\\S',
                examples: ['The first edition'],
              },
              files: {
                type: 'array',
                minItems: 1,
                maxItems: MAX_PICTURES,
                items: { type: 'string', format: 'binary' },
              },
            },
            required: ['caption', 'files'],
          },
        },
      },
    },
    responses: {
      201: {
        description: 'Stored.',
        headers: { 'Cache-Control': { description: 'How the response may be cached.', schema: { type: 'string' } } },
        content: {
          'application/json': {
            schema: {
              type: 'object',
              properties: {
                caption: { type: 'string' },
                files: {
                  type: 'array',
                  items: {
                    type: 'object',
                    properties: {
                      filename: { type: 'string' },
                      size: { type: 'integer', format: 'int32', minimum: 0, maximum: 104_857_600 },
                    },
                    required: ['filename', 'size'],
                  },
                },
              },
              required: ['caption', 'files'],
            },
          },
        },
      },
    },
    'x-errors': ['BAD_REQUEST', 'NOT_FOUND', 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE', 'VALIDATION_FAILED'],
  },
  async handle({ exchange, params, createContext }) {
    // The answer may go out before the whole form has arrived.
    exchange.response.lingers = true
    const context = await createContext()
    const { id } = context.books.get(params.id ?? '')
    const form = new FormReader(exchange.request.headers, exchange.stream('MAX_FORM'))
    const { caption, stored } = await readForm(form, context)
    context.books.attach(id, { pictures: stored })
    const files = stored.map(({ filename, size }) => ({ filename, size }))
    exchange.response.writeHead(201, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
    exchange.response.end(JSON.stringify({ caption, files }))
  },
}

/** Stores the files of a form. Keeps none of them if anything is wrong. */
async function readForm(form: FormReader, { files }: LibraryContext) {
  const stored: Picture[] = []
  try {
    const first = await form.next()
    const caption = captionRule.safeParse(first?.kind === 'field' && first.name === 'caption' ? first.value : undefined)
    if (!caption.success) throw refuse('caption', 'required', 'is required, as the first field: 1 to 200 characters')
    for (let part = await form.next(); part; part = await form.next()) {
      if (part.kind === 'field' || part.name !== 'files')
        throw refuse(part.name, 'unknown_field', 'is not a known field')
      if (stored.length === MAX_PICTURES) throw refuse('files', 'too_big', `must be at most ${MAX_PICTURES} files`)
      const { filename, contentType } = part
      const file = await files.store({ filename, contentType, declaredSize: undefined, bytes: form.bytesOf(part) })
      stored.push({ ...file, caption: caption.data })
    }
    if (stored.length === 0) throw refuse('files', 'required', 'is required: send at least one file')
    return { caption: caption.data, stored }
  } catch (error) {
    for (const file of stored) await files.discard(file)
    throw error
  } finally {
    form.close()
  }
}

const refuse = (name: string, code: string, message: string) =>
  validationFailed([{ path: ['body', name], code, message }])
