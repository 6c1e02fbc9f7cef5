/**
 * The objects of the database that schema.prisma cannot express, each with the SQL that creates
 * it: functions and triggers (prisma/functions), constraints and indexes (prisma/*.sql), and the
 * triggers that follow from the logged() declarations.
 */
import { readdir, readFile } from 'node:fs/promises'
import '../src/app/schema.ts'
import { loggedNouns } from '../src/schema/logged.ts'
import { loggedTriggers } from './logged-triggers.ts'

const PRISMA = new URL('../prisma/', import.meta.url)

/** Printed from the declarations, for readers. */
export const LOGGED_TRIGGERS = new URL('functions/logged-triggers.sql', PRISMA)

export interface DeclaredObject {
  /** As the catalogue names it, like "trigger Task_log". A function has no arguments here. */
  name: string
  sql: string
}

/** Returns the objects in an order in which they can be created. */
export async function declaredObjects(): Promise<DeclaredObject[]> {
  const folder = new URL('functions/', PRISMA)
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql') && !LOGGED_TRIGGERS.href.endsWith(file))
  const texts = await Promise.all([
    ...files.sort().map((file) => readFile(new URL(file, folder), 'utf8')),
    Promise.resolve(printLoggedTriggers()),
    readFile(new URL('constraints.sql', PRISMA), 'utf8'),
    readFile(new URL('indexes.sql', PRISMA), 'utf8'),
  ])
  return texts.flatMap(parse)
}

/** The content of logged-triggers.sql. */
export function printLoggedTriggers(): string {
  const tables = loggedNouns().map((noun) => loggedTriggers(noun).join('\n\n'))
  return `-- The triggers that version and log rows. Generated from the logged() declarations in src/modules
-- by "npm run migration": do not edit.

${tables.join('\n\n')}
`
}

/** Splits a file into statements, without the comments between them. */
function parse(text: string): DeclaredObject[] {
  const statements = text.replaceAll(/^--.*$/gm, '').split(/\n(?=(?:CREATE|ALTER|DO)\b)/)
  return statements.flatMap((sql): DeclaredObject[] => {
    const name = nameOf(sql)
    return name === undefined ? [] : [{ name, sql: sql.trim() }]
  })
}

function nameOf(sql: string): string | undefined {
  const [, kind = '', name] =
    /\bCREATE (?:OR REPLACE |UNIQUE )?(FUNCTION|TRIGGER|INDEX) "?(\w+)/.exec(sql) ??
    /\bADD (CONSTRAINT) "(\w+)"/.exec(sql) ??
    []
  if (name === undefined) return undefined
  return `${kind === 'CONSTRAINT' ? 'check' : kind.toLowerCase()} ${name}`
}
