import {
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLOutputType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
} from 'graphql'
import { z } from 'zod'
import { isConnection, isEmbedded } from './view.ts'

/** JSON Schema 2020-12, as OpenAPI 3.1 takes it. */
export type JsonSchema = Record<string, unknown>

const BUILT_IN: Record<string, JsonSchema> = {
  Int: { type: 'integer', format: 'int32' },
  Float: { type: 'number' },
  String: { type: 'string' },
  Boolean: { type: 'boolean' },
  ID: { type: 'string' },
}

/** The schema of a GraphQL type, null included where it may be null. Named types become `$ref`s. */
export function schemaOf(type: GraphQLOutputType | GraphQLInputType): JsonSchema {
  if (isNonNullType(type)) return nonNull(type.ofType)
  const schema = nonNull(type)
  if (typeof schema.type === 'string') return { ...schema, type: [schema.type, 'null'] }
  return Object.keys(schema).length === 0 ? schema : { anyOf: [schema, { type: 'null' }] }
}

function nonNull(type: GraphQLOutputType | GraphQLInputType): JsonSchema {
  if (isListType(type)) return { type: 'array', items: schemaOf(type.ofType) }
  const named = getNamedType(type) as GraphQLNamedType
  if (isScalarType(named))
    return { ...(BUILT_IN[named.name] ?? (named.extensions.jsonSchema as JsonSchema | undefined) ?? {}) }
  return { $ref: `#/components/schemas/${named.name}` }
}

/** What every list's envelope has: the rest only where there is something to say. */
const ENVELOPE = new Set(['nodes', 'pageInfo', 'edges'])

/** The component of a named type: an enum, an input, or an object as REST shows it. */
export function componentOf(type: GraphQLNamedType): JsonSchema | undefined {
  const description = type.description ? { description: type.description } : {}
  if (isEnumType(type)) return { type: 'string', enum: type.getValues().map((value) => value.name), ...description }
  if (isInputObjectType(type)) return inputComponent(type)
  if (!isObjectType(type)) return undefined
  const shown = Object.values(type.getFields()).filter(
    (field) => isLeafType(getNamedType(field.type)) || isEmbedded(field) || isConnection(type),
  )
  const optional = isConnection(type) ? shown.flatMap(({ name }) => (ENVELOPE.has(name) ? [] : [name])) : []
  return {
    type: 'object',
    ...description,
    properties: Object.fromEntries(
      shown.map((field) => [field.name, described(schemaOf(field.type), field.description)]),
    ),
    required: shown.map((field) => field.name).filter((name) => !optional.includes(name)),
  }
}

/** An input as JSON has it, without the fields that something else fills. */
export function inputComponent(type: GraphQLInputObjectType, without: readonly string[] = []): JsonSchema {
  const fields = Object.values(type.getFields()).filter((field) => !without.includes(field.name))
  const limits = inputLimits(type)
  const required = fields.filter((field) => isNonNullType(field.type) && field.defaultValue === undefined)
  return {
    type: 'object',
    ...(type.description ? { description: type.description } : {}),
    properties: Object.fromEntries(
      fields.map((field) => {
        const schema = { ...schemaOf(field.type), ...limits[field.name] }
        const withDefault = field.defaultValue === undefined ? schema : { ...schema, default: field.defaultValue }
        return [field.name, described(withDefault, field.description)]
      }),
    ),
    ...(required.length > 0 && { required: required.map((field) => field.name) }),
    additionalProperties: false,
  }
}

const LIMITS = ['minLength', 'maxLength', 'minimum', 'maximum', 'pattern', 'format', 'minItems', 'maxItems'] as const

/** The zod limits of an input's fields, as the validation plugin keeps them with the type. */
function inputLimits(type: GraphQLInputObjectType): Record<string, JsonSchema> {
  const kept = type.extensions['@pothos/plugin-validation'] as { schemas?: readonly unknown[] } | undefined
  // Of an input that its service checks, item by item, the rules are its own extension.
  const rule = [...(kept?.schemas ?? []), type.extensions.rules].find((one) => one instanceof z.ZodType)
  const names = Object.keys(type.getFields())
  return rule ? Object.fromEntries(names.map((name) => [name, limitsAt(rule, [name])])) : {}
}

/** The zod limits of the value at a path within what a rule accepts; of its items where it is a list. */
export function limitsAt(rule: unknown, path: readonly string[]): JsonSchema {
  if (!(rule instanceof z.ZodType)) return {}
  const whole: JsonSchema = z.toJSONSchema(rule, { io: 'input', unrepresentable: 'any' })
  let schema = resolved(whole, whole)
  for (const step of path) {
    schema = resolved((schema?.properties as Record<string, JsonSchema> | undefined)?.[step], whole)
  }
  if (schema?.items) schema = resolved(schema.items as JsonSchema, whole)
  return Object.fromEntries(LIMITS.flatMap((name) => (schema?.[name] === undefined ? [] : [[name, schema[name]]])))
}

/** zod writes a nullish string as `anyOf: [{type: "string", maxLength}, {type: "null"}]`, and what contains itself as a `$ref`. */
function resolved(schema: JsonSchema | undefined, whole: JsonSchema): JsonSchema | undefined {
  if (Array.isArray(schema?.anyOf)) {
    return resolved(
      (schema.anyOf as JsonSchema[]).find((one) => one.type !== 'null'),
      whole,
    )
  }
  if (typeof schema?.$ref !== 'string') return schema
  const steps = schema.$ref.split('/').slice(1)
  const found = steps.reduce<unknown>((at, step) => (at as JsonSchema | undefined)?.[step], whole)
  return resolved(found as JsonSchema | undefined, whole)
}

export function described(schema: JsonSchema, description: string | null | undefined): JsonSchema {
  return description ? { ...schema, description } : schema
}
