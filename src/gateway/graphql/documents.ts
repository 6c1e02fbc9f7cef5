import { createHash } from 'node:crypto'
import type { GraphQLError } from 'graphql'
import { LRUCache } from 'lru-cache'
import type { Engine } from '../engine.ts'
import { AppError } from '../errors.ts'
import type { PreparedOperation } from '../prepared-operation.ts'
import type { Params } from './params.ts'

export interface DocumentOptions {
  /** Documents that clients may name by their SHA-256 in hex. */
  trusted?: Readonly<Record<string, string>> | undefined
  /** Refuses every other document. */
  trustedOnly: boolean
  /** Memory for documents that clients have sent with their hash, in bytes. 0 for none. */
  persistedBytes: number
}

/** Prepares the operation of a request. Throws an AppError if there is no such document. */
export type PrepareRequest = (
  request: Pick<Params, 'query' | 'hash' | 'operationName'>,
) => PreparedOperation | { errors: GraphQLError[] }

/**
 * Creates the function that finds the document of a request, on every door of GraphQL: a text, the
 * hash of a trusted document, or an automatic persisted query, which a client sends once with its
 * hash and then by its hash alone.
 */
export function createPrepareRequest(engine: Engine, options: DocumentOptions): PrepareRequest {
  const { trustedOnly, persistedBytes } = options
  const trusted = new Map(Object.entries(options.trusted ?? {}))
  const persisted =
    persistedBytes > 0
      ? // A character takes two bytes at most, the hash and the entry about 200.
        new LRUCache<string, string>({ maxSize: persistedBytes, sizeCalculation: ({ length }) => 2 * length + 200 })
      : undefined

  function textOf(hash: string): string {
    const known = trusted.get(hash) ?? persisted?.get(hash)
    if (known !== undefined) return known
    if (trustedOnly) throw refuse(`The document ${hash} is not one of them.`)
    throw persisted
      ? new AppError('PERSISTED_QUERY_NOT_FOUND', 'PersistedQueryNotFound')
      : new AppError('PERSISTED_QUERY_NOT_SUPPORTED', 'PersistedQueryNotSupported')
  }

  return ({ query, hash, operationName }) => {
    if (hash === undefined) {
      if (trustedOnly) throw refuse('Send the SHA-256 of one of them in extensions.persistedQuery.sha256Hash.')
      return engine.prepare(query ?? '', operationName)
    }
    // Clients without the text of a document send an empty one over websockets.
    if (!query) return engine.prepare(textOf(hash), operationName)
    if (sha256(query) !== hash) throw new AppError('BAD_REQUEST', 'The provided SHA-256 is not that of the query.')
    if (trustedOnly) return engine.prepare(textOf(hash), operationName)
    const prepared = engine.prepare(query, operationName)
    if (!('errors' in prepared)) persisted?.set(hash, query)
    return prepared
  }
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

const refuse = (what: string) =>
  new AppError('FORBIDDEN', `This server runs only trusted documents (OPERATIONS=trusted). ${what}`)
