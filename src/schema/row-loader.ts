import type { queryFromInfo } from '@pothos/plugin-prisma'
import type { GraphQLResolveInfo } from 'graphql'
import type { Context } from '../request/context.ts'
import { defineLoader } from '../request/loader.ts'
import { selectedQuery } from './selected-columns.ts'

/** Columns and relations to read. It is a promise only if a field computes its selection in one. */
type RowQuery = Awaited<ReturnType<typeof queryFromInfo>>

/**
 * Declares a batched load of rows for fields that return them, with the columns and relations that
 * the client asks for. Fields with different selections load apart.
 */
export function defineRowLoader<Key, Row>(
  load: (ctx: Context, keys: readonly Key[], query: RowQuery) => Promise<(Row | undefined)[]>,
): (ctx: Context, key: Key, info: GraphQLResolveInfo) => Promise<Row | null> {
  const loadAsked = defineLoader(async (ctx, asked: readonly { key: Key; query: RowQuery }[]) => {
    const rows = new Map<object, Row | undefined>()
    for (const group of Map.groupBy(asked, ({ query }) => JSON.stringify(query)).values()) {
      const [first] = group
      if (!first) continue
      const found = await load(
        ctx,
        group.map(({ key }) => key),
        first.query,
      )
      for (const [index, one] of group.entries()) rows.set(one, found[index])
    }
    return asked.map((one) => rows.get(one) ?? null)
  })
  return (ctx, key, info) => loadAsked(ctx, { key, query: selectedQuery(ctx, info) })
}
