/** Completes values that resolvers returned: "Value Completion" of the GraphQL specification. */
import {
  defaultTypeResolver,
  type GraphQLAbstractType,
  GraphQLError,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql'
import { spendValue } from './budget.ts'
import type { Complete, Execution, FieldPlan, Path } from './field-plan.ts'
import { afterAll, executeFields, fail, infoOf, isPromise } from './fields.ts'

/** A plan whose values are still to be completed. */
type Field = Omit<FieldPlan, 'complete'>

/** Compiles the completion of a field's values. */
export function completerOf(type: GraphQLOutputType, field: Field): Complete {
  if (isNonNullType(type)) return required(completerOf(type.ofType, field), field)
  if (isListType(type)) return list(type.ofType, completerOf(type.ofType, field), field)
  if (isLeafType(type)) return leaf(type)
  if (isAbstractType(type)) return abstract(type, field)
  return object(type as GraphQLObjectType, field)
}

function required(complete: Complete, { parentType, definition }: Field): Complete {
  const check = (completed: unknown) => {
    if (completed !== null) return completed
    throw new Error(`Cannot return null for non-nullable field ${parentType.name}.${definition.name}.`)
  }
  return (execution, value, path) => {
    const completed = complete(execution, value, path)
    return isPromise(completed) ? completed.then(check) : check(completed)
  }
}

function leaf(type: GraphQLLeafType): Complete {
  return ({ budget }, value) => {
    if (value == null) return null
    if (value instanceof Error) throw value
    const serialized = type.serialize(value)
    spendValue(budget, serialized)
    if (serialized == null) {
      throw new Error(
        `Expected \`${type}.serialize(${String(value)})\` to return non-nullable value, returned: ${serialized}`,
      )
    }
    return serialized
  }
}

function list(itemType: GraphQLOutputType, complete: Complete, field: Field): Complete {
  const isNullable = !isNonNullType(itemType)
  return (execution, value, path) => {
    if (value == null) return null
    if (value instanceof Error) throw value
    if (typeof value !== 'object' || !(Symbol.iterator in value)) {
      const name = `${field.parentType.name}.${field.definition.name}`
      throw new GraphQLError(`Expected Iterable, but did not find one for field "${name}".`)
    }
    const items = Array.isArray(value) ? value : [...(value as Iterable<unknown>)]
    const completed: unknown[] = []
    let isPending = false
    try {
      for (let index = 0; index < items.length; index++) {
        const item = completeItem(execution, items[index], { prev: path, key: index, typename: undefined })
        if (isPromise(item)) isPending = true
        completed.push(item)
      }
    } catch (error) {
      return afterAll(completed.filter(isPromise), error)
    }
    return isPending ? Promise.all(completed) : completed
  }

  function completeItem(execution: Execution, item: unknown, path: Path): unknown {
    const onError = (error: unknown) => fail(execution, error, field.nodes, path, isNullable)
    try {
      const completed = isPromise(item)
        ? item.then((resolved) => complete(execution, resolved, path))
        : complete(execution, item, path)
      return isPromise(completed) ? completed.then(undefined, onError) : completed
    } catch (error) {
      return onError(error)
    }
  }
}

function object(type: GraphQLObjectType, field: Field): Complete {
  let fields: readonly FieldPlan[] | undefined
  return (execution, value, path) => {
    if (value == null) return null
    if (value instanceof Error) throw value
    fields ??= field.fieldsOf(type)
    if (type.isTypeOf) return checked(execution, type, field, fields, value, path)
    return executeFields(execution, fields, value, path)
  }
}

/** Executes the fields of an object whose type says whether it is one. */
function checked(
  execution: Execution,
  type: GraphQLObjectType,
  field: Field,
  fields: readonly FieldPlan[],
  value: unknown,
  path: Path,
): unknown {
  const proceed = (isOfType: boolean | undefined) => {
    if (isOfType) return executeFields(execution, fields, value, path)
    throw new GraphQLError(`Expected value of type "${type.name}" but got: ${String(value)}.`, { nodes: field.nodes })
  }
  const isOfType = type.isTypeOf?.(value, execution.contextValue, infoOf(execution, field, path))
  return isPromise(isOfType) ? isOfType.then(proceed) : proceed(isOfType)
}

function abstract(type: GraphQLAbstractType, field: Field): Complete {
  const resolveType = type.resolveType ?? defaultTypeResolver
  return (execution, value, path) => {
    if (value == null) return null
    if (value instanceof Error) throw value
    const info = infoOf(execution, field, path)
    const proceed = (name: unknown) => {
      const runtimeType = possibleType(name, type, field, info)
      const fields = field.fieldsOf(runtimeType)
      if (runtimeType.isTypeOf) return checked(execution, runtimeType, field, fields, value, path)
      return executeFields(execution, fields, value, path)
    }
    const name = resolveType(value, execution.contextValue, info, type)
    return isPromise(name) ? name.then(proceed) : proceed(name)
  }
}

function possibleType(
  name: unknown,
  abstractType: GraphQLAbstractType,
  { nodes, parentType, definition }: Field,
  { schema }: GraphQLResolveInfo,
): GraphQLObjectType {
  const found = typeof name === 'string' ? schema.getType(name) : undefined
  if (isObjectType(found) && schema.isSubType(abstractType, found)) return found
  throw new GraphQLError(
    `"${String(name)}" is no possible type of "${abstractType.name}", for field "${parentType.name}.${definition.name}".`,
    { nodes },
  )
}
