import type { Variables } from './doors.ts'
import type { World } from './world.ts'

/** Variables and the names of all invalid values. The default code is VALIDATION_FAILED. */
export interface Invalid {
  variables: Variables | ((world: World) => Variables)
  at: string
  code?: string
}

export const invalid = (variables: Invalid['variables'], at: string, code?: string): Invalid => ({
  variables,
  at,
  ...(code && { code }),
})
export const missing = (variables: Invalid['variables'], at = 'id') => invalid(variables, at, 'NOT_FOUND')
export const stale = (variables: (world: World) => Variables) =>
  invalid((world) => ({ ...variables(world), expectedVersion: 7 }), 'expectedVersion', 'PRECONDITION_FAILED')

export const LIST = [
  invalid({ first: 0, offset: -1 }, 'limit offset'),
  invalid({ first: 'many', offset: 'some' }, 'limit offset'),
  invalid({ first: 101, offset: 10_001 }, 'limit offset'),
  invalid({ first: 2 ** 40, offset: 2 ** 40 }, 'limit offset'),
  invalid({ after: 'nonsense' }, 'after'),
  invalid({ last: 3, before: 'nonsense' }, 'before'),
  invalid({ after: 'a', before: 'b', offset: 3 }, 'before offset'),
]
export const listOf = (own: (world: World) => Variables) =>
  LIST.map(({ variables, ...row }) => ({ ...row, variables: (world: World) => ({ ...variables, ...own(world) }) }))
