import type { Catalogue } from './catalogue.ts'
import type { DeclaredObject } from './declared-objects.ts'

/** What schema.prisma cannot express, in the order in which a migration creates it. */
const KINDS = ['function', 'trigger', 'check', 'index']

/**
 * Returns the SQL that gives a migrated database the declared functions, triggers,
 * checks and indexes.
 */
export function objectChanges(migrated: Catalogue, declared: Catalogue, objects: readonly DeclaredObject[]): string[] {
  const changed = [...new Set([...migrated.keys(), ...declared.keys()])].filter(
    (object) => KINDS.includes(kindOf(object)) && migrated.get(object) !== declared.get(object),
  )
  const drops = changed.flatMap((object) => {
    const definition = migrated.get(object)
    const isReplaced = declared.has(object) && /^(function|trigger) /.test(object)
    return definition === undefined || isReplaced ? [] : [dropSql(object, definition)]
  })
  const wanted = new Set(changed.filter((object) => declared.has(object)).map(nameOf))
  return [...drops.sort().reverse(), ...objects.filter(({ name }) => wanted.has(name)).map(({ sql }) => sql)]
}

const kindOf = (object: string) => object.split(' ', 1)[0] ?? ''

/** A function without its arguments. */
const nameOf = (object: string) => object.replace(/\(.*/, '')

function dropSql(object: string, definition: string): string {
  const name = object.slice(kindOf(object).length + 1)
  switch (kindOf(object)) {
    case 'function':
      return `DROP FUNCTION ${name};`
    case 'trigger':
      return `DROP TRIGGER "${name}" ON ${/ ON (?:public\.)?("?\w+"?) /.exec(definition)?.[1]};`
    case 'check':
      return `ALTER TABLE ${definition.split(' ', 1)[0]} DROP CONSTRAINT "${name}";`
    default:
      return `DROP INDEX "${name}";`
  }
}
