import {
  type GraphQLArgument,
  type GraphQLEnumType,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputObjectType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
} from 'graphql'
import { deprecationText } from '../rest/deprecation.ts'
import { queryParameters } from '../rest/query-parameters.ts'
import type { Route } from '../rest/routes.ts'
import type { StreamRoute } from '../rest/stream.ts'
import { isConnection, isEmbedded, isEnvelope } from '../rest/view.ts'
import {
  type Dialect,
  described,
  type JsonSchema,
  ownRule,
  REFUSES_NULL,
  ruleAt,
  ruleOfInput,
  schemaOf,
} from './json-schema.ts'

/** Returns the schema of every named type that an answer or a body contains. */
export function typeComponents(
  schema: GraphQLSchema,
  routes: readonly (Route | StreamRoute)[],
  dialect: Dialect,
): Record<string, JsonSchema> {
  const components = new Map<string, JsonSchema>()
  const visit = (type: GraphQLNamedType): void => {
    if (components.has(type.name)) return
    const component = componentOf(schema.getType(type.name) ?? type, dialect)
    if (!component) return
    components.set(type.name, component)
    for (const [, name] of JSON.stringify(component).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      const next = schema.getType(String(name))
      if (next) visit(next)
    }
  }
  for (const { field, rest } of routes) {
    const written = queryParameters(field.args).filter(({ form }) => form === 'json')
    const isJson = ({ name }: GraphQLArgument) =>
      ('body' in rest && rest.body === name) || written.some((parameter) => parameter.name === name)
    // REST sends the bytes of a download.
    if (!('download' in rest)) visit(getNamedType(field.type))
    for (const arg of field.args) {
      const type = getNamedType(arg.type)
      if (!isInputObjectType(type) || isJson(arg)) visit(type)
    }
  }
  return Object.fromEntries([...components].sort(([a], [b]) => (a < b ? -1 : 1)))
}

function componentOf(type: GraphQLNamedType, dialect: Dialect): JsonSchema | undefined {
  if (isEnumType(type)) return enumComponent(type)
  if (isInputObjectType(type)) return inputComponent(type, dialect)
  return isObjectType(type) ? objectComponent(type, dialect) : undefined
}

/** JSON Schema cannot deprecate a single enum value, so the description does. */
function enumComponent(type: GraphQLEnumType): JsonSchema {
  const values = type.getValues()
  const deprecated = values.flatMap((value) => {
    const text = deprecationText(value)
    return text ? [`\`${value.name}\`: ${text}`] : []
  })
  const description = [type.description, ...deprecated].filter(Boolean).join('\n\n')
  return described({ type: 'string', enum: values.map((value) => value.name) }, { description })
}

/**
 * Returns the schema of an object. `required` lists the fields of the default representation.
 * `include` adds fields that are described but not required; `fields` may leave out required ones
 * (see docs/decisions/0001).
 */
function objectComponent(type: GraphQLObjectType, dialect: Dialect): JsonSchema {
  const fields = Object.values(type.getFields()).filter((field) => !field.args.some(isRequiredArgument))
  const shown = isConnection(type) ? fields.filter((field) => field.name !== 'edges') : fields
  const required = shown.filter((field) => isAlwaysShown(type, field)).map((field) => field.name)
  return described(
    {
      type: 'object',
      properties: Object.fromEntries(shown.map((field) => [field.name, described(valueSchema(field, dialect), field)])),
      ...(required.length > 0 && { required }),
    },
    type,
  )
}

function isAlwaysShown(type: GraphQLObjectType, field: GraphQLField<unknown, unknown>): boolean {
  // A list's envelope omits empty fields.
  if (isConnection(type)) return isEnvelope(field) && !isEmbedded(field)
  return isLeafType(getNamedType(field.type)) || isEmbedded(field)
}

/**
 * States a default in the description. With `default`, client generators treat the
 * field as required.
 */
function withDefault({ description, defaultValue }: GraphQLInputField): string | undefined {
  const note = defaultValue === undefined ? [] : [`Default: \`${JSON.stringify(defaultValue)}\`.`]
  return [description ?? [], note].flat().join(' ') || undefined
}

/**
 * Returns the schema of a field's values: nullability from its type, limits from its rule. Its
 * extension `jsonSchema` replaces both.
 */
function valueSchema(field: GraphQLField<unknown, unknown>, dialect: Dialect): JsonSchema {
  const { jsonSchema } = field.extensions as { jsonSchema?: JsonSchema }
  const rule = ownRule(field)
  return jsonSchema ?? schemaOf(field.type, dialect, rule && { ...rule, [REFUSES_NULL]: false })
}

/** Returns the schema of an input, without the fields that something else fills. */
export function inputComponent(
  type: GraphQLInputObjectType,
  dialect: Dialect,
  without: readonly string[] = [],
): JsonSchema {
  const fields = Object.values(type.getFields()).filter((field) => !without.includes(field.name))
  const rule = ruleOfInput(type)
  const required = fields.filter(isRequiredInputField)
  const { example } = type.extensions as { example?: unknown }
  return described(
    {
      type: 'object',
      properties: Object.fromEntries(
        fields.map((field) => {
          const schema = schemaOf(field.type, dialect, ruleAt(rule, [field.name]))
          return [field.name, described(schema, { ...field, description: withDefault(field) })]
        }),
      ),
      ...(required.length > 0 && { required: required.map((field) => field.name) }),
      additionalProperties: false,
      ...(example !== undefined && { examples: [example] }),
    },
    type,
  )
}
