import type { JsonSchema } from './json-schema.ts'

type Components = Readonly<Record<string, JsonSchema>>

/** Adds an example to each component. */
export function withExamples(components: Components): Record<string, JsonSchema> {
  return Object.fromEntries(
    Object.entries(components).map(([name, schema]) => [
      name,
      schema.examples ? schema : { ...schema, examples: [exampleOf(schema, components)] },
    ]),
  )
}

const BY_FORMAT: Record<string, unknown> = {
  uuid: '01980f3e-5b6c-7d8e-9fa0-b1c2d3e4f5a6',
  date: '2030-01-31',
  'date-time': '2030-01-31T17:00:00.000Z',
}

/**
 * Returns a value that a schema allows: its own example, its default, its first enum value, or one
 * made from type, format and limits. `name` is the text for strings without any of them.
 */
export function exampleOf(schema: JsonSchema, components: Components, name = ''): unknown {
  const { examples, enum: values, $ref, anyOf } = schema as Record<string, unknown[] | undefined> & { $ref?: string }
  if (examples?.length) return examples[0]
  if (schema.default !== undefined) return schema.default
  if (schema.const !== undefined) return schema.const
  if (values) return values[0]
  if ($ref) return exampleOf(components[$ref.split('/').at(-1) ?? ''] ?? {}, components, name)
  if (anyOf) return exampleOf(anyOf[0] as JsonSchema, components, name)
  switch ([schema.type].flat()[0]) {
    case 'object':
      return exampleObject(schema, components)
    case 'array':
      return schema.items ? [exampleOf(schema.items as JsonSchema, components, name)] : []
    case 'integer':
    case 'number':
      return Math.max(1, Number(schema.minimum ?? 1))
    case 'boolean':
      return false
    case 'string':
      return BY_FORMAT[String(schema.format)] ?? name
    default:
      return null
  }
}

function exampleObject(schema: JsonSchema, components: Components): Record<string, unknown> {
  const { properties = {}, required = [] } = schema as {
    properties?: Record<string, JsonSchema>
    required?: readonly string[]
  }
  return Object.fromEntries(
    Object.entries(properties).flatMap(([name, property]) => {
      if (!required.includes(name))
        return isSimple(name, property, components) ? [[name, exampleOf(property, components, name)]] : []
      return [[name, isOften(property) ? exampleOf(property, components, name) : null]]
    }),
  )
}

/**
 * Returns true for an optional value that refers to no other entity. Examples omit the others,
 * because they must work on any server.
 */
function isSimple(name: string, schema: JsonSchema, components: Components): boolean {
  const { $ref, anyOf, type, format } = schema as {
    $ref?: string
    anyOf?: JsonSchema[]
    type?: unknown
    format?: string
  }
  // The id of another entity.
  if (/Ids?$/.test(name)) return false
  if (anyOf) return anyOf.every((one) => isSimple(name, one, components))
  if ($ref) return components[$ref.split('/').at(-1) ?? '']?.enum !== undefined
  return ![type].flat().includes('array') && ![type].flat().includes('object') && format !== 'uuid'
}

/** Returns false for a nullable value without an example: it is shown as null. */
function isOften(schema: JsonSchema): boolean {
  return !Array.isArray(schema.type) || schema.examples !== undefined
}
