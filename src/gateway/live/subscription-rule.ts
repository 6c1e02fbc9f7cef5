import {
  type ASTVisitor,
  GraphQLError,
  Kind,
  OperationTypeNode,
  type SelectionSetNode,
  type ValidationContext,
} from 'graphql'

/**
 * Directives that could leave a subscription without its one field. graphql-js does
 * not handle that.
 */
const CONDITIONAL_DIRECTIVES = new Set(['skip', 'include'])

/**
 * Rejects `@skip` and `@include` on the field of a subscription (GraphQL September 2025, 5.2.4.1).
 */
export function subscriptionRule(context: ValidationContext): ASTVisitor {
  function look(selections: SelectionSetNode, seen: Set<string>): void {
    for (const selection of selections.selections) {
      const directive = selection.directives?.find(({ name }) => CONDITIONAL_DIRECTIVES.has(name.value))
      if (directive) {
        const message = `The field of a subscription cannot have "@${directive.name.value}".`
        context.reportError(new GraphQLError(message, { nodes: directive }))
      }
      if (selection.kind === Kind.INLINE_FRAGMENT) look(selection.selectionSet, seen)
      if (selection.kind !== Kind.FRAGMENT_SPREAD || seen.has(selection.name.value)) continue
      seen.add(selection.name.value)
      const fragment = context.getFragment(selection.name.value)
      if (fragment) look(fragment.selectionSet, seen)
    }
  }
  return {
    OperationDefinition({ operation, selectionSet }) {
      if (operation === OperationTypeNode.SUBSCRIPTION) look(selectionSet, new Set())
    },
  }
}
