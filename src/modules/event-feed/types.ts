import { loggedNouns } from '../../schema/logged.ts'

const shown = () => loggedNouns().filter(({ internal }) => !internal)

/** Returns the names a client may select: event types, and nouns for all of their types. */
export function eventTypeNames(): string[] {
  return shown().flatMap(({ noun, types }) => [noun, ...types])
}

/** Resolves these names to event types. */
export function typesNamed(names: readonly string[]): string[] {
  return shown().flatMap(({ noun, types }) =>
    names.includes(noun) ? types : types.filter((type) => names.includes(type)),
  )
}

export const taskEventTypes = () => typesNamed(['task'])
