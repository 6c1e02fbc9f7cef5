/** Keeps the server busy without overflowing its queues (password hashing, database). */
const CONCURRENCY = 16

/** Runs `work` on each item with bounded concurrency. Returns the results in input order. */
export async function inBatches<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>) {
  const results: Result[] = []
  let next = 0
  const worker = async () => {
    while (next < items.length) {
      const index = next++
      results[index] = await work(items[index] as Item)
    }
  }
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, items.length) }, worker))
  return results
}
