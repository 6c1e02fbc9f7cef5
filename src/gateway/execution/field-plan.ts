import type {
  FieldNode,
  FragmentDefinitionNode,
  GraphQLError,
  GraphQLField,
  GraphQLFieldResolver,
  GraphQLLeafType,
  GraphQLObjectType,
  GraphQLSchema,
  OperationDefinitionNode,
} from 'graphql'
import type { AppError } from '../errors.ts'
import type { AnswerLimits } from '../operation.ts'

/** Coerced values of variables by name. */
export type Values = Readonly<Record<string, unknown>>

// biome-ignore lint/suspicious/noExplicitAny: the type of graphql-js's own resolvers
export type Resolver = GraphQLFieldResolver<any, any>

/** One field of an object of the answer. */
export interface FieldPlan {
  /** Its name in the answer. */
  key: string
  nodes: readonly FieldNode[]
  definition: GraphQLField<unknown, unknown>
  parentType: GraphQLObjectType
  isNullable: boolean
  /** Bytes of its name in the answer. */
  weight: number
  /** Undefined if the field reads the property of its name. */
  resolve: Resolver | undefined
  /** The property of the object that holds the value of a scalar or enum, if it has been loaded. */
  property: string | undefined
  serialize: GraphQLLeafType['serialize'] | undefined
  /** Makes the arguments; undefined if the field has none. */
  readArguments: ((values: Values) => Record<string, unknown>) | undefined
  complete: Complete
  /** Returns the selected fields of an object that the field returns. */
  fieldsOf: (type: GraphQLObjectType) => readonly FieldPlan[]
}

export interface OperationPlan {
  schema: GraphQLSchema
  operation: OperationDefinitionNode
  fragments: Record<string, FragmentDefinitionNode>
  rootType: GraphQLObjectType
  fields: readonly FieldPlan[]
}

/** How much larger an answer may become. See budget.ts. */
export interface Budget {
  readonly limits: AnswerLimits
  objects: number
  bytes: number
  /** The bytes that are left when texts begin to be measured. */
  readonly measuredBelow: number
  /** Ends the execution: the answer is too large. */
  exceeded: AppError | undefined
}

/** A place in the answer. */
export interface Path {
  readonly prev: Path | undefined
  readonly key: string | number
  readonly typename: string | undefined
}

/** One execution of an operation. */
export interface Execution {
  readonly plan: OperationPlan
  readonly variableValues: Values
  readonly contextValue: unknown
  readonly rootValue: unknown
  readonly errors: GraphQLError[]
  /** Places that are null because of an error; undefined for the answer as a whole. */
  readonly nulled: Set<Path | undefined>
  readonly budget: Budget
}

/**
 * Returns what the answer has for a value, or a promise of it. Throws what is wrong with the value
 * or, if it cannot be null, with a part of it.
 */
export type Complete = (execution: Execution, value: unknown, path: Path) => unknown
