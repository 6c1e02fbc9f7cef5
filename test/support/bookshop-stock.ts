import { AppError } from '../../src/gateway/errors.ts'

export interface Book {
  id: string
  title: string
  pages: number | null
  genre: string
  version: number
}

/** An open stream. */
interface Reader {
  push(book: Book): void
  /** Ends the stream, with an error if given. */
  end(error?: unknown): void
}

/** Books of the shop and the streams that follow them. */
export class Shop {
  books: Book[] = []
  /** Pending while stock is being taken. */
  counted: Promise<void> | undefined
  /** Open streams. */
  readers = new Set<Reader>()
  /** Delays new streams until it resolves. */
  door: Promise<void> = Promise.resolve()
  /** Number of delayed streams. */
  waiting = 0
  /** Number of catalogues being read. */
  catalogues = 0
  /** Number of parts that were read of any catalogue. */
  chunks = 0

  find(id: string): Book {
    const book = this.books.find((one) => one.id === id)
    if (!book) throw new AppError('NOT_FOUND', `There is no book ${id}.`, { path: ['id'] })
    return book
  }

  add(values: Omit<Book, 'id' | 'version'>): Book {
    const book = { ...values, id: `book-${this.books.length + 1}`, version: 1 }
    this.books.push(book)
    for (const reader of this.readers) reader.push(book)
    return book
  }

  change(id: string, values: Partial<Book>, expectedVersion: number | null | undefined): Book {
    const book = this.find(id)
    if (expectedVersion != null && expectedVersion !== book.version)
      throw new AppError('PRECONDITION_FAILED', 'Somebody was quicker.', { path: ['expectedVersion'] })
    return Object.assign(book, values, { version: book.version + 1 })
  }

  /** Reads titles, each repeated as often as the book has pages. A book titled "torn" fails. */
  async *catalogue({ filter, orderBy, genre }: CatalogueArguments): AsyncGenerator<Uint8Array> {
    this.catalogues++
    try {
      const found = this.books.filter((book) => meets(book, filter ?? {}) && (!genre || genre.includes(book.genre)))
      for (const order of (orderBy ?? []).toReversed()) found.sort(comparison(order))
      for (const { title, pages } of found) {
        if (title === 'torn') throw new AppError('UNAVAILABLE', 'A page is torn.')
        for (let page = 0; page < (pages ?? 1); page++) {
          this.chunks++
          yield Buffer.from(`${title}\n`)
        }
      }
    } finally {
      this.catalogues--
    }
  }

  async enter(): Promise<void> {
    this.waiting++
    await this.door
    this.waiting--
  }

  /** Streams new books. `return()` ends it even while it waits. */
  follow(accepts: (book: Book) => boolean): AsyncIterableIterator<Book> {
    const { readers } = this
    const queue: Book[] = []
    let wake = () => {}
    let failure: unknown
    const reader: Reader = {
      push(book) {
        if (accepts(book)) queue.push(book)
        wake()
      },
      end(error) {
        failure = error
        readers.delete(reader)
        wake()
      },
    }
    readers.add(reader)
    return {
      async next() {
        while (queue.length === 0 && readers.has(reader)) await new Promise<void>((resolve) => (wake = resolve))
        if (failure !== undefined) throw failure
        const value = queue.shift()
        return value ? { done: false, value } : { done: true, value: undefined }
      },
      async return() {
        reader.end()
        return { done: true, value: undefined }
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }
}

interface CatalogueArguments {
  filter?: BookFilter | null
  orderBy?: Parameters<typeof comparison>[0][] | null
  genre?: string[] | null
}

interface BookFilter {
  genre?: string[]
  pages?: { gte?: number; lte?: number }
  not?: BookFilter
}

export function meets(book: Book, { genre, pages, not }: BookFilter): boolean {
  return (
    (!genre || genre.includes(book.genre)) &&
    (book.pages ?? 0) >= (pages?.gte ?? 0) &&
    (book.pages ?? 0) <= (pages?.lte ?? Infinity) &&
    (!not || !meets(book, not))
  )
}

export const comparison =
  ({ field, direction }: { field: 'TITLE' | 'PAGE_COUNT'; direction: 'ASC' | 'DESC' }) =>
  (a: Book, b: Book) => {
    const difference = field === 'TITLE' ? a.title.localeCompare(b.title) : (a.pages ?? 0) - (b.pages ?? 0)
    return direction === 'ASC' ? difference : -difference
  }

interface PageArguments {
  first?: number | null
  after?: string | null
  last?: number | null
  before?: string | null
  offset?: number | null
}

/** Builds a Relay page with ids as cursors. */
export function page(found: readonly Book[], { first, after, last, before, offset }: PageArguments) {
  const placeOf = (cursor: string) => found.findIndex((book) => book.id === cursor)
  const end = before == null ? found.length : placeOf(before)
  const start = Math.max(after == null ? 0 : placeOf(after) + 1, last == null ? 0 : end - last) + (offset ?? 0)
  const nodes = found.slice(start, Math.min(end, start + (first ?? last ?? 20)))
  const pageInfo = {
    hasNextPage: start + nodes.length < found.length,
    hasPreviousPage: start > 0,
    startCursor: nodes[0]?.id,
    endCursor: nodes.at(-1)?.id,
  }
  return { nodes, pageInfo }
}
