import {
  buildSchema,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLInputObjectType,
  type GraphQLObjectType,
  type GraphQLSchema,
  isEnumType,
} from 'graphql'
import type { GatewayContext, GatewayRequest } from '../../src/gateway/gateway-context.ts'
import type { Download, RestOptions, RestStream } from '../../src/gateway/operation.ts'
import type { Deprecation } from '../../src/gateway/rest/deprecation.ts'
import { serveDownloads } from '../../src/gateway/rest/download-fields.ts'
import { comparison, meets, page, type Shop } from './bookshop-stock.ts'

/** An unrelated domain in plain SDL and resolvers, which the gateway serves without a database. */

const SDL = `
  type Query {
    "The books of the shop, in the order they came."
    books(
      filter: BookFilter
      orderBy: [BookOrder!]
      first: Int
      after: String
      last: Int
      before: String
      offset: Int
      shelf: Int @deprecated(reason: "Shelves have no numbers any more: use genre.")
    ): BookConnection!
    "One book."
    book(id: ID!): Book
    "The book of a title."
    titled(title: String!): Book! @deprecated(reason: "Titles are not unique. Use books.")
    "What the shop is called."
    shopName: String!
    "All books as a text, or one of them."
    catalogue(filter: BookFilter, orderBy: [BookOrder!], genre: [Genre!]): Scroll!
    "The text of a book."
    bookText(id: ID!): Scroll!
    "Only for those who speak GraphQL."
    till: Int!
  }
  type Mutation {
    "Add a book."
    addBook(book: NewBook!): Book!
    "Change a book."
    changeBook(id: ID!, change: BookChange!, expectedVersion: Int): Book!
    "Put another book in the place of one."
    replaceBook(id: ID!, book: NewBook!, expectedVersion: Int): Book!
    "Put a book elsewhere."
    shelveBook(id: ID!, genre: Genre!, pages: Int): Book!
    "Add books."
    addBooks(delivery: Delivery!): Stock!
    "Take a book away."
    removeBook(id: ID!): Book!
    "Count all books anew."
    takeStock: Stock!
    "Cut a key to the till."
    cutKey(pin: String!): Key!
  }
  type Subscription {
    "Books as they come."
    bookAdded(genre: Genre): Book!
    "Books as they go."
    bookRemoved(genre: Genre): Book! @deprecated(reason: "Nobody asks for them.")
  }
  enum Genre { FICTION POETRY TRAVEL VERSE @deprecated(reason: "It is POETRY.") }
  type Author { id: ID! name: String! }
  type Book {
    id: ID! title: String! pages: Int genre: Genre! version: Int! author: Author!
    printer: Author @deprecated(reason: "Nobody knows.")
  }
  type BookConnection { nodes: [Book!]! pageInfo: PageInfo! totalCount: Int! note: String }
  type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
  type Scroll { url: String! filename: String! contentType: String! size: Int }
  type Stock { books: Int! }
  type Key { secret: String! }
  input NewBook { title: String! pages: Int = 100 genre: Genre = FICTION price: Int @deprecated(reason: "It is a gift.") }
  input BookOrder { field: BookOrderField! direction: Direction! }
  enum BookOrderField { TITLE PAGE_COUNT }
  enum Direction { ASC DESC }
  input BookChange { title: String pages: Int }
  input BookFilter { genre: [Genre!] pages: PagesFilter label: LabelFilter not: BookFilter }
  input LabelFilter { any: [String!] all: [String!] }
  input Delivery { books: [NewBook!]! }
  input PagesFilter { gte: Int lte: Int }
`

/** Deprecations by `Type.field`, `Type.field.argument` or `Enum.VALUE`. */
const DEPRECATIONS: Record<string, Deprecation> = {
  'Query.titled': { since: '2026-01-01', sunset: '2027-01-01' },
  'Query.books.shelf': { since: '2026-02-01', sunset: '2027-02-01' },
  'Subscription.bookRemoved': { since: '2026-03-01' },
  'Genre.VERSE': { since: '2026-04-01', sunset: '2026-12-31' },
  'Book.printer': { since: '2026-05-01' },
  'NewBook.price': { since: '2026-06-01', sunset: '2027-06-01' },
}

export interface BookshopContext extends GatewayContext {
  request: GatewayRequest
}

interface Operation {
  rest: RestOptions | RestStream
  resume?: string
  // biome-ignore lint/suspicious/noExplicitAny: graphql-js types no arguments either
  resolve: GraphQLFieldResolver<any, BookshopContext, any>
  // biome-ignore lint/suspicious/noExplicitAny: as above
  subscribe?: GraphQLFieldResolver<any, BookshopContext, any>
  handlesSecrets?: true
}

