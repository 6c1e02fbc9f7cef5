import { type GraphQLError, getNamedType } from 'graphql'
import { issuesOf } from '../client-error.ts'
import { AppError, type Issue } from '../errors.ts'
import { type InputPlan, placeInRequest } from './input.ts'

/**
 * Throws NOT_FOUND if a value in the path is not a valid id. Elsewhere an invalid
 * id stays VALIDATION_FAILED.
 */
export function refusePath(plan: InputPlan, error: GraphQLError): void {
  if (error.extensions.code !== 'VALIDATION_FAILED') return
  for (const issue of issuesOf(error)) {
    const [place, name] = placeOf(plan, issue.path)
    if (place !== 'path' || name === undefined || plan.fills[name] === undefined) continue
    if (!takesId(plan, plan.fills[name])) continue
    // An enum value is not an id.
    if (issue.code === 'invalid_value') continue
    throw new AppError('NOT_FOUND', `Nothing has this ${name}: it ${issue.message}.`, {
      path: [place, name],
    })
  }
}

/** Returns false for a path parameter that is an argument of its own, of another type. */
function takesId({ args }: InputPlan, [head, ...rest]: readonly string[]): boolean {
  const arg = args.find(({ name }) => name === head)
  return rest.length > 0 || arg === undefined || getNamedType(arg.type).name === 'ID'
}

/**
 * Maps a path that starts at an argument to the request. Paths of a service's own rules stay as
 * they are.
 */
export function placeOf(plan: InputPlan, path: Issue['path']): Issue['path'] {
  return plan.args.some((arg) => arg.name === path[0]) ? placeInRequest(plan, path) : path
}
