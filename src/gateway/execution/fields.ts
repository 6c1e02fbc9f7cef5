/** Executes the fields of the objects of an answer. */
import { type FieldNode, type GraphQLResolveInfo, locatedError } from 'graphql'
import { spendBytes, spendObject, spendValue } from './budget.ts'
import type { Execution, FieldPlan, Path } from './field-plan.ts'

/** Returns the fields of an object in the answer, or a promise of them. */
export function executeFields(
  execution: Execution,
  fields: readonly FieldPlan[],
  source: unknown,
  path: Path | undefined,
): unknown {
  const answer: Record<string, unknown> = {}
  const pending: Promise<void>[] = []
  spendObject(execution.budget)
  try {
    for (const field of fields) {
      const value = executeField(execution, field, source, path)
      // A promise holds its place, so that the fields stay in order.
      set(answer, field.key, value)
      if (isPromise(value)) pending.push(value.then((resolved) => set(answer, field.key, resolved)))
    }
  } catch (error) {
    return afterAll(pending, error)
  }
  return pending.length > 0 ? Promise.all(pending).then(() => answer) : answer
}

/** Throws an error once nothing is pending: nobody else waits for what else may fail. */
export function afterAll(pending: readonly Promise<unknown>[], error: unknown): Promise<never> {
  if (pending.length === 0) throw error
  return Promise.allSettled(pending).then(() => {
    throw error
  })
}

export function set(answer: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') answer[key] = value
  else Object.defineProperty(answer, key, { value, enumerable: true, configurable: true, writable: true })
}

export function executeField(
  execution: Execution,
  field: FieldPlan,
  source: unknown,
  parent: Path | undefined,
): unknown {
  const { property, serialize } = field
  spendBytes(execution.budget, field.weight)
  if (property !== undefined && serialize) {
    const value = (source as Record<string, unknown>)[property]
    // No error and no promise: it comes from a row.
    if (value === null && field.isNullable) return null
    if (value != null) {
      try {
        const serialized = serialize(value)
        spendValue(execution.budget, serialized)
        return serialized
      } catch (error) {
        return fail(execution, error, field.nodes, pathOf(field, parent), field.isNullable)
      }
    }
  }
  return resolveField(execution, field, source, pathOf(field, parent))
}

function resolveField(execution: Execution, field: FieldPlan, source: unknown, path: Path): unknown {
  const { complete, nodes, isNullable } = field
  try {
    const value = resolve(execution, field, source, path)
    const completed = isPromise(value)
      ? value.then((resolved) => complete(execution, resolved, path))
      : complete(execution, value, path)
    if (!isPromise(completed)) return completed
    return completed.then(undefined, (error) => fail(execution, error, nodes, path, isNullable))
  } catch (error) {
    return fail(execution, error, nodes, path, isNullable)
  }
}

function pathOf({ key, parentType }: FieldPlan, prev: Path | undefined): Path {
  return { prev, key, typename: parentType.name }
}

function resolve(execution: Execution, field: FieldPlan, source: unknown, path: Path): unknown {
  const args = field.readArguments?.(execution.variableValues) ?? {}
  if (field.resolve) return field.resolve(source, args, execution.contextValue, infoOf(execution, field, path))
  if ((typeof source !== 'object' && typeof source !== 'function') || source === null) return undefined
  const value = (source as Record<string, unknown>)[field.definition.name]
  if (typeof value !== 'function') return value
  return value.call(source, args, execution.contextValue, infoOf(execution, field, path))
}

export function infoOf(execution: Execution, field: Omit<FieldPlan, 'complete'>, path: Path): GraphQLResolveInfo {
  const { definition, nodes, parentType } = field
  const { plan, rootValue, variableValues } = execution
  return {
    fieldName: definition.name,
    fieldNodes: nodes,
    returnType: definition.type,
    parentType,
    path,
    schema: plan.schema,
    fragments: plan.fragments,
    rootValue,
    operation: plan.operation,
    variableValues,
  }
}

/**
 * Records an error and returns null for its value, or throws it on if the value cannot be null, or
 * if the execution has to end.
 */
export function fail(
  { errors, nulled, budget }: Execution,
  cause: unknown,
  nodes: readonly FieldNode[],
  path: Path,
  isNullable: boolean,
): null {
  if (budget.exceeded) throw budget.exceeded
  const error = locatedError(cause, nodes, keysOf(path))
  if (!isNullable) throw error
  // What is null already needs no further error.
  if (!isNulled(nulled, path)) {
    nulled.add(path)
    errors.push(error)
  }
  return null
}

function isNulled(nulled: ReadonlySet<Path | undefined>, path: Path): boolean {
  for (let place: Path | undefined = path; place; place = place.prev) if (nulled.has(place)) return true
  return nulled.has(undefined)
}

function keysOf(path: Path): (string | number)[] {
  const keys: (string | number)[] = []
  for (let place: Path | undefined = path; place; place = place.prev) keys.push(place.key)
  return keys.reverse()
}

export function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}
