/**
 * Plans of operations: what graphql-js would look up in the document and the schema again for each
 * object of each answer, looked up once.
 */
import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getArgumentValues,
  getDirectiveValues,
  getNullableType,
  isAbstractType,
  isLeafType,
  isNonNullType,
  Kind,
  type OperationDefinitionNode,
  SchemaMetaFieldDef,
  type SelectionNode,
  type SelectionSetNode,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
} from 'graphql'
import { LRUCache } from 'lru-cache'
import type { Payer } from '../limits/rate-limit.ts'
import { observed } from '../observation.ts'
import { type CostLimits, propertyOf } from '../operation.ts'
import type { VariablePaths } from '../variables.ts'
import { completerOf } from './complete.ts'
import { complexityWithin, costOfOperation, type OperationCost } from './cost.ts'
import type { FieldPlan, OperationPlan, Values } from './field-plan.ts'

/** Maximum number of plans of one operation: each combination of conditions has its own. */
const MAX_PLANS = 16

interface CostedPlan {
  plan: OperationPlan
  /** Undefined if the cost is not limited. */
  cost: OperationCost | undefined
}

export interface PlannerOptions {
  schema: GraphQLSchema
  operation: OperationDefinitionNode
  fragments: Record<string, FragmentDefinitionNode>
  /** The argument path of each variable. */
  paths: VariablePaths
  limits?: CostLimits | undefined
  /** Called with the number of fields of each new plan. */
  onPlan?: ((fields: number) => void) | undefined
}

/** Makes the plans of one operation. */
export class Planner {
  readonly schema: GraphQLSchema
  readonly operation: OperationDefinitionNode
  readonly fragments: Record<string, FragmentDefinitionNode>
  readonly paths: VariablePaths
  readonly #rootType: GraphQLObjectType
  /** The variables of its directives `@skip` and `@include`. */
  readonly #conditions: readonly string[]
  readonly #plans = new LRUCache<string, CostedPlan>({ max: MAX_PLANS })
  readonly #limits: CostLimits | undefined
  readonly #onPlan: PlannerOptions['onPlan']

  constructor({ schema, operation, fragments, paths, limits, onPlan }: PlannerOptions) {
    const rootType = schema.getRootType(operation.operation)
    if (!rootType) throw new Error(`the schema has no ${operation.operation}`)
    this.schema = schema
    this.operation = operation
    this.fragments = fragments
    this.paths = paths
    this.#limits = limits
    this.#onPlan = onPlan
    this.#rootType = rootType
    this.#conditions = conditionsOf([operation, ...Object.values(fragments)])
  }

  /**
   * Returns the plan for these values, which the payer pays for. Throws QUERY_TOO_COMPLEX if it
   * costs too much.
   */
  plan(values: Values, payer?: Payer): OperationPlan {
    const { plan, cost } = this.#costed(values)
    const points = cost && this.#limits ? complexityWithin(this.#limits, cost, values) : 1
    const observation = observed()
    if (observation) observation.cost += points
    // The request has paid one point.
    if (payer && points > 1) payer.spend(points - 1)
    return plan
  }

