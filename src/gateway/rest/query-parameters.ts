import {
  type GraphQLArgument,
  type GraphQLEnumType,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isScalarType,
  isSpecifiedScalarType,
} from 'graphql'
import type { Issue } from '../errors.ts'
import { kindOf } from '../variables.ts'
import type { Deprecable } from './deprecation.ts'
import { listItem, nullable } from './view.ts'

/** A query parameter and the place in the operation's variables that it fills. */
export interface QueryParameter {
  name: string
  /** Type of one value, or of one item if it repeats. */
  type: GraphQLInputType
  repeats: boolean
  target: readonly string[]
  /** The definition that describes it and may deprecate it. */
  definition: Definition
  /** A leaf value, an order term like `createdAt:desc`, or the whole input as JSON. */
  form: 'value' | 'order' | 'json'
}

type Definition = Deprecable & { description?: string | null | undefined }

/** Arguments of a Relay list. REST spells them `limit`, `after`, `before` and `offset`. */
const PAGING = new Set(['first', 'after', 'last', 'before', 'offset'])

/**
 * Returns the query parameters of an operation: flattened filter, order terms, paging
 * and plain leaves.
 */
export function queryParameters(args: readonly GraphQLArgument[]): QueryParameter[] {
  const paged = args.some((arg) => arg.name === 'first')
  const own = new Set(args.map((arg) => arg.name))
  return args.flatMap((arg): QueryParameter[] => {
    if (paged && PAGING.has(arg.name)) return pagingParameter(arg)
    const item = listItem(arg.type)
    const type = nullable(item ?? arg.type)
    if (isInputObjectType(type)) {
      if (item) return isOrder(type) ? [leaf(arg.name, type, true, [arg.name], arg, 'order')] : unsupported(arg)
      // Last, so that issues refer to the most specific parameter.
      const whole = isFlat(type)
        ? []
        : [leaf(arg.name, type, false, [arg.name], { ...arg, description: JSON_FORM }, 'json')]
      // An argument takes precedence over a filter field with the same name.
      return [...filterParameters(arg.name, type).filter(({ name }) => !own.has(name)), ...whole]
    }
    return [leaf(arg.name, item ?? arg.type, item !== undefined, [arg.name], arg)]
  })
}

function pagingParameter(arg: GraphQLArgument): QueryParameter[] {
  if (arg.name === 'last') return []
  if (arg.name !== 'first') return [leaf(arg.name, arg.type, false, [arg.name], arg)]
  return [leaf('limit', arg.type, false, ['first'], { description: 'Maximum number of items. Default 20.' })]
}

/**
 * Flattens a filter's fields, with operators after a dot: `status`, `priority` (same as
 * `priority.in`), `priority.gte`.
 */
function filterParameters(argument: string, filter: GraphQLInputType): QueryParameter[] {
  if (!isInputObjectType(filter)) return []
  return Object.values(filter.getFields()).flatMap((field): QueryParameter[] => {
    const item = listItem(field.type)
    const type = nullable(item ?? field.type)
    const target = [argument, field.name]
    if (isLeafType(type)) return [leaf(field.name, type, item !== undefined, target, field)]
    if (item || !isInputObjectType(type) || type === filter) return []
    return Object.values(type.getFields()).flatMap((operator): QueryParameter[] => {
      const operand = listItem(operator.type)
      const at = [...target, operator.name]
      const value = operand ?? operator.type
      const repeats = operand !== undefined
      const own = operator.deprecationReason ? operator : { ...field, description: operator.description }
      const dotted = leaf(`${field.name}.${operator.name}`, value, repeats, at, own)
      return BARE.has(operator.name) ? [leaf(field.name, value, repeats, at, field), dotted] : [dotted]
    })
  })
}

/** Operators that a value without an operator implies. */
const BARE = new Set(['in', 'any'])

const JSON_FORM =
  'The filter as JSON, for what parameters cannot express (and, or, not). Other filter parameters apply as well.'

/** Returns true if flat parameters can express the whole input. */
function isFlat(type: GraphQLInputObjectType): boolean {
  return Object.values(type.getFields()).every((field) => {
    const inner = nullable(listItem(field.type) ?? field.type)
    return isLeafType(inner) || (listItem(field.type) === undefined && inner !== type)
  })
}

function leaf(
  name: string,
  type: GraphQLInputType,
  repeats: boolean,
  target: readonly string[],
  definition: Definition,
  form: QueryParameter['form'] = 'value',
): QueryParameter {
  return { name, type, repeats, target, definition, form }
}

