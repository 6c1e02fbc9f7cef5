import {
  type ArgumentNode,
  coerceInputValue,
  type DocumentNode,
  type GraphQLInputType,
  type GraphQLSchema,
  isNonNullType,
  Kind,
  type NamedTypeNode,
  type ObjectFieldNode,
  type OperationDefinitionNode,
  typeFromAST,
  valueFromAST,
  visit,
} from 'graphql'
import { type Issue, MAX_ISSUES } from './errors.ts'

/** Values of variables by name, as a client sent them. */
export type Variables = Readonly<Record<string, unknown>>

/** Maximum nesting of a value. Walking a deeper one could overflow the stack. */
export const MAX_DEPTH = 40

export const TOO_DEEP = `is nested more than ${MAX_DEPTH} levels deep`

/** Maximum number of fields and list items in the variables of an operation. VALUE_LIMIT. */
export const DEFAULT_MAX_VALUES = 10_000

/**
 * Returns what is wrong with the size of a value: it is nested too deeply, or has too many fields
 * and list items. Bounds the work of coercing and checking it.
 */
export function sizeIssue(value: unknown, maxValues: number): Omit<Issue, 'path'> | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const left = countDown(value, maxValues, 1)
  if (left === DEEP) return { code: 'too_deep', message: TOO_DEEP }
  if (left >= 0) return undefined
  return { code: 'too_large', message: `has more than ${maxValues} fields and list items (VALUE_LIMIT)` }
}

const DEEP = Number.NEGATIVE_INFINITY

/** Subtracts the number of values inside a value. Stops when nothing is left. */
function countDown(value: object, left: number, depth: number): number {
  if (depth > MAX_DEPTH) return isEmpty(value) ? left : DEEP
  let rest = left
  if (Array.isArray(value)) {
    rest -= value.length
    for (const one of value) {
      if (rest < 0) return rest
      if (typeof one === 'object' && one !== null) rest = countDown(one, rest, depth + 1)
    }
    return rest
  }
  for (const name in value) {
    if (--rest < 0) return rest
    const one = (value as Record<string, unknown>)[name]
    if (typeof one === 'object' && one !== null) rest = countDown(one, rest, depth + 1)
  }
  return rest
}

function isEmpty(value: object): boolean {
  for (const _ in value) return false
  return true
}

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
    if (isNonNullType(type)) issues.push(missing(path))
    return value
  }
  const tooDeep = sizeIssue(value, Number.MAX_SAFE_INTEGER)
  if (!tooDeep) return coerceSmall(value, type, path, issues)
  issues.push({ path, ...tooDeep })
  return undefined
}

/** Coerces a value whose size has been checked. */
function coerceSmall(value: unknown, type: GraphQLInputType, path: (string | number)[], issues: Issue[]): unknown {
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

const missing = (path: (string | number)[]): Issue => ({ path, code: 'required', message: 'is required' })

/** Turns a message of graphql-js into an issue at the value it is about. */
function toIssue(path: (string | number)[], invalid: unknown, message: string): Issue {
  const absent = /^Field "(\w+)" of required type "(.+)" was not provided/.exec(message)
  if (absent?.[1]) return missing([...path, absent[1]])
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
 * Coerces the variables of an operation, whose size has been checked, like graphql-js, but returns
 * each problem at the argument that uses the variable. graphql-js would print the whole value in
 * the error of each part.
 */
export function coerceVariables(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
  paths: VariablePaths,
  inputs: Variables,
): { values: Record<string, unknown>; issues: Issue[] } {
  const issues: Issue[] = []
  const values: Record<string, unknown> = {}
  for (const { variable, type: typeNode, defaultValue } of variableDefinitions) {
    const name = variable.name.value
    const type = typeFromAST(schema, typeNode as NamedTypeNode) as GraphQLInputType | undefined
    if (!type) continue
    const value = Object.hasOwn(inputs, name) ? inputs[name] : undefined
    if (value === undefined && defaultValue) values[name] = valueFromAST(defaultValue, type)
    else if (value == null && isNonNullType(type)) issues.push(missing(paths.get(name) ?? [name]))
    else if (value !== undefined) values[name] = coerceSmall(value, type, paths.get(name) ?? [name], issues)
  }
  return { values, issues }
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
