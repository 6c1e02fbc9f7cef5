/**
 * Limits of a document, checked before graphql-js validates it. Its rules compare each field with
 * those of the same name, so that a short document could keep them busy for seconds.
 */
import {
  type DirectiveNode,
  type DocumentNode,
  Kind,
  SchemaMetaFieldDef,
  type SelectionSetNode,
  TypeMetaFieldDef,
  type ValueNode,
} from 'graphql'
import { AppError } from './errors.ts'
import { type Place, Repetitions } from './repetitions.ts'
import { MAX_DEPTH, TOO_DEEP } from './variables.ts'

export interface DocumentLimits {
  /** Bytes of the text. DOCUMENT_LIMIT. */
  bytes: number
  /** Bounds the work of parsing. */
  tokens: number
  /** Fields with an alias. ALIAS_LIMIT. */
  aliases: number
}

export const DEFAULT_DOCUMENT_LIMITS: DocumentLimits = { bytes: 65_536, tokens: 5_000, aliases: 250 }

/** Operations and fragments of a document. */
const MAX_DEFINITIONS = 100
/** Levels of brackets of any kind. */
const MAX_NESTING = 150
/** Levels of selections in the text. More than any operation may have. */
const MAX_LEVELS = 50
/** How often two selections of the same name are compared. */
const MAX_COMPARISONS = 50_000
/** Uses of `__schema` and `__type`. */
const MAX_INTROSPECTIONS = [
  [SchemaMetaFieldDef.name, 1],
  [TypeMetaFieldDef.name, 10],
] as const

/** Throws QUERY_TOO_COMPLEX if a text is too long to be parsed. */
export function requireShortText(text: string, { bytes }: DocumentLimits): void {
  // A character has at most three bytes.
  if (text.length * 3 <= bytes) return
  const length = Buffer.byteLength(text)
  if (length > bytes) throw tooLarge(`${length} bytes`, bytes, 'DOCUMENT_LIMIT')
}

/** Throws BAD_REQUEST if brackets are nested so deeply that the parser's stack could overflow. */
export function requireFlatText(text: string): void {
  let level = 0
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '"') at = endOfString(text, at)
    else if (character === '#') at = endOfLine(text, at)
    else if (character === '{' || character === '[' || character === '(') level++
    else if (character === '}' || character === ']' || character === ')') level--
    if (level > MAX_NESTING) {
      throw new AppError('BAD_REQUEST', `The document has over ${MAX_NESTING} levels of brackets, the limit.`)
    }
  }
}

const BLOCK = '"""'

/** Returns where the string that starts here ends; the end of the text if it does not. */
function endOfString(text: string, start: number): number {
  const quote = text.startsWith(BLOCK, start) ? BLOCK : '"'
  const lineEnd = quote === '"' ? endOfLine(text, start) : text.length
  for (let at = start + quote.length; at < lineEnd; at++) {
    if (text[at] === '\\')
      at += text.startsWith(BLOCK, at + 1) && quote === BLOCK ? BLOCK.length : quote === '"' ? 1 : 0
    else if (text.startsWith(quote, at)) return at + quote.length - 1
  }
  return lineEnd
}

function endOfLine(text: string, start: number): number {
  const end = text.indexOf('\n', start)
  return end < 0 ? text.length : end
}

/**
 * Throws if a document is too large to be validated, or uses introspection where it is off.
 * Returns its number of nodes.
 */
export function requireSmallDocument(document: DocumentNode, limits: DocumentLimits, introspection = true): number {
  let nodes = 0
  let aliases = 0
  const repeated = new Repetitions()
  const introspections = new Map<string, number>()
  const { definitions } = document
  if (definitions.length > MAX_DEFINITIONS)
    throw tooLarge(`${definitions.length} operations and fragments`, MAX_DEFINITIONS)
  for (const definition of definitions) {
    nodes += 4
    directives(definition.directives)
    if (definition.kind === Kind.OPERATION_DEFINITION) {
      for (const variable of definition.variableDefinitions ?? []) {
        nodes += 5
        directives(variable.directives)
        if (variable.defaultValue) value(variable.defaultValue, 1)
      }
    }
    if ('selectionSet' in definition) {
      const isFragment = definition.kind === Kind.FRAGMENT_DEFINITION
      selections(definition.selectionSet, isFragment ? repeated.fragments : repeated.operations, 1)
    }
  }
  if (aliases > limits.aliases) throw tooLarge(`${aliases} aliases`, limits.aliases, 'ALIAS_LIMIT')
  for (const [name, most] of MAX_INTROSPECTIONS) {
    const found = introspections.get(name) ?? 0
    if (found > 0 && !introspection) throw new AppError('FORBIDDEN', OFF)
    if (found > most) throw tooLarge(`${found} fields ${name}`, most)
  }
  const { comparisons, most } = repeated.sum()
  if (comparisons > MAX_COMPARISONS) {
    throw tooLarge(`${comparisons} comparisons of repeated selections, most of them of ${most}`, MAX_COMPARISONS)
  }
  return nodes

  function selections({ selections: selected }: SelectionSetNode, place: Place, level: number): void {
    if (level > MAX_LEVELS) throw tooLarge(`over ${MAX_LEVELS} levels`, MAX_LEVELS)
    for (const selection of selected) {
      nodes += 3
      directives(selection.directives)
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        repeated.add(place)
        continue
      }
      let inner = place
      if (selection.kind === Kind.FIELD) {
        if (selection.alias) aliases++
        inner = repeated.add(place, (selection.alias ?? selection.name).value)
        if (selection.name.value.startsWith('__')) count(introspections, selection.name.value)
        for (const argument of selection.arguments ?? []) value(argument.value, 1)
      }
      if (selection.selectionSet) selections(selection.selectionSet, inner, level + 1)
    }
  }

  function directives(given: readonly DirectiveNode[] | undefined): void {
    for (const directive of given ?? []) {
      nodes += 2
      for (const argument of directive.arguments ?? []) value(argument.value, 1)
    }
  }

  function value(given: ValueNode, level: number): void {
    nodes += 3
    const inner = given.kind === Kind.LIST ? given.values : given.kind === Kind.OBJECT ? given.fields : []
    if (inner.length > 0 && level > MAX_DEPTH) throw new AppError('BAD_REQUEST', `A value ${TOO_DEEP}.`)
    for (const one of inner) value(one.kind === Kind.OBJECT_FIELD ? one.value : one, level + 1)
  }
}

const OFF = 'Introspection is switched off on this server (INTROSPECTION=off). Read its documentation instead.'

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

function tooLarge(found: string, limit: number, setting?: string): AppError {
  const named = setting ? `${limit} (${setting})` : String(limit)
  return new AppError('QUERY_TOO_COMPLEX', `The document is too large: it has ${found}, the limit is ${named}.`)
}