  #costed(values: Values): CostedPlan {
    const key = this.#conditions.map((name) => String(values[name])).join()
    const known = this.#plans.get(key)
    if (known) return known
    const plan = this.#make(values)
    const cost = this.#limits && costOfOperation(plan, this.#limits)
    this.#plans.set(key, { plan, cost })
    this.#onPlan?.(cost?.breadth ?? plan.fields.length)
    return { plan, cost }
  }

  #make(values: Values): OperationPlan {
    const { schema, operation, fragments } = this
    const fields = this.#fields(this.#rootType, [operation.selectionSet], values)
    return { schema, operation, fragments, rootType: this.#rootType, fields }
  }

  #fields(type: GraphQLObjectType, selectionSets: readonly SelectionSetNode[], values: Values): FieldPlan[] {
    const nodes = new Map<string, FieldNode[]>()
    const visited = new Set<string>()
    for (const selectionSet of selectionSets) this.#collect(type, selectionSet, values, nodes, visited)
    return [...nodes].flatMap(([key, same]) => this.#field(key, same, type, values) ?? [])
  }

  #collect(
    type: GraphQLObjectType,
    { selections }: SelectionSetNode,
    values: Values,
    nodes: Map<string, FieldNode[]>,
    visited: Set<string>,
  ): void {
    for (const selection of selections) {
      if (!isIncluded(selection, values)) continue
      if (selection.kind === Kind.FIELD) {
        const key = (selection.alias ?? selection.name).value
        const same = nodes.get(key)
        if (same) same.push(selection)
        else nodes.set(key, [selection])
        continue
      }
      const fragment =
        selection.kind === Kind.INLINE_FRAGMENT ? selection : unvisited(this.fragments, selection.name.value, visited)
      if (fragment && this.#applies(fragment.typeCondition?.name.value, type)) {
        this.#collect(type, fragment.selectionSet, values, nodes, visited)
      }
    }
  }

  #applies(condition: string | undefined, type: GraphQLObjectType): boolean {
    if (condition === undefined || condition === type.name) return true
    const conditional = this.schema.getType(condition)
    return isAbstractType(conditional) && this.schema.isSubType(conditional, type)
  }

  #field(
    key: string,
    nodes: readonly FieldNode[],
    parentType: GraphQLObjectType,
    values: Values,
  ): FieldPlan | undefined {
    const [node] = nodes
    const definition = node && this.#definition(parentType, node.name.value)
    if (!definition) return undefined
    const byType = new Map<GraphQLObjectType, readonly FieldPlan[]>()
    const fieldsOf = (one: GraphQLObjectType) => {
      const known = byType.get(one)
      if (known) return known
      const selectionSets = nodes.flatMap(({ selectionSet }) => selectionSet ?? [])
      const fields = this.#fields(one, selectionSets, values)
      byType.set(one, fields)
      return fields
    }
    const type = getNullableType(definition.type)
    const plan = {
      key,
      nodes,
      definition,
      parentType,
      isNullable: !isNonNullType(definition.type),
      // With its quotes, a colon, a comma and a short value.
      weight: key.length + 8,
      resolve: definition.resolve,
      property: isLeafType(type) && definition.resolve ? propertyOf(definition.resolve) : undefined,
      serialize: isLeafType(type) ? type.serialize.bind(type) : undefined,
      readArguments: definition.args.length > 0 ? (all: Values) => getArgumentValues(definition, node, all) : undefined,
      fieldsOf,
    }
    return { ...plan, complete: completerOf(definition.type, plan) }
  }

  #definition(type: GraphQLObjectType, name: string): GraphQLField<unknown, unknown> | undefined {
    if (name === TypeNameMetaFieldDef.name) return TypeNameMetaFieldDef
    if (type === this.schema.getQueryType()) {
      if (name === SchemaMetaFieldDef.name) return SchemaMetaFieldDef
      if (name === TypeMetaFieldDef.name) return TypeMetaFieldDef
    }
    return type.getFields()[name]
  }
}

function unvisited(
  fragments: Record<string, FragmentDefinitionNode>,
  name: string,
  visited: Set<string>,
): FragmentDefinitionNode | undefined {
  if (visited.has(name)) return undefined
  visited.add(name)
  return fragments[name]
}

function isIncluded(selection: SelectionNode, values: Values): boolean {
  if (!selection.directives?.length) return true
  if (getDirectiveValues(GraphQLSkipDirective, selection, values)?.if === true) return false
  return getDirectiveValues(GraphQLIncludeDirective, selection, values)?.if !== false
}

/** Returns the names of the variables that decide which fields are selected. */
function conditionsOf(definitions: readonly (OperationDefinitionNode | FragmentDefinitionNode)[]): string[] {
  const names = new Set<string>()
  const search = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      for (const argument of selection.directives?.flatMap((directive) => directive.arguments ?? []) ?? []) {
        if (argument.value.kind === Kind.VARIABLE) names.add(argument.value.name.value)
      }
      if ('selectionSet' in selection && selection.selectionSet) search(selection.selectionSet)
    }
  }
  for (const { selectionSet } of definitions) search(selectionSet)
  return [...names]
}
