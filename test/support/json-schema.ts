import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

/** Validates values against the JSON Schemas (2020-12, with formats) of an OpenAPI document. */

export type Schema = Record<string, unknown>

interface Document {
  components: { schemas: Record<string, Schema> }
}

/** Returns schema violations as "path: problem"; empty if the value is valid. */
export function problemsOf(value: unknown, schema: Schema, document: Document): string[] {
  const validate = validatorOf(document)(schema)
  if (validate(value)) return []
  return (validate.errors ?? []).map(({ instancePath, message, params }) => {
    const { additionalProperty } = params as { additionalProperty?: string }
    return `$${instancePath}: ${additionalProperty ? `${additionalProperty} is not described` : message}`
  })
}

export function refered(document: Document, ref: string): Schema {
  const steps = ref.replace(/^#\//, '').split('/')
  const found = steps.reduce<unknown>((place, step) => (place as Record<string, unknown> | undefined)?.[step], document)
  if (!found) throw new Error(`${ref} does not resolve`)
  return found as Schema
}

type Validator = (schema: Schema) => ValidateFunction

const validators = new WeakMap<Document, Validator>()

/** Compiles each schema once, because a suite checks thousands of responses against a few dozen. */
function validatorOf(document: Document): Validator {
  const known = validators.get(document)
  if (known) return known
  const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true })
  addFormats.default(ajv)
  ajv.addVocabulary(['components'])
  const schemas = Object.entries(document.components.schemas).map(([name, schema]) => [name, closed(schema)])
  ajv.addSchema({ $id: ID, components: { schemas: Object.fromEntries(schemas) } })
  const compiled = new WeakMap<Schema, ValidateFunction>()
  const validator = (schema: Schema) => {
    const validate = compiled.get(schema) ?? ajv.compile(closed(schema))
    compiled.set(schema, validate)
    return validate
  }
  validators.set(document, validator)
  return validator
}

const ID = 'openapi'

/** Forbids undescribed properties and points references at the document. */
function closed(schema: Schema): Schema {
  const { $ref, properties, items, anyOf } = schema as {
    $ref?: string
    properties?: Record<string, Schema>
    items?: Schema
    anyOf?: Schema[]
  }
  return {
    ...(properties && { additionalProperties: false }),
    ...schema,
    ...($ref && { $ref: `${ID}${$ref}` }),
    ...(items && { items: closed(items) }),
    ...(anyOf && { anyOf: anyOf.map(closed) }),
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, closed(one)])),
    }),
  }
}
