import { describe } from 'vitest'
import { onPostgres } from './database.ts'
import type { Operations } from './operation-types.ts'
import { overGraphql } from './operations-graphql.ts'
import { overRest } from './operations-rest.ts'

export { ask, LIST, LIST_VARIABLES, overGraphql, PAGE, TASK, USER } from './operations-graphql.ts'
export { call, ifMatch, overRest } from './operations-rest.ts'
export { type Caller, data, type Outcome, refusal } from './outcome.ts'

/**
 * Runs a specification over one protocol: REST on the embedded database, GraphQL on PostgreSQL.
 * test/contract/parity.test.ts shows that both protocols behave the same.
 */
export function describeApi(what: string, specify: (api: Operations) => void): void {
  const api = onPostgres ? overGraphql : overRest
  describe(`${what} over ${api.protocol}`, () => specify(api))
}

/** Runs a specification over both protocols, for behaviour that they implement separately. */
export function describeBoth(what: string, specify: (api: Operations) => void): void {
  describe.each([overGraphql, overRest])(`${what} over $protocol`, specify)
}
