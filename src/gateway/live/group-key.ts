import { type GraphQLSchema, Kind, print, visit } from 'graphql'
import { resumeArgument } from '../operation.ts'
import type { PreparedOperation } from '../prepared-operation.ts'
import type { Variables } from '../variables.ts'

/**
 * Returns the same key for subscriptions whose results are the same for any event: same document,
 * same access, and same variables except where each one resumes.
 */
export function groupKey(
  schema: GraphQLSchema,
  prepared: PreparedOperation,
  variables: Variables,
  access: string,
): string {
  const { document, operation } = prepared
  const resumeVariables = resumeVariablesOf(schema, prepared)
  const others = Object.entries(variables).filter(([name]) => !resumeVariables.has(name))
  const text = document.loc?.source.body ?? print(document)
  return JSON.stringify([access, operation.name?.value, text, others.sort(([a], [b]) => (a < b ? -1 : 1))])
}

const known = new WeakMap<PreparedOperation['document'], ReadonlySet<string>>()

/** Returns the variables that only say where to resume. */
function resumeVariablesOf(schema: GraphQLSchema, { document, operation }: PreparedOperation): ReadonlySet<string> {
  const found = known.get(document)
  if (found) return found
  const fields = schema.getSubscriptionType()?.getFields() ?? {}
  const resumeVariables = operation.selectionSet.selections.flatMap((selection) => {
    if (selection.kind !== Kind.FIELD) return []
    const field = fields[selection.name.value]
    const argument = selection.arguments?.find((one) => field && one.name.value === resumeArgument(field))
    return argument?.value.kind === Kind.VARIABLE ? [argument.value.name.value] : []
  })
  const uses = new Map<string, number>()
  visit(document, {
    VariableDefinition: () => false,
    Variable: ({ name }) => void uses.set(name.value, (uses.get(name.value) ?? 0) + 1),
  })
  const only = new Set(resumeVariables.filter((name) => uses.get(name) === 1))
  known.set(document, only)
  return only
}
