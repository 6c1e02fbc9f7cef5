import {
  type ArgumentNode,
  coerceInputValue,
  type DocumentNode,
  type GraphQLInputType,
  type GraphQLSchema,
  isNonNullType,
  Kind,
  type ObjectFieldNode,
  type OperationDefinitionNode,
  typeFromAST,
  visit,
} from 'graphql'
import type { Issue } from './errors.ts'

/** Deeper values than any input of ours are not looked at: walking down them would end in a stack overflow. */
const MOST_LEVELS = 40

/** Whether a value is nested so deep that nothing is to be done with it but refuse it. */
export function isTooDeep(value: unknown): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MOST_LEVELS) return true
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []))
  }
  return false
}

/** Whether a value written into a document is. */
export function hasTooDeepValue(document: DocumentNode): boolean {
  let depth = 0
  let deepest = 0
  const level = {
    enter() {
      depth++
      deepest = Math.max(deepest, depth)
    },
    leave() {
      depth--
    },
  }
  visit(document, { ObjectValue: level, ListValue: level })
  return deepest > MOST_LEVELS
}

export const TOO_DEEP = `is nested more than ${MOST_LEVELS} levels deep`

/** Coerces a value to an input type as GraphQL does, collecting every problem instead of throwing the first. */
export function coerceValue(
  value: unknown,
  type: GraphQLInputType,
  path: (string | number)[],
  issues: Issue[],
): unknown {
  if (value === undefined || (value === null && isNonNullType(type))) {
    if (isNonNullType(type)) issues.push({ path, code: 'required', message: 'is required' })
    return value
  }
  if (isTooDeep(value)) {
    issues.push({ path, code: 'too_deep', message: TOO_DEEP })
    return undefined
  }
  try {
    return coerceInputValue(value, type, (inner, invalid, error) => {
      if (issues.length >= MOST_ISSUES) throw TOO_MANY
      issues.push(toIssue([...path, ...inner], invalid, error.message))
    })
  } catch (error) {
    if (error !== TOO_MANY) throw error
    return undefined
  }
}

/** Nobody reads more, and a long list of values can break a rule in each: who sends it would get many times its size in answer. */
export const MOST_ISSUES = 100
const TOO_MANY = Symbol('too many issues')

/** graphql-js's own words, told as a rule broken by the field the path names. */
function toIssue(path: (string | number)[], invalid: unknown, message: string): Issue {
  const missing = /^Field "(\w+)" of required type "(.+)" was not provided/.exec(message)
  if (missing?.[1]) return { path: [...path, missing[1]], code: 'required', message: 'is required' }
  const unknown = /^Field "([^"]*)" is not defined by type "\w+"\.?(.*)$/.exec(message)
  if (unknown?.[1] !== undefined) {
    return { path: [...path, unknown[1]], code: 'unknown_field', message: `is not a field here.${unknown[2]}` }
  }
  if (/^Expected non-nullable type/.test(message)) return { path, code: 'required', message: 'must not be null' }
  const enumeration = /^Value "(.*)" does not exist in "(\w+)" enum\.?(.*)$/s.exec(message)
  if (enumeration) {
    return {
      path,
      code: 'invalid_value',
      message: `${JSON.stringify(invalid)} is not a ${enumeration[2]}.${enumeration[3]}`,
    }
  }
  // Told by its kind, not quoted: a string is where secrets are.
  if (/^String cannot represent/.test(message))
    return { path, code: 'invalid_type', message: `must be a string, not ${kindOf(invalid)}` }
  return { path, code: 'invalid_type', message: message.replace(/^Expected type "\w+"\. /, '') }
}

export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** The problems of variables that graphql-js refused, each placed at the argument the variable stands for. */
export function variableIssues(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  places: VariablePlaces,
  inputs: Readonly<Record<string, unknown>>,
): Issue[] {
  const issues: Issue[] = []
  for (const definition of operation.variableDefinitions ?? []) {
    const name = definition.variable.name.value
    const type = typeFromAST(schema, definition.type as Parameters<typeof typeFromAST>[1]) as
      | GraphQLInputType
      | undefined
    const value = inputs[name]
    if (!type || (value === undefined && definition.defaultValue)) continue
    coerceValue(value, type, places.get(name) ?? [name], issues)
  }
  return issues
}

export type VariablePlaces = ReadonlyMap<string, (string | number)[]>

/** Where each variable is first used, as a path that starts at an argument: `$t` in `input: {title: $t}` is `["input","title"]`. */
export function variablePlaces(document: DocumentNode): VariablePlaces {
  const places = new Map<string, (string | number)[]>()
  visit(document, {
    Variable(node, _key, parent, _path, ancestors) {
      const path = [...ancestors, parent].flatMap((ancestor) => {
        const one = ancestor as ArgumentNode | ObjectFieldNode
        return one.kind === Kind.ARGUMENT || one.kind === Kind.OBJECT_FIELD ? [one.name.value] : []
      })
      if (path.length > 0 && !places.has(node.name.value)) places.set(node.name.value, path)
    },
  })
  return places
}
