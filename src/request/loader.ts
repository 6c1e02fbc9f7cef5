import DataLoader from 'dataloader'
import type { Context } from './context.ts'

/**
 * Declares a batched load by key. Each context gets its own batches, and nothing is cached:
 * a load after a mutation of the same operation must see what the mutation wrote.
 */
export function defineLoader<Key, Value>(
  load: (ctx: Context, keys: readonly Key[]) => Promise<Value[]>,
): (ctx: Context, key: Key) => Promise<Value> {
  return (ctx, key) => {
    ctx.loaders ??= new Map()
    let loader = ctx.loaders.get(load) as DataLoader<Key, Value> | undefined
    if (!loader) {
      loader = new DataLoader((keys: readonly Key[]) => load(ctx, keys), { cache: false })
      ctx.loaders.set(load, loader)
    }
    return loader.load(key)
  }
}

/** Declares a batched load of keys that fall into groups. Each group loads by itself. */
export function defineGroupedLoader<Key extends object, Value>(
  groupOf: (key: Key) => string,
  load: (ctx: Context, keys: readonly [Key, ...Key[]]) => Promise<Value[]>,
): (ctx: Context, key: Key) => Promise<Value> {
  return defineLoader(async (ctx, keys: readonly Key[]) => {
    const values = new Map<Key, Value>()
    for (const [first, ...others] of Map.groupBy(keys, groupOf).values()) {
      if (!first) continue
      const loaded = await load(ctx, [first, ...others])
      for (const [index, key] of [first, ...others].entries()) values.set(key, loaded[index] as Value)
    }
    return keys.map((key) => values.get(key) as Value)
  })
}
