import {
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLOutputType,
  getNamedType,
  isListType,
  isNonNullType,
  isScalarType,
} from 'graphql'
import { z } from 'zod'
import { type Deprecable, deprecationText } from './deprecation.ts'

/** JSON Schema 2020-12, as OpenAPI 3.1 takes it. */
export type JsonSchema = Record<string, unknown>

/** What an application says of GraphQL's own scalars. */
export interface Dialect {
  /** What an `ID` is, where no rule of the value's own says otherwise. */
  id?: JsonSchema
}

/** GraphQL's Int has 32 bits, whatever a rule adds. */
const INT = { type: 'integer', format: 'int32', minimum: -(2 ** 31), maximum: 2 ** 31 - 1 }

const BUILT_IN: Record<string, JsonSchema> = {
  Int: INT,
  Float: { type: 'number' },
  String: { type: 'string' },
  Boolean: { type: 'boolean' },
  ID: { type: 'string' },
}

/**
 * The schema of a GraphQL type, null included where it may be null. Named types become `$ref`s. A rule (see ruleAt) adds the
 * limits that the type does not know.
 */
export function schemaOf(
  type: GraphQLOutputType | GraphQLInputType,
  dialect: Dialect = {},
  rule?: JsonSchema,
): JsonSchema {
  if (isNonNullType(type)) return nonNull(type.ofType, dialect, rule)
  const schema = nonNull(type, dialect, rule)
  if (rule?.[REFUSES_NULL]) return schema
  if (typeof schema.type === 'string') {
    const values = schema.enum as unknown[] | undefined
    return { ...schema, type: [schema.type, 'null'], ...(values && { enum: [...values, null] }) }
  }
  return Object.keys(schema).length === 0 ? schema : { anyOf: [schema, { type: 'null' }] }
}

const OF_VALUES = ['minLength', 'maxLength', 'minimum', 'maximum', 'pattern', 'format', 'enum', 'const', 'examples']
const OF_LISTS = ['minItems', 'maxItems', 'examples']

function nonNull(
  type: GraphQLOutputType | GraphQLInputType,
  dialect: Dialect,
  rule: JsonSchema | undefined,
): JsonSchema {
  if (isListType(type)) {
    const items = schemaOf(type.ofType, dialect, rule?.items as JsonSchema | undefined)
    return { type: 'array', items, ...picked(rule, OF_LISTS) }
  }
  const named = getNamedType(type) as GraphQLNamedType
  if (!isScalarType(named)) return { $ref: `#/components/schemas/${named.name}` }
  const base = BUILT_IN[named.name] ?? (named.extensions.jsonSchema as JsonSchema | undefined) ?? {}
  if (named.name === 'ID' && !rule) return { ...base, ...dialect.id }
  const schema: JsonSchema = { ...base, ...picked(rule, OF_VALUES) }
  return named.name === 'Int' ? withinInt(schema) : schema
}

/** zod's integers reach to 2 ** 53. */
function withinInt({ minimum, maximum, ...schema }: JsonSchema): JsonSchema {
  return {
    ...schema,
    minimum: Math.max(Number(minimum), INT.minimum),
    maximum: Math.min(Number(maximum), INT.maximum),
  }
}

function picked(rule: JsonSchema | undefined, names: readonly string[]): JsonSchema {
  return Object.fromEntries(names.flatMap((name) => (rule?.[name] === undefined ? [] : [[name, rule[name]]])))
}

/** The rule of an input's fields, as the validation plugin keeps it with the type. */
export function ruleOfInput(type: GraphQLInputObjectType): z.ZodType | undefined {
  const kept = type.extensions['@pothos/plugin-validation'] as { schemas?: readonly unknown[] } | undefined
  // Of an input that its service or its operation checks, the rules are its own extension.
  return [...(kept?.schemas ?? []), type.extensions.rules].find((one) => one instanceof z.ZodType)
}

/** The rule that an output field's values keep, or an argument's have to. */
export function ownRule({ extensions }: { extensions: Readonly<Record<string, unknown>> }): JsonSchema | undefined {
  return ruleAt(extensions.rules, [])
}

/** In a rule: null is refused, although GraphQL cannot tell it from what is absent. */
export const REFUSES_NULL = 'x-refuses-null'

/** What zod lets through at a path within what a rule accepts, as JSON Schema; undefined where there is no rule. */
export function ruleAt(rule: unknown, path: readonly string[]): JsonSchema | undefined {
  if (!(rule instanceof z.ZodType)) return undefined
  const whole = asJsonSchema(rule)
  let schema = resolved(whole, whole)
  for (const step of path) {
    schema = resolved((schema?.properties as Record<string, JsonSchema> | undefined)?.[step], whole)
  }
  return schema?.items ? { ...schema, items: resolved(schema.items as JsonSchema, whole) } : schema
}

const known = new WeakMap<z.ZodType, JsonSchema>()

function asJsonSchema(rule: z.ZodType): JsonSchema {
  const found = known.get(rule)
  if (found) return found
  const schema: JsonSchema = z.toJSONSchema(rule, {
    io: 'input',
    unrepresentable: 'any',
    // Asked, not derived: a refinement may refuse what the type takes.
    override: ({ zodSchema, jsonSchema }) => {
      Object.assign(jsonSchema, { [REFUSES_NULL]: !z.safeParse(zodSchema, null).success })
    },
  })
  known.set(rule, schema)
  return schema
}

/** zod writes a nullish string as `anyOf: [{type: "string", maxLength}, {type: "null"}]`, and what contains itself as a `$ref`. */
function resolved(schema: JsonSchema | undefined, whole: JsonSchema): JsonSchema | undefined {
  if (Array.isArray(schema?.anyOf)) {
    const { anyOf, ...outer } = schema
    const inner = (anyOf as JsonSchema[]).find((one) => one.type !== 'null')
    return { ...resolved(inner, whole), ...outer }
  }
  if (typeof schema?.$ref !== 'string') return schema
  const steps = schema.$ref.split('/').slice(1)
  const found = steps.reduce<unknown>((at, step) => (at as JsonSchema | undefined)?.[step], whole)
  return resolved(found as JsonSchema | undefined, whole)
}

/** With what its GraphQL definition says of it. */
export function described(
  schema: JsonSchema,
  definition: Deprecable & { description?: string | null | undefined },
): JsonSchema {
  const deprecation = deprecationText(definition)
  const description = [definition.description, deprecation].filter(Boolean).join('\n\n')
  return { ...schema, ...(description && { description }), ...(deprecation && { deprecated: true }) }
}
