import fc from 'fast-check'

/** Determines everything drawn. Set TEST_SEED to repeat a run. */
export const SEED = Number(process.env.TEST_SEED ?? Date.now() % 2 ** 31)

/** Returns the number of draws: the given one in the suite, TEST_DRAWS in a long run. */
export const draws = (inSuite: number): number => Number(process.env.TEST_DRAWS ?? inSuite)

/** Time after which to stop looking for a simpler example of a failure. */
const LONGEST_MS = process.env.TEST_DRAWS ? 3_600_000 : 240_000
/** Timeout of a test that checks a property. */
export const timeout = LONGEST_MS + 60_000

/** Asserts that the property holds for all drawn examples. `options` are fast-check's. */
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
    error.message = `Reproduce with TEST_SEED=${SEED}. ${error.message}`
    throw error
  })
}
