import {
  type DocumentNode,
  type FieldNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isInterfaceType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
} from 'graphql'
import type { Issue } from '../errors.ts'
import { type Deprecation, deprecationOf } from './deprecation.ts'
import { isConnection, isEmbedded, isEnvelope } from './view.ts'

/** The representation that a client requests: `?fields=` narrows it, `?include=` widens it. */
export interface Representation {
  fields: readonly string[]
  include: readonly string[]
}

/** Always selected, for ETag and Location. Removed from the answer if not requested. */
const ALWAYS_SELECTED = ['id', 'version']

/** Returns the names that `fields` and `include` accept for an operation. */
export function selectableNames(schema: GraphQLSchema, document: DocumentNode): Representation {
  const { type, item, counted } = answerOf(schema, document)
  if (!isObjectType(type) || !item) return { fields: [], include: [] }
  const names = Object.values(item.getFields())
  return {
    fields: names.filter(isNarrow).map((one) => one.name),
    include: [...names.filter(isWide).map((one) => one.name), ...(counted ? ['totalCount'] : [])],
  }
}

/** Returns true if the answer can contain deprecated fields. */
export function returnsDeprecated(schema: GraphQLSchema, document: DocumentNode): boolean {
  return Object.values(answerOf(schema, document).item?.getFields() ?? {}).some(deprecationOf)
}

/**
 * Returns the type of an operation's answer, the item that `fields` and `include` select from, and
 * whether it has a count.
 */
function answerOf(schema: GraphQLSchema, document: DocumentNode) {
  const operation = document.definitions[0] as OperationDefinitionNode
  const root = operation.selectionSet.selections[0] as FieldNode
  const owner = schema.getRootType(operation.operation)
  const type = getNamedType(owner?.getFields()[root.name.value]?.type)
  const list = isConnection(type)
  const item = list ? (getNamedType(type.getFields().nodes?.type) as GraphQLObjectType) : type
  const counted = list && type.getFields().totalCount !== undefined
  return { root, type, item: isObjectType(item) ? item : undefined, counted }
}

const isNarrow = ({ type, args }: GraphQLField<unknown, unknown>) =>
  isLeafType(getNamedType(type)) && !args.some(isRequiredArgument)

const isWide = ({ type, args, extensions }: GraphQLField<unknown, unknown>) =>
  !isLeafType(getNamedType(type)) && !args.some(isRequiredArgument) && extensions.restEmbed !== false

export interface Selection {
  document: DocumentNode
  /** Names to remove from each item before it is sent. */
  hidden: readonly string[]
  /** Deprecations of the fields requested by name. */
  deprecations: readonly Deprecation[]
}

/**
 * Returns the operation for a representation: SOFA's document with its selection narrowed and
 * widened. Adds an issue for each name that is not a field of the item. `always` is selected in any
 * case, and hidden unless requested.
 */
export function selectRepresentation(
  schema: GraphQLSchema,
  document: DocumentNode,
  representation: Representation,
  issues: Issue[],
  always: readonly string[] = ALWAYS_SELECTED,
): Selection {
  const { fields, include } = representation
  if (fields.length === 0 && include.length === 0) return { document, hidden: [], deprecations: [] }
  const { root, type, item, counted } = answerOf(schema, document)
  if (!isObjectType(type) || !item) {
    refuse(issues, 'fields', fields)
    refuse(issues, 'include', include)
    return { document, hidden: [], deprecations: [] }
  }
  const list = isConnection(type)
  const onList: string[] = counted ? include.filter((name) => name === 'totalCount') : []
  const narrowed = narrow(item, fields, issues, always)
  const added = include.filter((name) => !onList.includes(name)).flatMap((name) => widen(item, name, issues))
  const nodes = [...(narrowed?.selections ?? defaultSelections(item)), ...added]
  const selections = list
    ? [
        field('nodes', nodes),
        ...defaultSelections(type).filter((one) => one.kind === Kind.FIELD && one.name.value !== 'nodes'),
        ...onList.map((name) => field(name)),
      ]
    : nodes
  const requested = [...fields, ...include].map((name) => (onList.includes(name) ? type : item).getFields()[name])
  return {
    document: withSelections(document, root, selections),
    hidden: narrowed?.hidden ?? [],
    deprecations: requested.flatMap((one) => (one && deprecationOf(one)) ?? []),
  }
}

function narrow(item: GraphQLObjectType, fields: readonly string[], issues: Issue[], always: readonly string[]) {
  if (fields.length === 0) return undefined
  const known = item.getFields()
  const [good, bad] = partition(fields, (name) => known[name] !== undefined && isNarrow(known[name]))
  refuse(issues, 'fields', bad)
  const hidden = always.filter((name) => known[name] && !good.includes(name))
  return { selections: [...new Set([...good, ...hidden])].map((name) => field(name)), hidden }
}

function widen(item: GraphQLObjectType, name: string, issues: Issue[]): FieldNode[] {
  const found = item.getFields()[name]
  if (!found || !isWide(found)) {
    refuse(issues, 'include', [name])
    return []
  }
  return [field(name, defaultSelections(getNamedType(found.type)))]
}

/**
 * Returns the default representation of a type: its leaves, and the fields declared to be embedded.
 */
export function defaultSelections(type: GraphQLNamedType | undefined): SelectionNode[] {
  if (!isObjectType(type) && !isInterfaceType(type)) return []
  return Object.values(type.getFields()).flatMap((one): FieldNode[] => {
    if (one.args.some(isRequiredArgument)) return []
    const named = getNamedType(one.type)
    if (isConnection(type) && !isEnvelope(one)) return []
    if (isLeafType(named)) return [field(one.name)]
    return isEmbedded(one) || isConnection(type) ? [field(one.name, defaultSelections(named))] : []
  })
}

function field(name: string, selections: SelectionNode[] = []): FieldNode {
  return {
    kind: Kind.FIELD,
    name: { kind: Kind.NAME, value: name },
    ...(selections.length > 0 && { selectionSet: { kind: Kind.SELECTION_SET, selections } }),
  }
}

function withSelections(document: DocumentNode, root: FieldNode, selections: SelectionNode[]): DocumentNode {
  const operation = document.definitions[0] as OperationDefinitionNode
  const changed: FieldNode = { ...root, selectionSet: { kind: Kind.SELECTION_SET, selections } }
  return {
    kind: Kind.DOCUMENT,
    definitions: [{ ...operation, selectionSet: { kind: Kind.SELECTION_SET, selections: [changed] } }],
  }
}

function refuse(issues: Issue[], parameter: 'fields' | 'include', names: readonly string[]): void {
  for (const name of names) {
    issues.push({
      path: ['query', parameter],
      code: 'unknown_field',
      message: `${JSON.stringify(name)} is not available here`,
    })
  }
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))]
}

/** Returns an answer, or the items of a list, without the hidden fields. */
export function hide(answer: object, hidden: readonly string[]): object {
  if (hidden.length === 0) return answer
  if (Array.isArray(answer)) return answer.map((one: object) => hide(one, hidden))
  if ('nodes' in answer && Array.isArray(answer.nodes)) {
    return { ...answer, nodes: answer.nodes.map((node: object) => hide(node, hidden)) }
  }
  return Object.fromEntries(Object.entries(answer).filter(([name]) => !hidden.includes(name)))
}
