/** Counts what each client address holds open. */
export interface AddressLimit {
  /**
   * Counts one more and returns the function that releases it; undefined at the limit.
   */
  acquire(address: string): (() => void) | undefined
}

export function createAddressLimit(limit: number): AddressLimit {
  const open = new Map<string, number>()
  return {
    acquire(address) {
      const count = open.get(address) ?? 0
      if (count >= limit) return undefined
      open.set(address, count + 1)
      let released = false
      return () => {
        if (released) return
        released = true
        const left = (open.get(address) ?? 1) - 1
        if (left === 0) open.delete(address)
        else open.set(address, left)
      }
    },
  }
}
