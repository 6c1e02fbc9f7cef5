/** The arguments are valid for Prisma but not covered here. */
export class Uncovered extends Error {}

/** Returns undefined if the arguments are not covered, so that the caller asks Prisma. */
export function orUncovered<T>(compile: () => T): T | undefined {
  try {
    return compile()
  } catch (error) {
    if (error instanceof Uncovered) return undefined
    throw error
  }
}
