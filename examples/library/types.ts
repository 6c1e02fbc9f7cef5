import type { Logged } from '../../src/gateway/library/exports.ts'
import { builder } from './builder.ts'
import { Genre } from './input.ts'
import type { Book, Books, Picture } from './store.ts'

const PictureType = builder.objectRef<Picture>('Picture').implement({
  description: 'A picture of a book.',
  fields: (t) => ({
    filename: t.exposeString('filename'),
    caption: t.exposeString('caption'),
    size: t.exposeInt('size', { description: 'In bytes.' }),
    sha256: t.exposeString('sha256'),
  }),
})

export const BookType = builder.objectRef<Book>('Book').implement({
  description: 'A book.',
  fields: (t) => ({
    id: t.exposeID('id'),
    title: t.exposeString('title'),
    author: t.exposeString('author'),
    year: t.exposeInt('year'),
    genre: t.expose('genre', { type: Genre }),
    summary: t.exposeString('summary', { nullable: true }),
    coverName: t.string({
      nullable: true,
      description: 'Name of the cover’s file.',
      resolve: ({ cover }) => cover?.filename,
    }),
    version: t.exposeInt('version', { description: 'Rises with each change.' }),
    pictures: t.expose('pictures', { type: [PictureType] }),
  }),
})

const PageInfo = builder.objectRef<ReturnType<Books['list']>['pageInfo']>('PageInfo').implement({
  fields: (t) => ({
    hasNextPage: t.exposeBoolean('hasNextPage'),
    hasPreviousPage: t.exposeBoolean('hasPreviousPage'),
    startCursor: t.exposeString('startCursor', { nullable: true }),
    endCursor: t.exposeString('endCursor', { nullable: true }),
  }),
})

export const BookConnection = builder.objectRef<ReturnType<Books['list']>>('BookConnection').implement({
  description: 'A page of books.',
  fields: (t) => ({
    nodes: t.expose('nodes', { type: [BookType] }),
    pageInfo: t.expose('pageInfo', { type: PageInfo }),
    totalCount: t.exposeInt('totalCount'),
  }),
})

export const BookEvent = builder
  .objectRef<Logged<{ type: string; bookId: string; title: string }>>('BookEvent')
  .implement({
    description: 'Something that happened to a book.',
    fields: (t) => ({
      cursor: t.exposeString('cursor', { description: 'Send it as `after` to resume after this event.' }),
      type: t.exposeString('type'),
      bookId: t.exposeID('bookId'),
      title: t.exposeString('title'),
    }),
  })
