import type { Viewer } from '../auth/viewer.ts'
import type { Context } from '../request/context.ts'
import { COMPARE } from '../request/viewer.ts'

/** The parts of a context that come from the request. */
export type Facts = Pick<
  Context,
  'requestId' | 'viewer' | 'credentialProblem' | 'request' | 'services' | 'log' | 'payer'
>

/** Names the access level that an answer depends on, apart from data that belongs to one viewer. */
export function accessOf({ role, scopes }: Viewer): string {
  return `${role} ${scopes ? [...scopes].sort().join(' ') : 'all'}`
}

/**
 * Wraps the facts to record whether an operation reads anything that belongs to this viewer alone.
 * `suits` then checks that another viewer with the same access would get the same answer.
 */
export function traceFacts(facts: Facts, viewer: Viewer): { facts: Facts; suits(other: Context): boolean } {
  let personal = false
  const comparedWith = new Set<string>()
  const compare = (id: string) => {
    comparedWith.add(id)
    return id === viewer.id
  }
  const traced = <Source extends object>(source: Source, shared: Readonly<Record<PropertyKey, unknown>>): Source =>
    new Proxy(source, {
      get(_target, name) {
        if (name in shared) return shared[name]
        personal = true
        return source[name as keyof Source]
      },
    })
  const { role, scopes } = viewer
  return {
    facts: {
      ...facts,
      viewer: traced(viewer, { role, scopes, [COMPARE]: compare }),
      request: traced(facts.request, {}),
    },
    suits: (other) =>
      !personal && !comparedWith.has(viewer.id) && other.viewer !== null && !comparedWith.has(other.viewer.id),
  }
}
