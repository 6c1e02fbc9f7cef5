import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buildSchema, type GraphQLFieldResolver } from 'graphql'
import type { GatewayContext, GatewayRequest } from '../../src/gateway/context.ts'
import { createEngine } from '../../src/gateway/engine.ts'
import { AppError } from '../../src/gateway/errors.ts'
import { createGraphql } from '../../src/gateway/graphql.ts'
import { createHttpEntry } from '../../src/gateway/http.ts'
import { ENDLESS } from '../../src/gateway/lifetime.ts'
import { createRest } from '../../src/gateway/rest/rest.ts'
import type { RestOptions, RestStream } from '../../src/gateway/rest-plugin.ts'
import { attachWebsocket } from '../../src/gateway/websocket.ts'
import { keepingLog } from './server.ts'

/** A domain that is not ours, as plain SDL and resolvers, served by the gateway without any database. */

const SDL = `
  type Query {
    "The books of the shop, in the order they came."
    books(filter: BookFilter, first: Int, after: String): BookConnection!
    "One book."
    book(id: ID!): Book
    "What the shop is called."
    shopName: String!
    "Only for those who speak GraphQL."
    till: Int!
  }
  type Mutation {
    "Add a book."
    addBook(book: NewBook!): Book!
    "Change a book."
    changeBook(id: ID!, change: BookChange!, expectedVersion: Int): Book!
    "Put a book elsewhere."
    shelveBook(id: ID!, genre: Genre!, pages: Int): Book!
    "Add books."
    addBooks(delivery: Delivery!): Stock!
    "Take a book away."
    removeBook(id: ID!): Book!
    "Count all books anew."
    takeStock: Stock!
  }
  type Subscription {
    "Books as they come."
    bookAdded(genre: Genre): Book!
  }
  enum Genre { FICTION POETRY TRAVEL }
  type Author { id: ID! name: String! }
  type Book { id: ID! title: String! pages: Int! genre: Genre! version: Int! author: Author! }
  type BookConnection { nodes: [Book!]! pageInfo: PageInfo! totalCount: Int! note: String }
  type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
  type Stock { books: Int! }
  input NewBook { title: String! pages: Int = 100 genre: Genre = FICTION }
  input BookChange { title: String pages: Int }
  input BookFilter { genre: [Genre!] pages: PagesFilter label: LabelFilter not: BookFilter }
  input LabelFilter { any: [String!] all: [String!] }
  input Delivery { books: [NewBook!]! }
  input PagesFilter { gte: Int lte: Int }
`

interface Book {
  id: string
  title: string
  pages: number
  genre: string
  version: number
}

interface BookshopContext extends GatewayContext {
  request: GatewayRequest
}

interface Operation {
  rest: RestOptions | RestStream
  // biome-ignore lint/suspicious/noExplicitAny: graphql-js types no arguments either
  resolve: GraphQLFieldResolver<any, BookshopContext, any>
  // biome-ignore lint/suspicious/noExplicitAny: as above
  subscribe?: GraphQLFieldResolver<any, BookshopContext, any>
}

/** What the shop holds, and who follows it. */
class Shop {
  books: Book[] = []
  /** Streams that are open now: each is told of a new book. */
  readers = new Set<(book: Book) => void>()

  find(id: string): Book {
    const book = this.books.find((one) => one.id === id)
    if (!book) throw new AppError('NOT_FOUND', `There is no book ${id}.`, { path: ['id'] })
    return book
  }

  add(values: Omit<Book, 'id' | 'version'>): Book {
    const book = { ...values, id: `book-${this.books.length + 1}`, version: 1 }
    this.books.push(book)
    for (const tell of this.readers) tell(book)
    return book
  }

