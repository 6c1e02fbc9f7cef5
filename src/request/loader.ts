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
