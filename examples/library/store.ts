import { randomUUID } from 'node:crypto'
import { AppError, createEventLog, validationFailed } from '../../src/gateway/library/exports.ts'
import type { StoredFile } from './files.ts'

export const GENRES = ['FICTION', 'HISTORY', 'POETRY', 'SCIENCE'] as const
export const SORT_FIELDS = ['TITLE', 'AUTHOR', 'YEAR'] as const

export interface BookValues {
  title: string
  author: string
  year: number
  genre: (typeof GENRES)[number]
  summary?: string | null
}

export interface Book extends BookValues {
  id: string
  version: number
  cover: StoredFile | null
  pictures: Picture[]
}

export interface Picture extends StoredFile {
  caption: string
}

export interface BookFilter {
  genre?: readonly BookValues['genre'][] | null
  author?: string | null
  year?: { gte?: number | null; lte?: number | null } | null
}

export interface BookOrder {
  field: (typeof SORT_FIELDS)[number]
  direction: 'ASC' | 'DESC'
}

export interface BookQuery {
  filter?: BookFilter | null
  sort?: readonly BookOrder[] | null
  first?: number | null
  after?: string | null
  offset?: number | null
}

/** The books, in memory. */
export class Books {
  readonly #books = new Map<string, Book>()
  readonly events = createEventLog<{ type: string; bookId: string; title: string }>()

  create(values: BookValues): Book {
    const book = { ...values, id: randomUUID(), version: 1, cover: null, pictures: [] }
    return this.#save('book.added', book)
  }

  /** Changes the given fields. All of them are given when a book is replaced. */
  change(id: string, values: Partial<BookValues>, expectedVersion: number | null | undefined): Book {
    const book = this.get(id, expectedVersion)
    return this.#save('book.changed', { ...book, ...values, version: book.version + 1 })
  }

  /** Adds files, which have arrived already. */
  attach(id: string, files: { cover?: StoredFile; pictures?: readonly Picture[] }): Book {
    const book = this.get(id)
    const pictures = [...book.pictures, ...(files.pictures ?? [])]
    return this.#save('book.changed', { ...book, ...files, pictures, version: book.version + 1 })
  }

  delete(id: string, expectedVersion: number | null | undefined): Book {
    const book = this.get(id, expectedVersion)
    this.#books.delete(id)
    this.events.append({ type: 'book.deleted', bookId: id, title: book.title })
    return book
  }

  get(id: string, expectedVersion?: number | null): Book {
    const book = this.#books.get(id)
    if (!book) throw new AppError('NOT_FOUND', `There is no book ${id}.`, { path: ['id'] })
    if (expectedVersion == null || expectedVersion === book.version) return book
    const message = `The book has version ${book.version}, not ${expectedVersion}.`
    throw new AppError('PRECONDITION_FAILED', message, { path: ['expectedVersion'] })
  }

  list({ filter, sort, first, after, offset }: BookQuery) {
    const found = [...this.#books.values()].filter((book) => meets(book, filter ?? {}))
    for (const order of (sort ?? []).toReversed()) found.sort((a, b) => compare(a, b, order))
    const start = after == null ? (offset ?? 0) : found.findIndex(({ id }) => id === after) + 1
    if (after != null && start === 0)
      throw validationFailed([{ path: ['after'], code: 'invalid_cursor', message: 'is not in this list any more' }])
    const nodes = found.slice(start, start + (first ?? 20))
    return {
      nodes,
      totalCount: found.length,
      pageInfo: {
        hasNextPage: start + nodes.length < found.length,
        hasPreviousPage: start > 0,
        startCursor: nodes[0]?.id ?? null,
        endCursor: nodes.at(-1)?.id ?? null,
      },
    }
  }

  #save(type: string, book: Book): Book {
    this.#books.set(book.id, book)
    this.events.append({ type, bookId: book.id, title: book.title })
    return book
  }
}

function meets(book: Book, { genre, author, year }: BookFilter): boolean {
  return (
    (!genre || genre.includes(book.genre)) &&
    (!author || book.author.toLowerCase().includes(author.toLowerCase())) &&
    book.year >= (year?.gte ?? Number.NEGATIVE_INFINITY) &&
    book.year <= (year?.lte ?? Number.POSITIVE_INFINITY)
  )
}

function compare(a: Book, b: Book, { field, direction }: BookOrder): number {
  const sign = direction === 'ASC' ? 1 : -1
  if (field === 'YEAR') return sign * (a.year - b.year)
  const name = field === 'TITLE' ? 'title' : 'author'
  return sign * a[name].localeCompare(b[name])
}
