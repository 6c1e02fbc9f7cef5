/** Enough to keep the server busy, few enough that its queues (password hashing, database) do not refuse. */
const AT_ONCE = 16

/** Does the same to each item, some at once, and answers in their order. */
export async function inBatches<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>) {
  const results: Result[] = []
  let next = 0
  const worker = async () => {
    while (next < items.length) {
      const index = next++
      results[index] = await work(items[index] as Item)
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker))
  return results
}