function operations(shop: Shop): Record<string, Operation> {
  return {
    books: {
      rest: {
        also: [
          { path: '/genres/{shelf}/books', operationId: 'booksOfGenre', fills: { shelf: ['filter', 'genre'] } },
          {
            path: '/shelves/{shelf}/books',
            operationId: 'booksOfShelf',
            fills: { shelf: ['filter', 'genre'] },
            deprecated: { reason: 'Use /genres/{shelf}/books.', since: '2026-07-01', sunset: '2027-07-01' },
          },
        ],
      },
      resolve: (_root, args) => {
        const found = shop.books.filter((book) => meets(book, args.filter ?? {}))
        for (const order of (args.orderBy ?? []).toReversed()) found.sort(comparison(order))
        const note = args.filter?.label?.any ? `labels are worn off: ${args.filter.label.any}` : null
        return { ...page(found, args), totalCount: found.length, note }
      },
    },
    titled: {
      rest: { path: '/titles/{title}' },
      resolve: (_root, { title }) => shop.find(shop.books.find((book) => book.title === title)?.id ?? title),
    },
    catalogue: {
      rest: { method: 'GET', path: '/catalogue', download: { types: ['text/plain'] } },
      resolve: (_root, args): Download => ({
        filename: 'Büche"r.txt',
        contentType: 'text/plain; charset=utf-8',
        open: () => shop.catalogue(args),
      }),
    },
    bookText: {
      rest: { method: 'GET', path: '/books/{id}/text', download: { types: ['text/plain'] } },
      resolve: (_root, { id }): Download => {
        const text = Buffer.from(shop.find(id).title)
        const chunks = async function* () {
          yield text
        }
        return { filename: `${id}.txt`, contentType: 'text/plain', size: text.length, open: chunks }
      },
    },
    book: { rest: {}, resolve: (_root, { id }) => shop.find(id) },
    shopName: {
      rest: { path: '/name', key: 'name' },
      resolve: (_root, _args, { request }) => `Ann’s, ${request.transport}`,
    },
    till: {
      rest: { none: 'nobody’s business' },
      resolve: () => Promise.reject(new Error('the till is stuck at 1234.56')),
    },
    addBook: {
      rest: {
        method: 'POST',
        path: '/books',
        status: 201,
        body: 'book',
        location: (book) => `/books/${book.id}`,
        also: [{ path: '/genres/{shelf}/books', operationId: 'addBookOfGenre', fills: { shelf: ['book', 'genre'] } }],
      },
      resolve: (_root, { book }) => shop.add(book),
    },
    changeBook: {
      rest: { method: 'PATCH', path: '/books/{id}', body: 'change' },
      resolve: (_root, { id, change, expectedVersion }) => shop.change(id, change, expectedVersion),
    },
    replaceBook: {
      rest: { method: 'PUT', path: '/books/{id}', body: 'book' },
      resolve: (_root, { id, book, expectedVersion }) => shop.change(id, book, expectedVersion),
    },
    shelveBook: {
      rest: { method: 'POST', path: '/books/{id}/shelve', body: ['genre', 'pages'] },
      resolve: (_root, { id, genre, pages }) => Object.assign(shop.find(id), { genre }, pages != null && { pages }),
    },
    addBooks: {
      rest: { method: 'POST', path: '/deliveries', body: 'delivery', large: true },
      resolve: (_root, { delivery }) => {
        for (const book of delivery.books) shop.add(book)
        return { books: delivery.books.length }
      },
    },
    removeBook: {
      rest: { method: 'DELETE', path: '/books/{id}' },
      resolve: (_root, { id }) => {
        const book = shop.find(id)
        shop.books = shop.books.filter((one) => one !== book)
        return book
      },
    },
    takeStock: {
      rest: {},
      resolve: async () => {
        await shop.counted
        return { books: shop.books.length }
      },
    },
    cutKey: {
      rest: { method: 'POST', path: '/keys', body: ['pin'] },
      handlesSecrets: true,
      resolve: (_root, { pin }) => ({ secret: `key-${pin}` }),
    },
    bookAdded: {
      rest: { stream: true, path: '/books/stream', id: 'id', event: 'genre' },
      resume: 'genre',
      subscribe: async (_root, { genre }) => {
        await shop.enter()
        return shop.follow((book) => !genre || book.genre === genre)
      },
      resolve: (book) => book,
    },
    bookRemoved: {
      rest: { stream: true, path: '/books/removals', id: 'id', event: 'genre' },
      resume: 'genre',
      subscribe: () => shop.follow(() => false),
      resolve: (book) => book,
    },
  }
}

/** Builds the schema of a shop, optionally with other deprecations. */
export function bookshopSchema(shop: Shop, deprecations: Record<string, Deprecation> = DEPRECATIONS): GraphQLSchema {
  const schema = buildSchema(SDL)
  const known = operations(shop)
  for (const root of [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]) {
    for (const field of Object.values(root?.getFields() ?? {})) {
      const { rest, resume, resolve, subscribe, handlesSecrets } = known[field.name]!
      Object.assign(field, { resolve, subscribe, extensions: { rest, resume, handlesSecrets } })
    }
  }
  Object.assign(elementAt(schema, 'BookConnection.note'), { extensions: { restEmbed: true } })
  Object.assign(elementAt(schema, 'Book.author'), { resolve: () => ({ id: 'ann', name: 'Ann Author' }) })
  for (const [place, deprecation] of Object.entries(deprecations)) {
    const element = elementAt(schema, place)
    element.extensions = { ...element.extensions, deprecation }
  }
  return serveDownloads(schema, '/api/v1')
}

function elementAt(schema: GraphQLSchema, place: string): { extensions: Readonly<Record<string, unknown>> } {
  const [type = '', name = '', argument] = place.split('.')
  const owner = schema.getType(type)
  if (isEnumType(owner)) return owner.getValue(name)!
  const field = (owner as GraphQLObjectType | GraphQLInputObjectType).getFields()[name]!
  return argument === undefined
    ? field
    : (field as GraphQLField<unknown, unknown>).args.find((arg) => arg.name === argument)!
}