function unsupported(arg: GraphQLArgument): never {
  throw new Error(`REST cannot express the argument "${arg.name}: ${arg.type}"`)
}

/** Returns true for an order term: an input of exactly two enums, `field` and `direction`. */
export function isOrder(type: GraphQLInputType): boolean {
  return orderEnums(type) !== undefined
}

export function orderEnums(type: GraphQLInputType): { field: GraphQLEnumType; direction: GraphQLEnumType } | undefined {
  const inner = nullable(type)
  if (!isInputObjectType(inner)) return undefined
  const { field, direction, ...rest } = inner.getFields()
  if (!field || !direction || Object.keys(rest).length > 0) return undefined
  const [fieldType, directionType] = [nullable(field.type), nullable(direction.type)]
  return isEnumType(fieldType) && isEnumType(directionType) ? { field: fieldType, direction: directionType } : undefined
}

/** Returns the query string's spelling of a constant: `CREATED_AT` becomes `createdAt`. */
export function camelCase(constant: string): string {
  return constant.toLowerCase().replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
}

type OrderTerms = ReadonlyMap<string, { field: string; direction: string }>

const termsOfTypes = new WeakMap<GraphQLInputType, OrderTerms>()

/**
 * Parses `createdAt:desc` (or `createdAt`, ascending) into an order input. Returns undefined if it
 * is not valid.
 */
export function parseOrder(text: string, type: GraphQLInputType): Record<string, string> | undefined {
  let terms = termsOfTypes.get(type)
  if (!terms) {
    terms = orderTerms(type)
    termsOfTypes.set(type, terms)
  }
  const term = terms.get(text)
  return term && { ...term }
}

/** Returns the order inputs by their spellings. */
function orderTerms(type: GraphQLInputType): OrderTerms {
  const { field, direction } = orderEnums(type) ?? {}
  const terms = (field?.getValues() ?? []).flatMap((value) => {
    const name = camelCase(value.name)
    return (direction?.getValues() ?? []).flatMap((way) => {
      const term = { field: value.name, direction: way.name }
      const spelled = way.name.toLowerCase()
      return [[`${name}:${spelled}`, term] as const, ...(spelled === 'asc' ? [[name, term] as const] : [])]
    })
  })
  return new Map(terms)
}

/** A time with a space before its offset from UTC. */
const OFFSET = /^\S+T\S+ \d\d:?\d\d$/i

/**
 * Converts a query string's text to the JSON value its type expects. Text that does not fit stays
 * unchanged, and coercion rejects it.
 */
export function fromText(text: string, type: GraphQLInputType): unknown {
  const named = getNamedType(type)
  if (!isScalarType(named)) return text
  if (named.name === 'Int' && /^-?\d+$/.test(text)) return Number(text)
  if (named.name === 'Float' && /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text)) return Number(text)
  // A plus sign that was not percent-encoded arrives as a space, which no offset from UTC contains.
  if (!isSpecifiedScalarType(named) && OFFSET.test(text)) return text.replace(' ', '+')
  if (named.name === 'Boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

/** Reads the values of one parameter. Adds an issue and returns undefined if they do not fit. */
export function readParameter(parameter: QueryParameter, values: readonly string[], issues: Issue[]): unknown {
  const path = ['query', parameter.name]
  if (!parameter.repeats && values.length > 1) {
    issues.push({ path, code: 'repeated', message: 'must be sent only once' })
    return undefined
  }
  const read = values.map((text) => {
    if (parameter.form === 'json') return parseObject(text, path, issues)
    if (parameter.form === 'value') return fromText(text, parameter.type)
    const order = parseOrder(text, parameter.type)
    if (!order)
      issues.push({
        path,
        code: 'invalid_value',
        message: `${JSON.stringify(text)} is not valid: use one of ${orderNames(parameter.type)}, with :asc or :desc`,
      })
    return order
  })
  return parameter.repeats ? read.filter((value) => value !== undefined) : read[0]
}

function parseObject(text: string, path: Issue['path'], issues: Issue[]): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    issues.push({ path, code: 'invalid_json', message: `is not valid JSON: ${(error as SyntaxError).message}` })
    return undefined
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  issues.push({ path, code: 'invalid_type', message: `must be a JSON object, not ${kindOf(value)}` })
  return undefined
}

export function orderNames(type: GraphQLInputType): string {
  return (orderEnums(type)?.field.getValues() ?? []).map((value) => camelCase(value.name)).join(', ')
}
