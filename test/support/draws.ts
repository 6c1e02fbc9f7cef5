import fc from 'fast-check'

/** All that is drawn follows from it: TEST_SEED repeats a run. */
export const SEED = Number(process.env.TEST_SEED ?? Date.now() % 2 ** 31)

/** When to stop looking for a simpler example of a failure. */
const LONGEST_MS = 240_000
/** For a test that checks what is drawn. */
export const timeout = LONGEST_MS + 60_000

/** That it holds for all that are drawn; `options` are fast-check's. */
export async function check<Drawn>(
  numRuns: number,
  drawn: fc.Arbitrary<Drawn>,
  seed: number,
  holds: (drawn: Drawn) => Promise<void>,
  options: fc.Parameters<[Drawn]> = {},
): Promise<void> {
  const limit = { interruptAfterTimeLimit: LONGEST_MS, markInterruptAsFailure: true }
  const property = fc.asyncProperty(drawn, holds)
  await fc.assert(property, { numRuns, seed, ...limit, ...options }).catch((error: Error) => {
    error.message = `TEST_SEED=${SEED} shows this again. ${error.message}`
    throw error
  })
}
