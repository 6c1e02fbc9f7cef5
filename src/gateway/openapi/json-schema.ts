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
import { type Deprecable, deprecationText } from '../rest/deprecation.ts'

/** JSON Schema 2020-12, as OpenAPI 3.1 uses it. */
export type JsonSchema = Record<string, unknown>

/** What an application adds to GraphQL's own scalars. */
export interface Dialect {
  /** Schema of an `ID` without a rule of its own. */
  id?: JsonSchema
}

/** GraphQL's Int has 32 bits, whatever a rule allows. */
const INT = { type: 'integer', format: 'int32', minimum: -(2 ** 31), maximum: 2 ** 31 - 1 }

const BUILT_IN: Record<string, JsonSchema> = {
  Int: INT,
  Float: { type: 'number' },
  String: { type: 'string' },
  Boolean: { type: 'boolean' },
  ID: { type: 'string' },
}

/**
 * Returns the schema of a GraphQL type, null included if it is nullable. Named types become
 * `$ref`s. A rule (see ruleAt) adds limits that the type does not have.
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

/** Limits a range to 32 bits: zod's integers go up to 2 ** 53. */
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

/** Returns the zod rule of an input type. */
export function ruleOfInput(type: GraphQLInputObjectType): z.ZodType | undefined {
  const validation = type.extensions['@pothos/plugin-validation'] as { schemas?: readonly unknown[] } | undefined
  // Inputs that a service validates have their rule in an extension.
  return [...(validation?.schemas ?? []), type.extensions.rules].find((one) => one instanceof z.ZodType)
}

/** Returns the rule of an output field or an argument. */
export function ownRule({ extensions }: { extensions: Readonly<Record<string, unknown>> }): JsonSchema | undefined {
  return ruleAt(extensions.rules, [])
}

/** Marks a rule that rejects null, where GraphQL cannot distinguish null from absent. */
export const REFUSES_NULL = 'x-refuses-null'

/** Returns the JSON Schema that a zod rule accepts at a path, or undefined if there is no rule. */
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
    // Found by trying: a refinement may reject null.
    override: ({ zodSchema, jsonSchema }) => {
      Object.assign(jsonSchema, { [REFUSES_NULL]: !z.safeParse(zodSchema, null).success })
    },
  })
  known.set(rule, schema)
  return schema
}

/**
 * Resolves the `anyOf` that zod writes for a nullish value, and the `$ref` it writes for a
 * recursive one.
 */
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

/** Adds the description and deprecation of a GraphQL definition. */
export function described(
  schema: JsonSchema,
  definition: Deprecable & { description?: string | null | undefined },
): JsonSchema {
  const deprecation = deprecationText(definition)
  const description = [definition.description, deprecation].filter(Boolean).join('\n\n')
  return { ...schema, ...(description && { description }), ...(deprecation && { deprecated: true }) }
}
