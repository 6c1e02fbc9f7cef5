import { type GraphQLSchema, getArgumentValues } from 'graphql'
import type { GatewayContext } from '../gateway-context.ts'
import type { Receive } from '../operation.ts'
import type { PreparedOperation } from '../prepared-operation.ts'
import { rootNodes } from '../require-principal.ts'
import { coerceVariables, type Variables } from '../variables.ts'
import { Upload } from './upload.ts'

/**
 * Receives the files of a mutation that has an idempotency key, before the transaction in which it
 * runs. Returns the function that discards those that the mutation did not use.
 */
export async function receiveUploads(
  schema: GraphQLSchema,
  prepared: PreparedOperation,
  variables: Variables,
  context: GatewayContext,
): Promise<() => Promise<void>> {
  const uploads = Object.values(variables).filter((value) => value instanceof Upload)
  const discard = async () => {
    await Promise.all(uploads.map(({ received }) => received?.discard()))
  }
  if (uploads.length === 0) return discard
  const { values, issues } = coerceVariables(schema, prepared.operation, prepared.paths, variables)
  // The operation reports them.
  if (issues.length > 0) return discard
  try {
    for (const node of rootNodes(prepared, variables)) {
      const field = schema.getMutationType()?.getFields()[node.name.value]
      const { receive } = (field?.extensions ?? {}) as { receive?: Receive }
      if (field && receive) await receive(getArgumentValues(field, node, values), context)
    }
  } catch (error) {
    await discard()
    throw error
  }
  return discard
}
