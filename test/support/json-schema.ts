/** As much of JSON Schema 2020-12 as openapi.json uses: enough to hold answers against their description. */

export type Schema = Record<string, unknown>

interface Document {
  components: { schemas: Record<string, Schema> }
}

/** What a value has that its schema does not allow, each as "path: what"; empty when it fits. */
export function problemsOf(value: unknown, schema: Schema, document: Document, path = '$'): string[] {
  const { $ref, anyOf, enum: values } = schema as { $ref?: string; anyOf?: Schema[]; enum?: unknown[] }
  if ($ref) return problemsOf(value, refered(document, $ref), document, path)
  if (anyOf) {
    const all = anyOf.map((one) => problemsOf(value, one, document, path))
    return all.some((problems) => problems.length === 0) ? [] : all.flat()
  }
  const types = [schema.type ?? []].flat() as string[]
  if (types.length > 0 && !types.some((type) => isOfType(value, type))) {
    return [`${path}: ${JSON.stringify(value)} is no ${types.join(' or ')}`]
  }
  if (values && !values.includes(value)) return [`${path}: ${JSON.stringify(value)} is none of ${values.join(', ')}`]
  if (schema.const !== undefined && value !== schema.const)
    return [`${path}: ${JSON.stringify(value)} is not ${schema.const}`]
  const broken = limitsBroken(value, schema)
  if (broken.length > 0) return broken.map((limit) => `${path}: ${JSON.stringify(value)} breaks ${limit}`)
  if (Array.isArray(value)) {
    return value.flatMap((item, index) =>
      problemsOf(item, (schema.items ?? {}) as Schema, document, `${path}[${index}]`),
    )
  }
  return typeof value === 'object' && value !== null ? problemsOfObject(value, schema, document, path) : []
}

const FORMATS: Record<string, RegExp> = {
  'date-time': /^\d{4}-\d\d-\d\dT[\d:.]+Z$/,
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
  email: /^[^@\s]+@[^@\s]+$/,
}

function limitsBroken(value: unknown, schema: Schema): string[] {
  const { format, pattern, minLength, maxLength, minimum, maximum, minItems, maxItems } = schema as Record<
    string,
    never
  >
  const text = typeof value === 'string' ? value : undefined
  const length = text === undefined ? undefined : [...text].length
  const count = Array.isArray(value) ? value.length : undefined
  const number = typeof value === 'number' ? value : undefined
  const within = (one: number | undefined, least: number | undefined, most: number | undefined) =>
    one === undefined || (one >= (least ?? -Infinity) && one <= (most ?? Infinity))
  return [
    ...(text !== undefined && format && FORMATS[format]?.test(text) === false ? [`format ${format}`] : []),
    ...(text !== undefined && pattern !== undefined && !new RegExp(pattern, 'u').test(text)
      ? [`pattern ${pattern}`]
      : []),
    ...(within(length, minLength, maxLength) ? [] : ['its length']),
    ...(within(number, minimum, maximum) ? [] : ['its bounds']),
    ...(within(count, minItems, maxItems) ? [] : ['its number of items']),
  ]
}

function problemsOfObject(value: object, schema: Schema, document: Document, path: string): string[] {
  const { properties = {}, required = [] } = schema as { properties?: Record<string, Schema>; required?: string[] }
  const described = Object.keys(properties).length > 0
  return [
    ...required.filter((name) => !(name in value)).map((name) => `${path}.${name}: is missing`),
    ...Object.entries(value).flatMap(([name, one]) => {
      const property = properties[name]
      // Stricter than JSON Schema: an answer has nothing that is not described.
      if (!property) return described ? [`${path}.${name}: is not described`] : []
      return problemsOf(one, property, document, `${path}.${name}`)
    }),
  ]
}

export function refered(document: Document, ref: string): Schema {
  const steps = ref.replace(/^#\//, '').split('/')
  const found = steps.reduce<unknown>((place, step) => (place as Record<string, unknown> | undefined)?.[step], document)
  if (!found) throw new Error(`${ref} leads nowhere`)
  return found as Schema
}

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case 'null':
      return value === null
    case 'array':
      return Array.isArray(value)
    case 'integer':
      return Number.isInteger(value)
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value)
    default:
      return typeof value === type
  }
}
