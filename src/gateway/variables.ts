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
import { type Issue, MAX_ISSUES } from './errors.ts'

/** Values of variables by name, as a client sent them. */
export type Variables = Readonly<Record<string, unknown>>

/** Maximum nesting of a value. Walking a deeper one could overflow the stack. */
const MAX_DEPTH = 40

/** Returns true if a value is nested too deeply to be processed. */
export function isTooDeep(value: unknown): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return true
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []))
  }
  return false
}

/** Returns true if a document contains a value that is nested too deeply. */
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
  return deepest > MAX_DEPTH
}

export const TOO_DEEP = `is nested more than ${MAX_DEPTH} levels deep`

/**
 * Coerces a value to an input type like GraphQL, but collects every problem instead of throwing
 * the first.
 */
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
      if (issues.length >= MAX_ISSUES) throw TOO_MANY
      issues.push(toIssue([...path, ...inner], invalid, error.message))
    })
  } catch (error) {
    if (error !== TOO_MANY) throw error
    return undefined
  }
}

const TOO_MANY = Symbol('too many issues')

/** Turns a message of graphql-js into an issue at the value it is about. */
function toIssue(path: (string | number)[], invalid: unknown, message: string): Issue {
  const missing = /^Field "(\w+)" of required type "(.+)" was not provided/.exec(message)
  if (missing?.[1]) return { path: [...path, missing[1]], code: 'required', message: 'is required' }
  const unknown = /^Field "([^"]*)" is not defined by type "\w+"\.?(.*)$/.exec(message)
  if (unknown?.[1] !== undefined) {
    return { path: [...path, unknown[1]], code: 'unknown_field', message: `is not a known field.${unknown[2]}` }
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
  // Name the kind instead of quoting the value: strings may be secrets.
  if (/^String cannot represent/.test(message))
    return { path, code: 'invalid_type', message: `must be a string, not ${kindOf(invalid)}` }
  return { path, code: 'invalid_type', message: message.replace(/^Expected type "\w+"\. /, '') }
}

export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/**
 * Returns the problems of variables that graphql-js rejected, each at the argument that
 * uses the variable.
 */
export function variableIssues(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  paths: VariablePaths,
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
    coerceValue(value, type, paths.get(name) ?? [name], issues)
  }
  return issues
}

export type VariablePaths = ReadonlyMap<string, (string | number)[]>

/**
 * Returns where each variable is first used, as a path that starts at an argument:
 * `["input","title"]` for `$t` in `input: {title: $t}`.
 */
export function variablePaths(document: DocumentNode): VariablePaths {
  const paths = new Map<string, (string | number)[]>()
  visit(document, {
    Variable(node, _key, parent, _path, ancestors) {
      const path = [...ancestors, parent].flatMap((ancestor) => {
        const one = ancestor as ArgumentNode | ObjectFieldNode
        return one.kind === Kind.ARGUMENT || one.kind === Kind.OBJECT_FIELD ? [one.name.value] : []
      })
      if (path.length > 0 && !paths.has(node.name.value)) paths.set(node.name.value, path)
    },
  })
  return paths
}