  /** New books, live; `return()` frees it also while it waits. */
  follow(accepts: (book: Book) => boolean): AsyncIterableIterator<Book> {
    const { readers } = this
    const queue: Book[] = []
    let wake = () => {}
    const tell = (book: Book) => {
      if (accepts(book)) queue.push(book)
      wake()
    }
    readers.add(tell)
    return {
      async next() {
        while (queue.length === 0 && readers.has(tell)) await new Promise<void>((resolve) => (wake = resolve))
        const value = queue.shift()
        return value ? { done: false, value } : { done: true, value: undefined }
      },
      async return() {
        readers.delete(tell)
        wake()
        return { done: true, value: undefined }
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }
}

interface BookFilter {
  genre?: string[]
  pages?: { gte?: number; lte?: number }
  not?: BookFilter
}

function meets(book: Book, { genre, pages, not }: BookFilter): boolean {
  return (
    (!genre || genre.includes(book.genre)) &&
    book.pages >= (pages?.gte ?? 0) &&
    book.pages <= (pages?.lte ?? Infinity) &&
    (!not || !meets(book, not))
  )
}

function operations(shop: Shop): Record<string, Operation> {
  return {
    books: {
      rest: {
        also: [{ path: '/genres/{shelf}/books', operationId: 'booksOfGenre', fills: { shelf: ['filter', 'genre'] } }],
      },
      resolve: (_root, { filter, first, after }) => {
        const found = shop.books.filter((book) => meets(book, filter ?? {}))
        const start = after == null ? 0 : found.findIndex((book) => book.id === after) + 1
        const nodes = found.slice(start, start + (first ?? 20))
        const pageInfo = {
          hasNextPage: start + nodes.length < found.length,
          hasPreviousPage: start > 0,
          startCursor: nodes[0]?.id,
          endCursor: nodes.at(-1)?.id,
        }
        const note = filter?.label?.any ? `labels are worn off: ${filter.label.any}` : null
        return { nodes, pageInfo, totalCount: found.length, note }
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
      resolve: (_root, { id, change, expectedVersion }) => {
        const book = shop.find(id)
        if (expectedVersion != null && expectedVersion !== book.version)
          throw new AppError('PRECONDITION_FAILED', 'Somebody was quicker.', { path: ['expectedVersion'] })
        return Object.assign(book, change, { version: book.version + 1 })
      },
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
    takeStock: { rest: {}, resolve: () => ({ books: shop.books.length }) },
    bookAdded: {
      rest: { stream: true, path: '/books/stream', id: 'id', event: 'genre', resume: 'genre' },
      subscribe: (_root, { genre }) => shop.follow((book) => !genre || book.genre === genre),
      resolve: (book) => book,
    },
  }
}

function makeSchema(shop: Shop) {
  const schema = buildSchema(SDL)
  const known = operations(shop)
  for (const root of [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]) {
    for (const field of Object.values(root?.getFields() ?? {})) {
      const { rest, resolve, subscribe } = known[field.name]!
      Object.assign(field, { resolve, subscribe, extensions: { rest } })
    }
  }
  const page = schema.getType('BookConnection') as ReturnType<typeof schema.getQueryType>
  Object.assign(page!.getFields().note!, { extensions: { restEmbed: true } })
  const author = schema.getType('Book') as ReturnType<typeof schema.getQueryType>
  author!.getFields().author!.resolve = () => ({ id: 'ann', name: 'Ann Author' })
  return schema
}

/** Opens the shop on a free port: REST under `/api/v1`, GraphQL over HTTP and websocket at `/graphql`. */
export async function openBookshop() {
  const shop = new Shop()
  const log = keepingLog()
  const engine = createEngine({ schema: makeSchema(shop) })
  const createContext = async (request: GatewayRequest): Promise<BookshopContext> => {
    const context = {
      requestId: request.requestId,
      principal: request.headers.authorization ?? null,
      request,
      log,
      afterWrite() {},
      openLifetime: () => ENDLESS,
    }
    return { ...context, fork: () => ({ ...context, fork: () => never() }) }
  }
  const info = { title: 'Bookshop', version: '1', description: 'Books.', securitySchemes: {}, security: () => [{}] }
  const rest = await createRest({ engine, createContext, basePath: '/api/v1', info })
  const graphql = createGraphql({
    engine,
    createContext,
    path: '/graphql',
    title: 'Bookshop',
    defaultQuery: '{ shopName }',
    log,
  })
  const handle = createHttpEntry({
    routes: { '/api/v1/*': rest, '/graphql': graphql },
    bodyLimit: 10_000,
    largeBodyLimit: 50_000,
    corsOrigins: [],
    log,
  })
  const server = createServer((request, response) => void handle(request, response))
  const limits = { maxOperations: 10, maxSockets: 10, maxMessage: 10_000 }
  const websocket = attachWebsocket(server, { engine, createContext, path: '/graphql', origins: [], ...limits, log })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    shop,
    log,
    async close() {
      await websocket.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function never(): never {
  throw new Error('an event’s context is not forked again')
}
