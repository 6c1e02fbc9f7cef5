import type { queryFromInfo } from '@pothos/plugin-prisma'
import type { GraphQLResolveInfo } from 'graphql'
import type { Context } from '../request/context.ts'
import { defineGroupedLoader } from '../request/loader.ts'
import { selectedQuery } from './selected-columns.ts'

/** Columns and relations to read. It is a promise only if a field computes its selection in one. */
type RowQuery = Awaited<ReturnType<typeof queryFromInfo>>

/** The columns and relations that a field reads of each of its rows. */
interface Asked {
  query: RowQuery
  /** Equal for fields that ask for the same. */
  text: string
}

/**
 * Declares a batched load of rows for fields that return them, with the columns and relations that
 * the client asks for. Fields with different selections load apart.
 */
export function defineRowLoader<Key, Row>(
  load: (ctx: Context, keys: readonly Key[], query: RowQuery) => Promise<(Row | undefined)[]>,
): (ctx: Context, key: Key, info: GraphQLResolveInfo) => Promise<Row | null> {
  const loadAsked = defineGroupedLoader(
    ({ asked }: { key: Key; asked: Asked }) => asked.text,
    async (ctx, group) => {
      const keys = group.map(({ key }) => key)
      return (await load(ctx, keys, group[0].asked.query)).map((row) => row ?? null)
    },
  )
  return (ctx, key, info) => loadAsked(ctx, { key, asked: askedBy(ctx, info) })
}

/**
 * Returns what a field asks for. Computed once for all objects of a list: a field's nodes are the
 * same in each of them.
 */
function askedBy(ctx: Context, info: GraphQLResolveInfo): Asked {
  ctx.loaders ??= new Map()
  let known = ctx.loaders.get(askedBy) as Map<object, Asked> | undefined
  if (!known) {
    known = new Map()
    ctx.loaders.set(askedBy, known)
  }
  let asked = known.get(info.fieldNodes)
  if (!asked) {
    const query = selectedQuery(ctx, info)
    asked = { query, text: JSON.stringify(query) }
    known.set(info.fieldNodes, asked)
  }
  return asked
}
