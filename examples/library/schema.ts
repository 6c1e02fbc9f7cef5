import { z } from 'zod'
import { AppError, cursorRule } from '../../src/gateway/library/exports.ts'
import { builder, type LibraryContext } from './builder.ts'
import { contentOf } from './files.ts'
import { BookChange, BookFilterInput, BookInput, BookOrderInput, listRules } from './input.ts'
import { BookConnection, BookEvent, BookType } from './types.ts'

const EXPECTED = 'The version this change is based on. `If-Match` in REST.'

builder.queryField('books', (t) =>
  t.field({
    type: BookConnection,
    description: 'List books.',
    rest: { path: '/books' },
    validate: listRules,
    args: {
      filter: t.arg({ type: BookFilterInput }),
      sort: t.arg({ type: [BookOrderInput], description: 'The first counts most.' }),
      first: t.arg.int(),
      after: t.arg.string({ description: 'Only books after this cursor.' }),
      offset: t.arg.int({ description: 'Number of books to skip.' }),
    },
    resolve: (_root, query, { books }) => books.list(query),
  }),
)

builder.queryField('book', (t) =>
  t.field({
    type: BookType,
    description: 'Read a book.',
    rest: {
      path: '/books/{id}',
      content: {
        path: '/books/{id}/cover',
        operationId: 'cover',
        description: 'Read the cover of a book.',
        open({ id }, context) {
          const { cover } = (context as LibraryContext).books.get(String(id))
          if (cover) return contentOf(cover)
          throw new AppError('NOT_FOUND', 'This book has no cover.', { path: ['id'] })
        },
      },
    },
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, { books }) => books.get(id),
  }),
)

builder.mutationField('createBook', (t) =>
  t.field({
    type: BookType,
    description: 'Add a book.',
    rest: { method: 'POST', path: '/books', status: 201, body: 'input', location: ({ id }) => `/books/${id}` },
    args: { input: t.arg({ type: BookInput, required: true }) },
    resolve: (_root, { input }, { books }) => books.create(input),
  }),
)

builder.mutationField('replaceBook', (t) =>
  t.field({
    type: BookType,
    description: 'Replace a book. What the body leaves out becomes empty.',
    rest: { method: 'PUT', path: '/books/{id}', body: 'input' },
    args: {
      id: t.arg.id({ required: true }),
      input: t.arg({ type: BookInput, required: true }),
      expectedVersion: t.arg.int({ description: EXPECTED }),
    },
    resolve: (_root, { id, input, expectedVersion }, { books }) =>
      books.change(id, { ...input, summary: input.summary ?? null }, expectedVersion),
  }),
)

builder.mutationField('changeBook', (t) =>
  t.field({
    type: BookType,
    description: 'Change a book. What the body leaves out stays as it is.',
    rest: { method: 'PATCH', path: '/books/{id}', body: 'change' },
    args: {
      id: t.arg.id({ required: true }),
      change: t.arg({ type: BookChange, required: true }),
      expectedVersion: t.arg.int({ description: EXPECTED }),
    },
    // The rules refuse null where a book needs a value.
    resolve: (_root, { id, change, expectedVersion }, { books }) =>
      books.change(id, change as Parameters<typeof books.change>[1], expectedVersion),
  }),
)

builder.mutationField('deleteBook', (t) =>
  t.field({
    type: BookType,
    description: 'Remove a book.',
    rest: { method: 'DELETE', path: '/books/{id}' },
    args: { id: t.arg.id({ required: true }), expectedVersion: t.arg.int({ description: EXPECTED }) },
    resolve: (_root, { id, expectedVersion }, { books }) => books.delete(id, expectedVersion),
  }),
)

builder.mutationField('setCover', (t) =>
  t.field({
    type: BookType,
    description: 'Upload the cover of a book: up to 10 MiB, as a form or as its bytes.',
    rest: { method: 'PUT', path: '/books/{id}/cover', body: 'file' },
    args: { id: t.arg.id({ required: true }), file: t.arg({ type: 'Upload', required: true }) },
    resolve: async (_root, { id, file }, { books, files }) => {
      // First, so that nobody uploads a cover for nothing.
      const { cover: before } = books.get(id)
      const cover = await files.store(await file.open('MAX_FILE'))
      const book = books.attach(id, { cover })
      if (before) await files.discard(before)
      return book
    },
  }),
)

builder.subscriptionField('bookEvents', (t) =>
  t.field({
    type: BookEvent,
    description: 'Follow what happens to the books.',
    rest: { stream: true, path: '/books/stream', id: 'cursor', event: 'type' },
    resume: 'after',
    validate: z.object({ after: cursorRule.nullish() }),
    extensions: { errors: ['CURSOR_EXPIRED'] },
    args: { after: t.arg.string({ description: 'Continue after this cursor.' }) },
    subscribe: (_root, { after }, { books }) => books.events.follow({ after }),
    resolve: (event) => event,
  }),
)
